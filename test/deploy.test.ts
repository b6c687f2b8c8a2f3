/** The files of deploy/: what they set is known to Parley, and the balancer's configuration does what it is there for. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { request } from 'undici';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { POSTGRES_VARIABLES, REDIS_VARIABLES } from '../src/config/environment.ts';
import { loadConfig } from '../src/config/load.ts';
import { KEYS } from '../src/config/schema.ts';
import { guardChild } from './support/child-guard.ts';
import { grpcClientOf } from './support/grpc-client.ts';
import { haproxyForTests } from './support/haproxy.ts';
import { freePorts } from './support/ports.ts';
import { type ParleyProcess, startParley } from './support/server.ts';
import { openSse } from './support/sse.ts';
import { waitFor } from './support/wait-for.ts';

const deploy = resolve(import.meta.dirname, '../deploy');
const textOf = (name: string): string => readFileSync(join(deploy, name), 'utf8');

interface Service {
  readonly environment?: Record<string, string>;
  readonly secrets?: string[];
  readonly volumes?: string[];
  readonly healthcheck?: object;
  readonly depends_on?: Record<string, { condition: string }>;
  readonly stop_grace_period?: string;
}

interface Compose {
  readonly services: Record<string, Service>;
  readonly secrets: Record<string, object>;
}

const compose = parse(textOf('compose.replicas.yaml')) as Compose;
const parley = compose.services['parley'] ?? {};

test('[O5] every variable that the Compose file and the image set is one that Parley knows', () => {
  const known = new Set([
    'PARLEY_CONFIG',
    ...KEYS.flatMap(({ env }) => env ?? []),
    ...[POSTGRES_VARIABLES, REDIS_VARIABLES].flatMap(Object.keys),
    'POSTGRES_PASSWORD_FILE',
  ]);
  const image = [...textOf('Dockerfile').matchAll(/^ENV (.*)$/gm)].flatMap(([, line = '']) =>
    line.split(' ').map((pair) => pair.split('=')[0] ?? ''),
  );
  const set = [...Object.keys(parley.environment ?? {}), ...image];
  expect(set.length).toBeGreaterThan(10);
  expect(set.filter((name) => !known.has(name))).toEqual([]);
});

test('[O5] with what it sets a server would start: every value is accepted, keys come from files', () => {
  const directory = mkdtempSync(join(tmpdir(), 'parley-deploy-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const secret = (name: string): string => {
    const file = join(directory, name);
    writeFileSync(file, 'Uo9cRkq0tYw3mVxB7nZ2sLhJ5gFd8eAaPpIiTtKkM1Q=\n');
    return file;
  };
  const env = Object.fromEntries(
    Object.entries(parley.environment ?? {}).map(([name, value]) => [
      name,
      value.startsWith('/run/secrets/') ? secret(value.slice('/run/secrets/'.length)) : value,
    ]),
  );
  const config = loadConfig({
    env: {
      ...env,
      NODE_ENV: 'production',
      HOST: '0.0.0.0',
      PARLEY_CONFIG: join(deploy, 'parley.replicas.yaml'),
    },
    cwd: directory,
  });
  expect(config.database.url).toMatch(/^postgres:\/\/parley:.*@postgres:5432\/parley$/);
  expect(config.redis.url).toBe('redis://redis:6379');
  // Two checks, a second apart each, and what they take.
  const { drainDelayMs, drainMs } = config.server;
  expect(drainDelayMs).toBeGreaterThanOrEqual(3000);
  // What a stop waits for, and five seconds for what clients do not finish, is less than the grace of Compose.
  expect(drainDelayMs + drainMs + 5000).toBeLessThan(Number.parseInt(parley.stop_grace_period ?? '0', 10) * 1000);
});

test('[O5] every service has a health check, here or in its image, and the balancer comes last', () => {
  expect(textOf('Dockerfile')).toContain('HEALTHCHECK');
  for (const [name, service] of Object.entries(compose.services)) {
    expect([name, name === 'parley' || service.healthcheck !== undefined]).toEqual([name, true]);
    for (const other of Object.keys(service.depends_on ?? {})) expect(compose.services).toHaveProperty(other);
    for (const secret of service.secrets ?? []) expect(compose.secrets).toHaveProperty(secret);
    for (const volume of (service.volumes ?? []).filter((one) => one.startsWith('./'))) {
      expect([volume, existsSync(join(deploy, volume.split(':')[0] ?? ''))]).toEqual([volume, true]);
    }
  }
  expect(compose.services['balancer']?.depends_on).toEqual({ parley: { condition: 'service_healthy' } });
});

const haproxy = haproxyForTests();

describe.skipIf('skipped' in haproxy)('deploy/haproxy.cfg', () => {
  const file = join(deploy, 'haproxy.cfg');
  const binary = 'binary' in haproxy ? haproxy.binary : '';

  test('[O5] haproxy finds nothing wrong with it, nor to warn of', () => {
    const { status, stdout, stderr } = spawnSync(binary, ['-c', '-V', '-f', file], { encoding: 'utf8' });
    expect({ status, warnings: `${stdout}${stderr}`.match(/\[(WARNING|ALERT)\].*/g) }).toEqual({
      status: 0,
      warnings: null,
    });
  });

  /** As it is, with these servers instead of those that DNS would list, and other ports. */
  async function balance(servers: readonly ParleyProcess[]) {
    const [port = 0, grpcPort = 0, statsPort = 0] = await freePorts(3);
    const lines = (lineOf: (one: ParleyProcess, name: string) => string): string =>
      servers.map((one, index) => `  server ${lineOf(one, String(index + 1))}`).join('\n');
    const text = textOf('haproxy.cfg')
      // A developer's machine may give it few file descriptors.
      .replace('maxconn 8000', 'maxconn 100')
      .replace('bind :8080', `bind 127.0.0.1:${port}`)
      .replace('bind :50051', `bind 127.0.0.1:${grpcPort}`)
      .replace('bind :8404', `bind 127.0.0.1:${statsPort}`)
      .replace(
        '  server-template parley 10 parley:8080',
        lines(({ ports }, n) => `r${n} 127.0.0.1:${ports.port}`),
      )
      .replace(/^ {2}server-template grpc 10 parley:50051 (.*) port 8080(.*)$/m, (_, before: string, after: string) =>
        lines(({ ports }, n) => `g${n} 127.0.0.1:${ports.grpcPort} ${before} port ${ports.port}${after}`),
      );
    const directory = mkdtempSync(join(tmpdir(), 'parley-haproxy-'));
    writeFileSync(join(directory, 'haproxy.cfg'), text);
    const child = spawn(binary, ['-db', '-f', join(directory, 'haproxy.cfg')], { stdio: 'ignore' });
    guardChild(child);
    const ended = new Promise((end) => child.once('exit', end));
    onTestFinished(async () => {
      child.kill('SIGKILL');
      await ended;
      rmSync(directory, { recursive: true });
    });
    const stateOf = async (): Promise<Record<string, string>> => {
      const { body } = await request(`http://127.0.0.1:${statsPort}/;csv`);
      const rows = (await body.text()).split('\n').map((line) => line.split(','));
      const column = rows[0]?.indexOf('status') ?? 0;
      return Object.fromEntries(rows.map((row) => [row[1] ?? '', row[column] ?? '']));
    };
    await waitFor('the balancer to use all', 15_000, async () => {
      const states = await stateOf().catch((): Record<string, string> => ({}));
      return servers.every((_, index) => states[`r${index + 1}`] === 'UP' && states[`g${index + 1}`] === 'UP');
    });
    return { url: `http://127.0.0.1:${port}`, grpcAddress: `127.0.0.1:${grpcPort}`, stateOf };
  }

  test('[O5, O16] it sends to each replica, streams as events come, speaks gRPC, and leaves out whoever is not ready', async () => {
    const [a, b] = await Promise.all([startParley({ env: { AUTH: 'none' } }), startParley({ env: { AUTH: 'none' } })]);
    const balancer = await balance([a, b]);
    const headers = { 'a2a-version': '1.0', 'content-type': 'application/json' };
    const message = (text: string) => ({ message: { messageId: text, role: 'ROLE_USER', parts: [{ text }] } });
    const send = async (text: string): Promise<number> => {
      const body = JSON.stringify(message(text));
      const answer = await request(`${balancer.url}/a2a/message:send`, { method: 'POST', headers, body });
      await answer.body.dump();
      return answer.statusCode;
    };
    const tasksAt = async (url: string): Promise<number> => {
      const { body } = await request(`${url}/a2a/tasks`, { headers });
      return ((await body.json()) as { totalSize: number }).totalSize;
    };
    for (let index = 0; index < 8; index++) expect(await send(`hello ${index}`)).toBe(200);
    expect((await tasksAt(a.url)) + (await tasksAt(b.url))).toBe(8);
    expect(await tasksAt(a.url)).toBeGreaterThan(0);
    expect(await tasksAt(b.url)).toBeGreaterThan(0);

    const stream = await openSse(`${balancer.url}/a2a/message:stream`, {
      body: message('/stream count=3 interval=300'),
      headers,
    });
    const times: number[] = [];
    for await (const _ of stream) times.push(performance.now());
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    expect(gaps.filter((ms) => ms > 150).length).toBeGreaterThanOrEqual(2);

    const grpc = grpcClientOf(balancer.grpcAddress);
    onTestFinished(() => grpc.close());
    expect((await grpc.call('grpc.health.v1.Health/Check', {})).code).toBe('OK');

    // A connection that is refused is tried elsewhere: nobody notices before the check does.
    await a.kill9();
    for (let index = 0; index < 6; index++) expect(await send(`again ${index}`)).toBe(200);
    await waitFor('the balancer to leave it out', 10_000, async () => {
      const states = await balancer.stateOf();
      return states['r1'] === 'DOWN' && states['g1'] === 'DOWN';
    });
    await a.start();
    await waitFor('the balancer to use it again', 10_000, async () => (await balancer.stateOf())['r1'] === 'UP');
  });
});
