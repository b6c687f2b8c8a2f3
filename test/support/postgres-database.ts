/** New PostgreSQL databases and connections to them, closed and removed after the test. */
import { afterEach } from 'vitest';
import { silentLogger } from '../../src/core/logger.ts';
import { PostgresDatabase, type PostgresOptions } from '../../src/storage/postgres/database.ts';
import { migrate } from '../../src/storage/postgres/migrate.ts';
import { postgresForTests } from './postgres.ts';

const postgres = await postgresForTests();
const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Why there is none; hand it to `describe.skipIf`. */
export const postgresSkipped = 'skipped' in postgres ? postgres.skipped : undefined;

/** What was made last is undone first. */
export function undoAfterTest(cleanUp: () => Promise<void>): void {
  cleanUps.push(cleanUp);
}

/** The address of an empty database. */
export async function newDatabase(): Promise<string> {
  if ('skipped' in postgres) throw new Error(postgres.skipped);
  const database = await postgres.createDatabase();
  undoAfterTest(() => database.drop());
  return database.url;
}

export function connect(url: string, options: Partial<PostgresOptions> = {}): PostgresDatabase {
  const pool = { size: 4, overflow: 2, acquireTimeoutMs: 10_000, logger: silentLogger };
  const database = PostgresDatabase.open({ url, ...pool, ...options });
  undoAfterTest(() => database.close());
  return database;
}

export interface MigratedDatabase {
  readonly url: string;
  readonly database: PostgresDatabase;
}

export async function newMigratedDatabase(options: Partial<PostgresOptions> = {}): Promise<MigratedDatabase> {
  const url = await newDatabase();
  const database = connect(url, options);
  await migrate(database, () => new Date());
  return { url, database };
}
