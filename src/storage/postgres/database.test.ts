/** The pool of PostgreSQL connections, and migrations. */
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { freePorts } from '../../../test/support/ports.ts';
import {
  connect as connectTo,
  newDatabase,
  postgresSkipped,
  undoAfterTest,
} from '../../../test/support/postgres-database.ts';
import { newTask } from '../../../test/support/task-writes.ts';
import { waitFor } from '../../../test/support/wait-for.ts';
import { type Logger, silentLogger } from '../../core/logger.ts';
import { systemClock } from '../../ops/runtime.ts';
import { MIGRATIONS } from '../migrations/list.ts';
import { openStorage } from '../open.ts';
import { type PostgresDatabase, type PostgresOptions, sqlStateOf } from './database.ts';
import { postgresKysely } from './kysely.ts';
import { migrate, migrationStatus } from './migrate.ts';

function connect(url: string, options: Partial<PostgresOptions> = {}): PostgresDatabase {
  return connectTo(url, { size: 2, overflow: 2, acquireTimeoutMs: 5000, ...options });
}

/** Remembers the sentences of its warnings. */
function warningsOf(): { readonly logger: Logger; readonly warnings: unknown[][] } {
  const warnings: unknown[][] = [];
  const warn = (...line: unknown[]): void => void warnings.push(line);
  return { logger: { ...silentLogger, warn }, warnings };
}

/** Holds `count` connections until the returned function is called. */
async function hold(database: PostgresDatabase, count: number): Promise<() => Promise<void>> {
  let free: () => void = () => undefined;
  const until = new Promise<void>((resolve) => {
    free = resolve;
  });
  const held = Array.from({ length: count }, () => database.session(() => until));
  await waitFor('connections', 20_000, () => database.connections.inUse === count);
  return async () => {
    free();
    await Promise.all(held);
  };
}

