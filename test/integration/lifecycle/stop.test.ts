/** Starting and stopping when something else has gone wrong: the process ends, and says what it was. */
import { randomUUID } from 'node:crypto';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { Agent, request } from 'undici';
import { afterEach, expect, onTestFinished, test } from 'vitest';
import type { Task } from '../../../src/protocol/v1/types.ts';
import { openConnection } from '../../../src/storage/sqlite/driver.ts';
import { grpcClientOf } from '../../support/grpc-client.ts';
import { freePorts } from '../../support/ports.ts';
import { postgresForTests } from '../../support/postgres.ts';
import { ParleyProcess, type StartOptions, startParley } from '../../support/server.ts';
import { waitFor } from '../../support/wait-for.ts';

const started: ParleyProcess[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((parley) => parley.destroy()));
});

async function start(options: Parameters<typeof startParley>[0] = {}): Promise<ParleyProcess> {
  const parley = await startParley(options);
  started.push(parley);
  return parley;
}

test('a server whose database has broken stops on SIGTERM all the same, and says what did not stop cleanly', async () => {
  const parley = await start();
  const database = openConnection(join(parley.dataDir, 'parley.sqlite'), { timeoutMs: 5000 });
  // What the leases are given back in.
  database.exec('drop table replicas');
  database.close();
  expect(await parley.stop()).toEqual({ code: 0, signal: null });
  expect(parley.output).toContain('a part did not stop cleanly');
  expect(parley.output).toContain('no such table: replicas');
  expect(parley.output).toContain('"msg":"stopped"');
});

test('a start that fails, here on a port that is taken, ends the process with 1 and says why', async () => {
  const first = await start();
  const ports = { PORT: String(first.ports.port) };
  await expect(startParley({ env: ports })).rejects.toThrow(
    new RegExp(`exit code 1, signal null\\)[\\s\\S]*port ${first.ports.port}: the port is in use[^"]*\\(PORT\\)`),
  );
});

test('[O11, O2] a stop that has a delay: not ready at once, and otherwise as before; connections end with their answers', async () => {
  const parley = await start({ config: 'server: { drainDelayMs: 5000, drainMs: 0 }\n', env: { AUTH: 'none' } });
  const agent = new Agent({ keepAliveTimeout: 60_000 });
  const grpc = grpcClientOf(`127.0.0.1:${parley.ports.grpcPort}`);
  const get = async (path: string) => {
    const { statusCode, headers, body } = await request(`${parley.url}${path}`, { dispatcher: agent });
    return { status: statusCode, connection: headers['connection'], body: await body.text() };
  };
  const send = async () => {
    const message = { messageId: randomUUID(), role: 'ROLE_USER', parts: [{ text: 'hello' }] };
    const { statusCode, headers, body } = await request(`${parley.url}/a2a/message:send`, {
      method: 'POST',
      headers: { 'a2a-version': '1.0', 'content-type': 'application/json' },
      body: JSON.stringify({ message }),
      dispatcher: agent,
    });
    const { task } = (await body.json()) as { task: Task };
    return { status: statusCode, connection: headers['connection'], state: task.status.state };
  };
  try {
    expect(await get('/readyz')).toMatchObject({ status: 200, connection: 'keep-alive' });
    expect(await send()).toEqual({ status: 200, connection: 'keep-alive', state: 'TASK_STATE_COMPLETED' });
    parley.signal('SIGTERM');
    const signaledAt = performance.now();
    await waitFor('not ready', 20_000, async () => (await get('/readyz')).status === 503);
    expect(await get('/readyz')).toMatchObject({ connection: 'close', body: '{"ok":false,"down":["server"]}' });
    expect(await get('/healthz')).toMatchObject({ status: 200, connection: 'close' });
    expect(await send()).toEqual({ status: 200, connection: 'close', state: 'TASK_STATE_COMPLETED' });
    const health = await grpc.call('grpc.health.v1.Health/Check', {});
    expect(health).toMatchObject({ code: 'OK', messages: [{ status: 'NOT_SERVING' }] });
    expect(await parley.exited()).toEqual({ code: 0, signal: null });
    expect(performance.now() - signaledAt).toBeGreaterThan(4900);
  } finally {
    grpc.close();
    await agent.destroy();
  }
});

