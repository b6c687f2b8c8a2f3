/** The balancer that other tests put in front of their servers does what they count on. */
import { request } from 'undici';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { grpcClientOf } from './grpc-client.ts';
import { haproxyForTests, startBalancer } from './haproxy.ts';
import { startParley } from './server.ts';
import { openSse } from './sse.ts';
import { waitFor } from './wait-for.ts';

const haproxy = haproxyForTests();

describe.skipIf('skipped' in haproxy)('a balancer in front of two servers', () => {
  test('asks both, leaves out the one that is not ready, passes streams on as they come, and speaks gRPC', async () => {
    if ('skipped' in haproxy) return;
    const [a, b] = await Promise.all([startParley({ env: { AUTH: 'none' } }), startParley({ env: { AUTH: 'none' } })]);
    const balancer = await startBalancer(haproxy, { servers: [a, b] });
    const headers = { 'a2a-version': '1.0', 'content-type': 'application/json' };
    const message = (text: string) => ({ message: { messageId: text, role: 'ROLE_USER', parts: [{ text }] } });
    const send = async (text: string) => {
      const body = JSON.stringify(message(text));
      const answer = await request(`${balancer.url}/a2a/message:send`, { method: 'POST', headers, body });
      await answer.body.dump();
      return answer.statusCode;
    };
    for (let n = 0; n < 6; n++) expect(await send(`hello ${n}`)).toBe(200);
    const tasksOf = async (url: string) => {
      const answer = await request(`${url}/a2a/tasks`, { headers });
      return ((await answer.body.json()) as { totalSize: number }).totalSize;
    };
    const shares = [await tasksOf(a.url), await tasksOf(b.url)];
    expect(shares.reduce((sum, share) => sum + share)).toBe(6);
    // Not three each: a check that comes late on a busy machine leaves one out for a moment.
    expect(Math.min(...shares)).toBeGreaterThan(0);

    const stream = await openSse(`${balancer.url}/a2a/message:stream`, {
      body: message('/stream count=3 interval=300'),
      headers,
    });
    const times: number[] = [];
    for await (const _ of stream) times.push(performance.now());
    const spans = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    expect(spans.filter((ms) => ms > 150).length).toBeGreaterThanOrEqual(2);

    const grpc = grpcClientOf(balancer.grpcAddress);
    onTestFinished(() => grpc.close());
    const health = await grpc.call('grpc.health.v1.Health/Check', {});
    expect(health.code).toBe('OK');

    await a.stop();
    await waitFor('the balancer to see it', 20_000, async () => (await balancer.states())['r1'] === 'DOWN');
    for (let n = 0; n < 4; n++) expect(await send(`again ${n}`)).toBe(200);
    await a.start();
    await waitFor('the balancer to see it again', 20_000, async () => (await balancer.states())['r1'] === 'UP');
    expect(await balancer.states()).toMatchObject({ r1: 'UP', r2: 'UP' });
  });
});

describe('where there is none', () => {
  test('the reason comes back, and with REQUIRE_SERVICES=1 it is an error', () => {
    const find = () => undefined;
    const printed = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    vi.stubEnv('REQUIRE_SERVICES', undefined);
    expect(haproxyForTests(find)).toHaveProperty('skipped', expect.stringContaining('no haproxy is installed'));
    expect(printed).toHaveBeenCalledWith(expect.stringContaining('SKIPPED'));
    vi.stubEnv('REQUIRE_SERVICES', '1');
    expect(() => haproxyForTests(find)).toThrow('REQUIRE_SERVICES=1, and no haproxy');
  });
});
