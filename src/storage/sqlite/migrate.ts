/** Applies migrations to a SQLite file. Two processes that migrate at once wait for each other. */
import { MIGRATIONS } from '../migrations/list.ts';
import { type AppliedMigration, type MigrationStatus, statusOf } from '../migrations/migration.ts';
import type { SqliteDatabase } from './database.ts';

const TABLE = `create table if not exists schema_migrations (
  version integer primary key, name text not null, applied_at text not null) strict`;

export function migrationStatus(database: SqliteDatabase): MigrationStatus {
  const exists: unknown = database.connection
    .prepare(`select 1 from sqlite_master where name = 'schema_migrations'`)
    .get();
  const applied =
    exists === undefined
      ? []
      : (database.connection
          .prepare('select version, name, applied_at as appliedAt from schema_migrations order by version')
          .all() as AppliedMigration[]);
  return statusOf(MIGRATIONS, applied);
}

/** Brings the schema up to date; each migration is one transaction. Returns what it applied. */
export function migrate(database: SqliteDatabase, now: () => Date): readonly AppliedMigration[] {
  database.connection.exec(TABLE);
  const applied: AppliedMigration[] = [];
  for (const migration of MIGRATIONS) {
    database.transaction(() => {
      // Looked at inside the transaction: another process may have applied it meanwhile.
      const done = database.connection.prepare('select 1 from schema_migrations where version = ?');
      if (done.get(migration.version) !== undefined) return;
      for (const statement of migration.statements('sqlite')) database.connection.exec(statement);
      const appliedAt = now().toISOString();
      database.connection
        .prepare('insert into schema_migrations (version, name, applied_at) values (?, ?, ?)')
        .run(migration.version, migration.name, appliedAt);
      applied.push({ version: migration.version, name: migration.name, appliedAt });
    });
  }
  return applied;
}
