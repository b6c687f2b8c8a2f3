/** Applies migrations to a PostgreSQL database. Two processes that migrate at once wait for each other. */
import { AppError } from '../../protocol/errors.ts';
import { MIGRATIONS } from '../migrations/list.ts';
import { type AppliedMigration, type MigrationStatus, statusOf } from '../migrations/migration.ts';
import type { PostgresDatabase, PostgresSession } from './database.ts';

const TABLE = `create table if not exists schema_migrations (
  version integer primary key, name text not null, applied_at text not null)`;

/** Any number that nothing else locks; advisory locks are per database. */
const LOCK = 7_277_353_901;
const OLDEST_VERSION = 140_000;

export async function migrationStatus(database: PostgresDatabase): Promise<MigrationStatus> {
  const [{ exists } = { exists: false }] = await database.query<{ exists: boolean }>(
    `select to_regclass('schema_migrations') is not null as exists`,
  );
  const applied = exists
    ? await database.query<AppliedMigration>(
        'select version, name, applied_at as "appliedAt" from schema_migrations order by version',
      )
    : [];
  return statusOf(MIGRATIONS, applied);
}

/**
 * Brings the schema up to date; each migration is one transaction. Returns what it applied. Throws UNAVAILABLE for a
 * server that is too old, or a database that does not hold UTF-8.
 */
export async function migrate(database: PostgresDatabase, now: () => Date): Promise<readonly AppliedMigration[]> {
  await checkServer(database);
  // A user without the right to create tables can start on a schema that is up to date.
  if ((await migrationStatus(database)).pending.length === 0) return [];
  await locked(database, (session) => session.query(TABLE));
  const applied: AppliedMigration[] = [];
  for (const migration of MIGRATIONS) {
    const { version, name } = migration;
    await locked(database, async (session) => {
      // Looked at under the lock: another process may have applied it meanwhile.
      const done = await session.query('select 1 from schema_migrations where version = $1', [version]);
      if (done.length > 0) return;
      for (const statement of migration.statements('postgres')) await session.query(statement);
      const appliedAt = now().toISOString();
      await session.query('insert into schema_migrations (version, name, applied_at) values ($1, $2, $3)', [
        version,
        name,
        appliedAt,
      ]);
      applied.push({ version, name, appliedAt });
    });
  }
  return applied;
}

async function checkServer(database: PostgresDatabase): Promise<void> {
  const [server] = await database.query<{ version: string; number: number; encoding: string }>(
    `select current_setting('server_version') as version, current_setting('server_version_num')::int as number,
      current_setting('server_encoding') as encoding`,
  );
  if (server === undefined) throw new AppError('UNAVAILABLE', 'The database did not say which version it is');
  if (server.number < OLDEST_VERSION) {
    throw new AppError('UNAVAILABLE', `PostgreSQL 14 or later is needed; this server is ${server.version}`);
  }
  if (server.encoding !== 'UTF8') {
    throw new AppError('UNAVAILABLE', `the database must have the encoding UTF8; this one has ${server.encoding}`);
  }
}

async function locked(database: PostgresDatabase, work: (session: PostgresSession) => Promise<unknown>): Promise<void> {
  await database.transaction(
    async (session) => {
      await session.query('select pg_advisory_xact_lock($1)', [LOCK]);
      await work(session);
    },
    { isUnlimited: true },
  );
}