test('[O11] Ctrl-C that comes twice at once, as it does through npm, stops in order; one that comes later ends it', async () => {
  const config = 'server: { drainDelayMs: 60000, drainMs: 0 }\n';
  const quick = await start({ config: config.replace('60000', '700') });
  // Two different ones are never joined into one on the way.
  quick.signal('SIGINT');
  quick.signal('SIGTERM');
  expect(await quick.exited()).toEqual({ code: 0, signal: null });
  expect(quick.output).toContain('"msg":"stopped"');

  const slow = await start({ config });
  slow.signal('SIGINT');
  await waitFor('a later one to count', 20_000, () => {
    slow.signal('SIGINT');
    return slow.hasExited();
  });
  expect(await slow.exited()).toEqual({ code: 1, signal: null });
}, 30_000);

const postgres = await postgresForTests();

test.skipIf('skipped' in postgres)(
  '[O11] a stop ends within the time that supervisors are told, also when the database takes connections and says nothing',
  { timeout: 60_000 },
  async () => {
    if ('skipped' in postgres) throw new Error(postgres.skipped);
    const database = await postgres.createDatabase();
    onTestFinished(() => database.drop());
    const through = await silenceable(database.url);
    const parley = await start({ databaseUrl: through.url, config: 'server: { drainMs: 0 }\n', env: { AUTH: 'none' } });
    through.fallSilent();
    const stoppedAt = performance.now();
    expect(await parley.stop()).toEqual({ code: 1, signal: null });
    expect(performance.now() - stoppedAt).toBeLessThan(20_000);
    expect(parley.output).toContain('the stop took too long');
  },
);

test.skipIf('skipped' in postgres)(
  '[O11] a signal while it starts ends a start that waits for its database',
  async () => {
    if ('skipped' in postgres) throw new Error(postgres.skipped);
    const through = await silenceable(postgres.url);
    through.fallSilent();
    const { parley, starting } = await begin({ databaseUrl: through.url });
    await waitFor('it to ask the database', 20_000, () => through.connectionCount > 0);
    const signaledAt = performance.now();
    expect(await parley.stop()).toEqual({ code: 0, signal: null });
    expect(performance.now() - signaledAt).toBeLessThan(10_000);
    await starting;
  },
);

test.skipIf('skipped' in postgres)(
  '[O11] a signal while it starts lets it give back what it has taken, and ends it in order',
  async () => {
    if ('skipped' in postgres) throw new Error(postgres.skipped);
    const database = await postgres.createDatabase();
    onTestFinished(() => database.drop());
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    onTestFinished(() => client.end());
    const { parley, starting } = await begin({ databaseUrl: database.url, config: 'server: { drainMs: 0 }\n' });
    const replicas = async () => {
      const { rows } = await client.query("select to_regclass('replicas') is not null as is_there");
      return rows[0].is_there === true ? (await client.query('select expires_at from replicas')).rows.length : 0;
    };
    await waitFor('it to be a replica', 20_000, async () => (await replicas()) === 1);
    expect(await parley.stop()).toEqual({ code: 0, signal: null });
    expect(await replicas()).toBe(0);
    await starting;
  },
);

/** A server that starts, and need not get far. */
async function begin(options: StartOptions) {
  const [port = 0, metricsPort = 0, streamPort = 0, grpcPort = 0] = await freePorts(4);
  const parley = new ParleyProcess(options, { port, metricsPort, streamPort, grpcPort });
  started.push(parley);
  return { parley, starting: parley.start().catch(() => undefined) };
}

/** A way to a database on which from some moment nothing is passed on, and nothing is refused. */
async function silenceable(target: string): Promise<{
  readonly url: string;
  readonly fallSilent: () => void;
  readonly connectionCount: number;
}> {
  const { hostname, port } = new URL(target);
  let isSilent = false;
  const sockets: Socket[] = [];
  const server = createServer((near) => {
    const far = connect(Number(port || '5432'), hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.push(from);
      from.on('error', () => {}).on('close', () => isSilent || to.destroy());
      from.on('data', (chunk) => isSilent || to.write(chunk));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String(address.port);
  return {
    url: url.href,
    fallSilent() {
      isSilent = true;
    },
    get connectionCount() {
      return sockets.length;
    },
  };
}
