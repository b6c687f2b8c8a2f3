/** Hand-written statements on a new, migrated database of each kind, removed after the test. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { silentLogger } from '../../src/core/logger.ts';
import { PostgresDatabase } from '../../src/storage/postgres/database.ts';
import { migrate as migratePostgres } from '../../src/storage/postgres/migrate.ts';
import { postgresSql } from '../../src/storage/postgres/sql.ts';
import type { Sql } from '../../src/storage/sql.ts';
import { SqliteDatabase } from '../../src/storage/sqlite/database.ts';
import { migrate as migrateSqlite } from '../../src/storage/sqlite/migrate.ts';
import { sqliteSql } from '../../src/storage/sqlite/sql.ts';
import { postgresForTests } from './postgres.ts';

const postgres = await postgresForTests();
const cleanUps: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

export const postgresSkipped = 'skipped' in postgres ? postgres.skipped : undefined;

export async function sqliteSqlForTests(): Promise<Sql> {
  const directory = mkdtempSync(join(tmpdir(), 'parley-sql-'));
  const database = SqliteDatabase.open(join(directory, 'parley.sqlite'));
  cleanUps.push(() => {
    database.close();
    rmSync(directory, { recursive: true, force: true });
  });
  migrateSqlite(database, () => new Date());
  return sqliteSql(database);
}

export async function postgresSqlForTests(): Promise<Sql> {
  if ('skipped' in postgres) throw new Error(postgres.skipped);
  const created = await postgres.createDatabase();
  const pool = { size: 2, overflow: 2, acquireTimeoutMs: 10_000 };
  const database = PostgresDatabase.open({ url: created.url, ...pool, logger: silentLogger });
  cleanUps.push(
    () => database.close(),
    () => created.drop(),
  );
  await migratePostgres(database, () => new Date());
  return postgresSql(database);
}
