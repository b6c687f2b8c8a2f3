/** One run: replicas behind a balancer, load and faults for a while, rest, and the judgement. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { request } from 'undici';
import { programFile } from '../../scripts/build.mjs';
import { findBinary } from '../../scripts/replica-set/binaries.mjs';
import { findPostgresBinaries, postgresDirFor } from '../../scripts/replica-set/postgres.mjs';
import { ReplicaSet } from '../../scripts/replica-set/replica-set.mjs';
import { freePorts } from '../support/ports.ts';
import { check } from './checker/check.ts';
import type { Finding } from './checker/findings.ts';
import { type Query, type Row, readStored } from './checker/stored.ts';
import { prepareDirectory } from './directory.ts';
import { DatabaseProxy } from './faults/database-proxy.ts';
import { type FaultName, Faults } from './faults/faults.ts';
import { Journal, readJournals } from './journal.ts';
import { Load, type Owner } from './load/load.ts';
import { PushReceiver } from './load/receiver.ts';
import { randomOf } from './random.ts';
import { writeConfig } from './settings.ts';
import type { Form } from './wire/call.ts';

export interface ChaosOptions {
  /** For journals, logs and the database; emptied, where it is of an earlier run. */
  readonly dir: string;
  /** Of the build to judge. */
  readonly bundle: string;
  readonly seed: number;
  readonly seconds: number;
  readonly replicas: number;
  readonly bus: 'nats' | 'postgres';
  readonly clients?: number;
  readonly only?: readonly FaultName[];
  /** How long what is under way may take when the faults are over, in milliseconds; default 60,000. */
  readonly settleMs?: number;
  readonly log: (text: string) => void;
}

export interface ChaosResult {
  readonly findings: readonly Finding[];
  readonly faults: ReadonlyMap<string, number>;
  readonly operations: ReadonlyMap<string, number>;
  /** Answers and streams in each binding and version. */
  readonly forms: ReadonlyMap<Form, number>;
  readonly lines: ReadonlyMap<string, number>;
  readonly tasks: number;
  readonly events: number;
  /** How long it took, from the last fault, until nothing was left to do. */
  readonly settledAfterMs: number;
}

/** What a run needs and this machine lacks, in words; undefined: nothing. */
export function missingFor(bus: ChaosOptions['bus']): string | undefined {
  if (findPostgresBinaries() === undefined) return 'no initdb and postgres (Debian: apt-get install postgresql)';
  if (findBinary('haproxy') === undefined) return 'no haproxy (Debian: apt-get install haproxy)';
  if (bus === 'nats' && findBinary('nats-server') === undefined) {
    return 'no nats-server (Debian: apt-get install nats-server)';
  }
  return undefined;
}

export const LEASE_TTL_MS = 2000;
/** For what is under way when the faults end: the longest are leases, retries and statements that never come back. */
const SETTLE_MS = 60_000;

/** Not beside this file when that is bundled. */
const serveFile = join(programFile, '../../../test/chaos/serve.mjs');

export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { dir, seed, seconds, replicas: count, bundle, bus, log } = options;
  const journalFile = prepareDirectory(dir);
  // A replica whose agents never had anything to do leaves none.
  for (const file of effectFiles(dir, count)) writeFileSync(file, '');
  const random = randomOf(seed);
  const journal = new Journal(journalFile);
  const receiver = new PushReceiver(journal, random.fork('receiver'));
  const stops: (() => Promise<void>)[] = [() => journal.close()];
  try {
    const { set, proxies } = await startSet(options, journal, stops);
    await receiver.start();
    stops.push(() => receiver.stop());
    receiver.trust((await getJson(`${set.url}/.well-known/jwks.json`)) as Parameters<PushReceiver['trust']>[0]);
    const owners = await makeOwners(set, journal);
    const servers = [
      { url: set.url, grpcAddress: set.grpcAddress },
      ...set.replicas.map(({ url, ports }) => ({ url, grpcAddress: `127.0.0.1:${ports.grpcPort}` })),
    ];
    const { clients = 16, only, settleMs = SETTLE_MS } = options;
    const load = new Load({ owners, servers, journal, receiver, random: random.fork('load'), clients });
    stops.push(() => load.close());
    const faults = new Faults({
      set,
      proxies,
      leaseTtlMs: LEASE_TTL_MS,
      journal,
      random: random.fork('faults'),
      onFault: log,
      only,
    });
    log(`${count} replicas behind ${set.url}, bus ${bus}, seed ${seed}, ${seconds} s; ${bundle}`);
    load.start();
    faults.start();
    await delay(seconds * 1000);
    await faults.finish();
    const overAt = performance.now();
    log('the faults are over; waiting for what is under way');
    receiver.recover();
    await load.finish(settleMs);
    const client = new pg.Client({ connectionString: set.databaseUrl });
    await client.connect();
    stops.push(() => client.end());
    const query: Query = async (sql) => (await client.query<Row>(sql)).rows;
    await untilAtRest(query, settleMs);
    const settledAfterMs = performance.now() - overAt;
    await load.lastLook();
    await load.close();
    const stored = await readStored(query);
    await runStops(stops);
    const findings = check(readJournals([journal.file, ...effectFiles(dir, count)]), stored);
    return {
      findings,
      faults: faults.counts,
      operations: load.operations,
      forms: load.forms,
      lines: journal.counts,
      tasks: stored.tasks.size,
      events: [...stored.tasks.values()].reduce((sum, { events }) => sum + events.length, 0),
      settledAfterMs,
    };
  } finally {
    await runStops(stops);
  }
}