describe.skipIf(postgresSkipped !== undefined)('the pool', () => {
  test('[A14] work beyond all connections waits its time, and is then refused with the sizes and the time named', async () => {
    const database = connect(await newDatabase(), { acquireTimeoutMs: 1000 });
    const free = await hold(database, 4);
    const waiting = database.query('select 1');
    await expect(waiting).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message:
        'No database connection became free within 1000 ms: all 4 are in use (database.pool.size is 2, overflow 2, acquireTimeoutMs 1000)',
    });
    const next = database.query<{ one: number }>('select 1 as one');
    await free();
    expect(await next).toEqual([{ one: 1 }]);
  });

  test('[A14] connections beyond the size are closed when the load is over, the others kept', async () => {
    const database = connect(await newDatabase());
    const free = await hold(database, 4);
    await free();
    await waitFor('the overflow to be closed', 20_000, () => database.connections.open === 2);
    expect(database.connections).toEqual({ open: 2, inUse: 0, waiting: 0 });
  });

  test('[A14] the end of an idle connection is noted, and the next statement gets a new one', async () => {
    const url = await newDatabase();
    const { logger, warnings } = warningsOf();
    const database = connect(url, { logger });
    await database.ping();
    await connect(url).query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    );
    await waitFor('the loss to be noted', 20_000, () => warnings.length > 0);
    expect(warnings[0]).toEqual([{ err: expect.any(Error) }, 'an idle database connection was lost']);
    await database.ping();
  });

  test('[A14] a connection that breaks before its first statement does not end the process', async () => {
    const database = connect(await newDatabase());
    const client = await database.acquire();
    // As pg says it. Without anybody to hear it, this is an uncaught exception.
    expect(() => client.emit('error', new Error('read ECONNRESET'))).not.toThrow();
    client.release(true);
    expect(await database.query<{ one: number }>('select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('[A14] a connection that breaks under a statement is UNAVAILABLE, with the reason for operators', async () => {
    const database = connect(await newDatabase());
    await expect(database.query('select pg_terminate_backend(pg_backend_pid())')).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: 'The connection to the database was lost',
      detail: expect.stringMatching(/terminat/) as string,
    });
    const killed = sql`select pg_terminate_backend(pg_backend_pid())`.execute(postgresKysely(database));
    await expect(killed).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(await database.query<{ one: number }>('select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('[A14] a server that is not there, or does not know the database, is UNAVAILABLE, with the reason for operators', async () => {
    const [port] = await freePorts(1);
    const nobody = connect(`postgres://someone:secret-word@127.0.0.1:${port}/nothing`);
    await expect(nobody.ping()).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: 'The database cannot be reached',
      detail: expect.stringContaining('ECONNREFUSED'),
    });
    expect(nobody.address).toBe(`nothing on 127.0.0.1:${port}`);
    const missing = new URL(await newDatabase());
    missing.pathname = '/no_such_database';
    await expect(connect(missing.href).ping()).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      detail: expect.stringContaining('no_such_database'),
    });
  });

  test('[A14] 64-bit numbers come as numbers, and what a transaction did is gone when it rejects', async () => {
    const database = connect(await newDatabase());
    expect(await database.query('select 1800000000000::bigint as at, null::bigint as never')).toEqual([
      { at: 1_800_000_000_000, never: null },
    ]);
    await database.query('create table t (x integer)');
    const failing = database.transaction(async (session) => {
      await session.query('insert into t values (1)');
      throw new Error('changed my mind');
    });
    await expect(failing).rejects.toThrow('changed my mind');
    expect(await database.query('select x from t')).toEqual([]);
    // That was no fault of the connection.
    expect(database.connections.open).toBe(1);
  });

  test('[A14] a statement that takes too long is ended, and its connection serves on', async () => {
    const database = connect(await newDatabase(), { statementTimeoutMs: 100 });
    const [error] = (await Promise.allSettled([database.query('select pg_sleep(20)')])).map((one) =>
      one.status === 'rejected' ? sqlStateOf(one.reason) : undefined,
    );
    expect(error).toBe('57014');
    await database.ping();
    const unlimited = database.transaction((session) => session.query('select pg_sleep(0.3)'), { isUnlimited: true });
    expect(await unlimited).toHaveLength(1);
  });

  test('[A14] sessions say whose they are, and closing twice is closing once', async () => {
    const database = connect(await newDatabase());
    expect(await database.query(`select current_setting('application_name') as name`)).toEqual([{ name: 'parley' }]);
    await Promise.all([database.close(), database.close()]);
    await database.close();
    await expect(database.ping()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  test('[A14] a Unix socket is as good as an address', async () => {
    const url = new URL(await newDatabase());
    const [row] = await connect(url.href).query<{ dirs: string }>(
      `select current_setting('unix_socket_directories') as dirs`,
    );
    const dir = row?.dirs.split(',')[0]?.trim() ?? '';
    expect(dir).toMatch(/^\//);
    const socket = `postgresql:///${url.pathname.slice(1)}?host=${dir}&port=${url.port}&user=${url.username}`;
    const database = connect(socket);
    expect(await database.query('select inet_server_addr() as address')).toEqual([{ address: null }]);
    expect(database.address).toBe(`${url.pathname.slice(1)} on ${dir}`);
  });
});

describe.skipIf(postgresSkipped !== undefined)('migrations on PostgreSQL', () => {
  test('[A14] four processes that migrate at once apply each migration once', async () => {
    const url = await newDatabase();
    const databases = Array.from({ length: 4 }, () => connect(url));
    const applied = await Promise.all(databases.map((database) => migrate(database, () => new Date(0))));
    const versions = applied.flat().map(({ version }) => version);
    expect(versions.toSorted((a, b) => a - b)).toEqual(MIGRATIONS.map(({ version }) => version));
    const status = await migrationStatus(connect(url));
    expect(status.applied).toEqual(
      MIGRATIONS.map(({ version, name }) => ({ version, name, appliedAt: '1970-01-01T00:00:00.000Z' })),
    );
    expect(await migrate(connect(url), () => new Date())).toEqual([]);
  });

  test('[A14] a migration that fails leaves nothing of itself, and can be run again', async () => {
    const database = connect(await newDatabase());
    expect((await migrationStatus(database)).applied).toEqual([]);
    // In the way of a later statement of the first migration.
    await database.query('create table task_counters (x integer)');
    await expect(migrate(database, () => new Date())).rejects.toThrow(/task_counters/);
    expect(await database.query(`select to_regclass('tasks')::text as name`)).toEqual([{ name: null }]);
    expect((await migrationStatus(database)).applied).toEqual([]);
    await database.query('drop table task_counters');
    expect(await migrate(database, () => new Date())).toHaveLength(MIGRATIONS.length);
  });

  test('[A14] an older program starts on the schema of a newer one, and says so in the log', async () => {
    const url = await newDatabase();
    const { logger, warnings } = warningsOf();
    const pool = { size: 2, overflow: 0, acquireTimeoutMs: 5000 };
    const storage = await openStorage({ url, pool, clock: systemClock, logger });
    undoAfterTest(() => storage.close());
    await storage.migrate();
    expect(warnings).toEqual([]);
    await connect(url).query(
      `insert into schema_migrations values (999, 'from-the-future', '2099-01-01T00:00:00.000Z')`,
    );
    await connect(url).query('alter table tasks add column novelty text');
    expect(await storage.migrate()).toEqual([]);
    expect(warnings).toEqual([
      [{ migrations: ['999 from-the-future'] }, 'the database schema is newer than this program'],
    ]);
    expect((await storage.migrationStatus()).unknown).toMatchObject([{ version: 999 }]);
    expect(await storage.tasks.commit([newTask()])).toEqual([{ status: 'written' }]);
    expect(storage.kind).toBe('postgres');
    await storage.ping();
  });

  test('[A14] a database that does not hold UTF-8 is refused by name', async () => {
    const url = new URL(await newDatabase());
    const admin = connect(url.href);
    const name = `${url.pathname.slice(1)}_latin`;
    await admin.query(`create database ${name} template template0 encoding 'LATIN1' locale 'C'`);
    undoAfterTest(async () => void (await admin.query(`drop database ${name} with (force)`)));
    url.pathname = `/${name}`;
    await expect(migrate(connect(url.href), () => new Date())).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: 'the database must have the encoding UTF8; this one has LATIN1',
    });
  });
});
