/** What a hostile caller must not be able to do: outlive a revoked key, pose as another address, hold up the server. */
import { connect } from 'node:net';
import { status } from '@grpc/grpc-js';
import { afterEach, expect, test } from 'vitest';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { openSse } from '../../support/sse.ts';
import { ask, at, callerOf, issueKey, manage } from '../../support/wire-client.ts';

const started: ParleyProcess[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((parley) => parley.destroy()));
});

async function start(options: Parameters<typeof startParley>[0] = {}): Promise<ParleyProcess> {
  const parley = await startParley(options);
  started.push(parley);
  return parley;
}

const bearer = (key: string) => ({ authorization: `Bearer ${key}`, 'a2a-version': '1.0' });

async function begin(parley: ParleyProcess, key: string, text: string): Promise<string> {
  const response = await fetch(`${parley.url}/a2a/message:send`, {
    method: 'POST',
    headers: { ...bearer(key), 'content-type': 'application/json' },
    body: JSON.stringify({
      message: { messageId: text, role: 'ROLE_USER', parts: [{ text }] },
      configuration: { returnImmediately: true },
    }),
  });
  return String(at(await response.json(), 'task', 'id'));
}

const follow = (parley: ParleyProcess, key: string, taskId: string, lastEventId?: string) =>
  openSse(`${parley.url}/a2a/tasks/${taskId}:subscribe`, {
    headers: bearer(key),
    ...(lastEventId === undefined ? {} : { lastEventId }),
  });

test('[I1] a stream ends when the key that opened it is revoked; the streams of other keys go on', async () => {
  const parley = await start();
  const { id, key, ownerId } = await issueKey(parley);
  const second = await issueKey(parley, { ownerId });
  const taskId = await begin(parley, key, '/sleep 600000');
  const [stream, other] = [await follow(parley, key, taskId), await follow(parley, second.key, taskId)];

  expect((await manage(parley, 'DELETE', `/api/v1/keys/${id}`)).status).toBe(204);
  const events = await stream.collect();
  expect(events.length).toBeGreaterThan(0);
  const cancel = await fetch(`${parley.url}/a2a/tasks/${taskId}:cancel`, {
    method: 'POST',
    headers: bearer(second.key),
  });
  expect(cancel.status).toBe(200);
  expect((await other.collect()).at(-1)?.data).toContain('TASK_STATE_CANCELED');
  expect(events.at(-1)?.data).not.toContain('TASK_STATE_CANCELED');
});

test("[A6] the limit on a task's followers does not tell another owner that it has some", async () => {
  const parley = await start({ config: 'streams:\n  maxPerTask: 1\n' });
  const [mine, stranger] = [await issueKey(parley), await issueKey(parley)];
  const taskId = await begin(parley, mine.key, '/sleep 600000');
  const following = await follow(parley, mine.key, taskId);
  const answers = [];
  for (const id of [taskId, '01a00000-0000-7000-8000-000000000000']) {
    const refused = await follow(parley, stranger.key, id, '1');
    answers.push([refused.status, (await refused.text()).replaceAll(id, 'ID')]);
  }
  expect(answers[0]).toEqual(answers[1]);
  expect(answers[0]?.[0]).toBe(404);
  following.close();
});

test('[A8, O14] behind a proxy, failed attempts count for the address that the proxy saw, not for what the client claims', async () => {
  const parley = await start({ config: 'rateLimit:\n  failedAuthPerMinute: 3\n', env: { TRUST_PROXY: 'true' } });
  const attempt = async (forwarded: string): Promise<number> => {
    const headers = { 'content-type': 'application/json', 'x-forwarded-for': forwarded };
    const body = '{"api_key":"a-wrong-guess"}';
    return (await fetch(`${parley.url}/v1/admin/token`, { method: 'POST', headers, body })).status;
  };
  const statuses: number[] = [];
  for (let index = 0; index < 5; index++) statuses.push(await attempt(`10.0.0.${index}, 192.0.2.7`));
  expect(statuses).toEqual([401, 401, 401, 429, 429]);
  expect(await attempt('192.0.2.7, 192.0.2.8')).toBe(401);
});

test('[A8, O14] the same goes for gRPC', async () => {
  const parley = await start({ config: 'rateLimit:\n  failedAuthPerMinute: 3\n', env: { TRUST_PROXY: 'true' } });
  const form = { binding: 'gRPC', version: '1.0' } as const;
  const attempt = async (forwarded: string): Promise<number> =>
    (await ask(callerOf(parley, 'a-wrong-guess', { 'x-forwarded-for': forwarded }), 'ListTasks', form)).status;
  const statuses: number[] = [];
  for (let index = 0; index < 5; index++) statuses.push(await attempt(`10.0.0.${index}, 192.0.2.7`));
  const [unauthenticated, exhausted] = [status.UNAUTHENTICATED, status.RESOURCE_EXHAUSTED];
  expect(statuses).toEqual([unauthenticated, unauthenticated, unauthenticated, exhausted, exhausted]);
  expect(await attempt('192.0.2.7, 192.0.2.8')).toBe(unauthenticated);
});

test('[O14] without a key nobody gets a large body parsed', async () => {
  const parley = await start();
  const response = await fetch(`${parley.url}/v1/admin/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ api_key: 'x', more: 'x'.repeat(10_000) }),
  });
  expect(response.status).toBe(413);
  expect(at(await response.json(), 'error', 'details', 0, 'reason')).toBe('PAYLOAD_TOO_LARGE');
});

test('a URL that cannot be decoded is refused in the form of every other error', async () => {
  const parley = await start();
  const response = await fetch(`${parley.url}/a2a/tasks/%zz`, { headers: bearer(parley.adminKey) });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({
    error: { code: 400, status: 'INVALID_ARGUMENT', message: 'The URL is not valid' },
  });
});

test('[O11] a client that never finishes its request does not keep the server from stopping', async () => {
  const parley = await start({ config: 'server:\n  requestTimeoutMs: 600000\n' });
  const { port } = parley.ports;
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  const head =
    'POST /v1/admin/token HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100';
  await new Promise<void>((resolve) => socket.write(`${head}\r\n\r\n{`, () => resolve()));
  // Once another connection has been answered, the server has taken this one.
  await fetch(`${parley.url}/healthz`);
  expect(await parley.stop()).toEqual({ code: 0, signal: null });
  socket.destroy();
});
