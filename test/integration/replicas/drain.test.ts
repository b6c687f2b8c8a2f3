/** Replicas behind a real balancer that are stopped, started, added and taken away under load: no request may fail. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { haproxyForTests, startBalancer } from '../../support/haproxy.ts';
import { freePorts } from '../../support/ports.ts';
import { postgresForTests } from '../../support/postgres.ts';
import { ParleyProcess } from '../../support/server.ts';
import { waitFor } from '../../support/wait-for.ts';
import { Load } from './load.ts';

const postgres = await postgresForTests();
const haproxy = haproxyForTests();
const ADMIN_KEY = 'test-admin-key-of-all-replicas-0123456789';

async function newReplica(databaseUrl: string): Promise<ParleyProcess> {
  const [port = 0, metricsPort = 0, streamPort = 0, grpcPort = 0] = await freePorts(4);
  const replica = new ParleyProcess(
    {
      databaseUrl,
      adminKey: ADMIN_KEY,
      // The balancer needs half a second to notice. Streams of a second and long sends are under way when the drain is over.
      config: 'server: { drainDelayMs: 800, drainMs: 300 }\ntasks: { leaseTtlMs: 5000 }\n',
      env: { LOG_LEVEL: 'warn', RATE_LIMIT_PER_MINUTE: '0' },
    },
    { port, metricsPort, streamPort, grpcPort },
  );
  onTestFinished(() => replica.destroy());
  return replica;
}

describe.skipIf('skipped' in postgres || 'skipped' in haproxy)('replicas behind a balancer that asks /readyz', () => {
  test('[O11, O16] a rolling restart, then 2 to 4 to 2, under load: no request fails, and no stream has a gap', async () => {
    if ('skipped' in postgres || 'skipped' in haproxy) return;
    const database = await postgres.createDatabase();
    onTestFinished(() => database.drop());
    const replicas = [];
    for (let index = 0; index < 4; index++) replicas.push(await newReplica(database.url));
    const [a, b, c, d] = replicas;
    if (a === undefined || b === undefined || c === undefined || d === undefined) throw new Error('no replicas');
    const balancer = await startBalancer(haproxy, { servers: replicas, checkTimeoutMs: 10_000 });
    const isUp = (name: string) =>
      waitFor(`${name} to get requests`, 20_000, async () => (await balancer.states())[name] === 'UP');
    await a.start();
    await b.start();
    await Promise.all([isUp('r1'), isUp('r2')]);

    const load = new Load(balancer, ADMIN_KEY);
    const moreStreams = async (): Promise<void> => {
      const { streams } = load.counts;
      await waitFor('more streams', 20_000, () => load.counts.streams >= streams + 3);
    };
    load.start();
    await moreStreams();
    for (const [replica, name] of [
      [a, 'r1'],
      [b, 'r2'],
    ] as const) {
      expect(await replica.stop()).toEqual({ code: 0, signal: null });
      await replica.start();
      await isUp(name);
      await moreStreams();
    }
    await Promise.all([c.start(), d.start()]);
    await Promise.all([isUp('r3'), isUp('r4')]);
    await moreStreams();
    // Those that were there first go, both at once.
    const stopped = await Promise.all([a.stop(), b.stop()]);
    expect(stopped.map(({ code }) => code)).toEqual([0, 0]);
    await moreStreams();
    await load.stop();

    const { failures } = load;
    const told = [...failures.slice(0, 10), balancer.output(), ...replicas.map(({ output }) => output)];
    expect(failures.length === 0 ? [] : told).toEqual([]);
    // Streams and long sends were under way at each stop; some of the first are cut, and taken up elsewhere.
    expect(load.counts.resumed).toBeGreaterThanOrEqual(2);
    expect(load.counts.sends).toBeGreaterThan(200);
    expect(load.counts.grpcSends).toBeGreaterThan(20);
    expect(load.counts.reads).toBeGreaterThan(200);
    for (const replica of replicas) expect(replica.output).not.toMatch(/"level":"ERROR"|are told that they go on/);
  }, 120_000);
});
