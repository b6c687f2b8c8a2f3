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

/**
 * Brings the schema up to date, in one transaction: each would wait for the disk by itself, which is most of a first start.
 * Returns what it applied.
 */
export function migrate(database: SqliteDatabase, now: () => Date): readonly AppliedMigration[] {
  const { connection } = database;
  const applied: AppliedMigration[] = [];
  database.transaction(() => {
    connection.exec(TABLE);
    const isApplied = connection.prepare('select 1 from schema_migrations where version = ?');
    const note = connection.prepare('insert into schema_migrations (version, name, applied_at) values (?, ?, ?)');
    // Looked at inside the transaction: another process may have applied them meanwhile.
    for (const migration of MIGRATIONS) {
      const { version, name } = migration;
      if (isApplied.get(version) !== undefined) continue;
      for (const statement of migration.statements('sqlite')) connection.exec(statement);
      const appliedAt = now().toISOString();
      note.run(version, name, appliedAt);
      applied.push({ version, name, appliedAt });
    }
  });
  return applied;
}
