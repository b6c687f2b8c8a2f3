/** Hand-written statements on a new, migrated database of each kind, removed after the test. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { postgresSql } from '../../src/storage/postgres/sql.ts';
import type { Sql } from '../../src/storage/sql.ts';
import { SqliteDatabase } from '../../src/storage/sqlite/database.ts';
import { migrate } from '../../src/storage/sqlite/migrate.ts';
import { sqliteSql } from '../../src/storage/sqlite/sql.ts';
import { newMigratedDatabase } from './postgres-database.ts';

export { postgresSkipped } from './postgres-database.ts';

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

export async function sqliteSqlForTests(): Promise<Sql> {
  const directory = mkdtempSync(join(tmpdir(), 'parley-sql-'));
  const database = SqliteDatabase.open(join(directory, 'parley.sqlite'));
  cleanUps.push(() => {
    database.close();
    rmSync(directory, { recursive: true, force: true });
  });
  migrate(database, () => new Date());
  return sqliteSql(database);
}

export async function postgresSqlForTests(): Promise<Sql> {
  return postgresSql((await newMigratedDatabase()).database);
}
