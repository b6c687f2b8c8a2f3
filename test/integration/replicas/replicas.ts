/** Servers on one PostgreSQL that reach each other by each of the buses. */

import pg from 'pg';
import { afterAll } from 'vitest';
import { natsSkipped, startNats } from '../../support/nats.ts';
import { postgresForTests } from '../../support/postgres.ts';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { waitFor } from '../../support/wait-for.ts';
import { metricOf } from '../../support/wire-client.ts';

export interface Replicas {
  readonly a: ParleyProcess;
  readonly b: ParleyProcess;
  /** The bus is gone: every connection to it ends, and for NATS none can be made until it is `back`. */
  cut(): Promise<void>;
  back(): Promise<void>;
}

export interface BusKind {
  readonly name: string;
  /** Why it cannot be tried here; undefined where it can. */
  readonly skipped: string | undefined;
  /** Two servers that have found each other; gone after the test file. */
  start(): Promise<Replicas>;
}

/** Short enough that a test can wait for a takeover. */
const CONFIG = 'tasks:\n  leaseTtlMs: 2000\n';

export async function busKinds(): Promise<readonly BusKind[]> {
  const postgres = await postgresForTests();
  const noDatabase = 'skipped' in postgres ? postgres.skipped : undefined;
  const newDatabase = async (): Promise<string> => {
    if ('skipped' in postgres) throw new Error(postgres.skipped);
    const database = await postgres.createDatabase();
    afterAllOnce(() => database.drop());
    return database.url;
  };
  return [
    {
      name: 'PostgreSQL',
      skipped: noDatabase,
      async start() {
        const databaseUrl = await newDatabase();
        const cut = () =>
          runOn(
            databaseUrl,
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'parley bus' and datname = current_database()",
          );
        return { ...(await startBoth(databaseUrl, {})), cut, back: async () => {} };
      },
    },
    {
      name: 'NATS',
      skipped: noDatabase ?? natsSkipped,
      async start() {
        const nats = await startNats();
        afterAllOnce(() => nats.destroy());
        const both = await startBoth(await newDatabase(), { NATS_URL: nats.url });
        return { ...both, cut: () => nats.kill(), back: () => nats.start() };
      },
    },
  ];
}

const ends: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function afterAllOnce(end: () => Promise<void>): void {
  ends.push(end);
}

async function startBoth(databaseUrl: string, env: Readonly<Record<string, string>>) {
  const options = {
    databaseUrl,
    adminKey: 'test-admin-key-of-both-replicas-0123456789',
    config: CONFIG,
    env: { LOG_LEVEL: 'info', RATE_LIMIT_PER_MINUTE: '0', ...env },
  };
  const [a, b] = [await startParley(options), await startParley(options)];
  ends.push(async () => {
    await a.destroy();
    await b.destroy();
  });
  for (const parley of [a, b]) await untilHeard(parley);
  return { a, b };
}

/** The bus is up there: it listens. And it talks, which it does when it knows of another replica. */
export async function untilHeard(parley: ParleyProcess): Promise<void> {
  await waitFor('the replicas to talk', 20_000, async () => {
    return (
      (await metricOf(parley, 'parley_bus_up')) === 1 &&
      ((await metricOf(parley, 'parley_bus_payloads_total{direction="out"}')) ?? 0) > 0
    );
  });
}

async function runOn(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