async function runStops(stops: (() => Promise<void>)[]): Promise<void> {
  for (const stop of stops.splice(0).reverse()) await stop();
}

async function startSet(
  { dir, replicas: count, bundle, bus }: ChaosOptions,
  journal: Journal,
  stops: (() => Promise<void>)[],
): Promise<{ set: ReplicaSet; proxies: readonly DatabaseProxy[] }> {
  const ports = await freePorts(5 + count * 4);
  const take = (): number => {
    const port = ports.shift();
    if (port === undefined) throw new Error('no free port');
    return port;
  };
  const databasePort = take();
  const proxyPorts = Array.from({ length: count }, take);
  const proxies = proxyPorts.map((port) => new DatabaseProxy(port, databasePort));
  for (const proxy of proxies) {
    await proxy.start();
    stops.push(() => proxy.stop());
  }
  const [haproxy = '', natsServer = '', redisServer] = ['haproxy', 'nats-server', 'redis-server'].map((name) =>
    findBinary(name),
  );
  const { dir: postgresDir } = postgresDirFor(dir);
  rmSync(postgresDir, { recursive: true, force: true });
  const set = new ReplicaSet({
    dir,
    program: [serveFile],
    replicas: proxyPorts.map(() => ({ port: take(), metricsPort: take(), grpcPort: take() })),
    database: {
      binaries: findPostgresBinaries() ?? '',
      dir: postgresDir,
      port: databasePort,
      isDurable: false,
    },
    haproxy: { binary: haproxy, port: take(), grpcPort: take() },
    ...(bus === 'nats' ? { nats: { binary: natsServer, port: take() } } : {}),
    ...(redisServer === undefined ? {} : { redis: { binary: redisServer, port: take() } }),
    databaseUrlOf: (index, url) => url.replace(`:${databasePort}/`, `:${proxyPorts[index]}/`),
    envOf: (index) => ({ CHAOS_EFFECTS: effectFiles(dir, count)[index] ?? '' }),
    env: { CHAOS_BUNDLE: bundle, PARLEY_CONFIG: writeConfig(dir, LEASE_TTL_MS), LOG_LEVEL: 'info' },
    hasChannel: true,
    onCrash: ({ name }) => journal.write({ kind: 'crashed', replica: name }),
  });
  stops.push(() => set.stop());
  // All is read by then: an orderly stop would only take its time.
  stops.push(async () => void (await Promise.all(set.replicas.map((replica) => replica.stop('SIGKILL')))));
  await set.start();
  return { set, proxies };
}

function effectFiles(dir: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => join(dir, `effects-r${index + 1}.ndjson`));
}

async function getJson(url: string): Promise<unknown> {
  return (await request(url)).body.json();
}

async function makeOwners(set: ReplicaSet, journal: Journal): Promise<Owner[]> {
  const owners: Owner[] = [];
  for (const name of ['anna', 'ben', 'clara']) {
    const response = await request(`${set.url}/api/v1/keys`, {
      method: 'POST',
      headers: { authorization: `Bearer ${set.adminKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name }),
    });
    const { key, ownerId } = (await response.body.json()) as { readonly key: string; readonly ownerId: string };
    journal.write({ kind: 'owner', owner: name, ownerId });
    owners.push({ name, key });
  }
  return owners;
}

/** Nothing runs, waits for a replica, or is to be delivered; or the time is over, and the checker will say what is left. */
async function untilAtRest(query: Query, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs;
  const left = `select (select count(*) from tasks where lease_replica is not null) +
    (select coalesce(sum(pending), 0) from push_configs) as n`;
  while (performance.now() < deadline) {
    const [row] = await query(left);
    if (Number(row?.['n']) === 0) return;
    await delay(200);
  }
}
