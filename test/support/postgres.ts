/** A real PostgreSQL for tests, each test file with a database of its own. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';

/** Set by postgres-setup.ts, before the first test file, for all of them. */
export const FOUND_URL = 'PARLEY_TEST_POSTGRES_FOUND';
export const SKIP_REASON = 'PARLEY_TEST_POSTGRES_SKIPPED';

export interface TestDatabase {
  readonly url: string;
  /** Removes the database, also while something is still connected to it. */
  drop(): Promise<void>;
}

export interface TestPostgres {
  /** Address of the server's maintenance database, as a user that may create databases. */
  readonly url: string;
  createDatabase(): Promise<TestDatabase>;
}

async function runOn(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/**
 * The server that this run of the tests uses: `PARLEY_TEST_POSTGRES_URL`, else a temporary one, else one on
 * 127.0.0.1:5432. Where there is none, `skipped` says why; hand it to `describe.skipIf`.
 * @throws Error instead of `skipped` when REQUIRE_SERVICES=1
 */
export async function postgresForTests(): Promise<TestPostgres | { readonly skipped: string }> {
  const url = process.env[FOUND_URL];
  if (url === undefined) {
    const skipped = process.env[SKIP_REASON] ?? 'postgres-setup.ts did not run';
    if (process.env['REQUIRE_SERVICES'] === '1') throw new Error(`REQUIRE_SERVICES=1, and ${skipped}`);
    return { skipped };
  }
  return { url, createDatabase: () => createDatabase(url) };
}

async function createDatabase(serverUrl: string): Promise<TestDatabase> {
  const name = `parley_test_${process.pid}_${randomBytes(4).toString('hex')}`;
  // template0: copying template1 fails while anything is connected to it.
  await runOn(serverUrl, `CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'`);
  const address = new URL(serverUrl);
  address.pathname = `/${name}`;
  return { url: address.href, drop: () => runOn(serverUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`) };
}
