/** Once per run of the tests: starts a PostgreSQL, or finds one, or says loudly that there is none. */
import pg from 'pg';
import { FOUND_URL, SKIP_REASON } from './postgres.ts';
import { findPostgresBinaries, type PostgresCluster, startPostgresCluster } from './postgres-cluster.ts';

const usualUrl = 'postgres://postgres@127.0.0.1:5432/postgres';

/** Undefined when `url` answers and its user may create databases, else what is wrong. */
async function problemOf(url: string): Promise<string | undefined> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 3_000 });
  try {
    await client.connect();
    const { rows } = await client.query<{ may: boolean }>(
      'SELECT rolcreatedb OR rolsuper AS may FROM pg_roles WHERE rolname = current_user',
    );
    return rows[0]?.may === true ? undefined : 'its user may not create databases';
  } catch (error) {
    return error instanceof Error ? error.message || error.name : String(error);
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function find(): Promise<{ url: string; cluster?: PostgresCluster } | { skipped: string }> {
  const given = process.env['PARLEY_TEST_POSTGRES_URL'];
  if (given !== undefined && given !== '') {
    const problem = await problemOf(given);
    // Somebody asked for this one: another in its place would test something else.
    return problem === undefined ? { url: given } : { skipped: `PARLEY_TEST_POSTGRES_URL cannot be used: ${problem}` };
  }
  const binaries = findPostgresBinaries();
  let failed = 'no initdb to start one with';
  if (binaries !== undefined) {
    try {
      const cluster = await startPostgresCluster(binaries);
      return { url: cluster.url, cluster };
    } catch (error) {
      failed = `a temporary one failed: ${String(error)}`;
    }
  }
  const problem = await problemOf(usualUrl);
  if (problem === undefined) return { url: usualUrl };
  return { skipped: `${failed}, and none on 127.0.0.1:5432 (${problem})` };
}

/** Both projects name this file; the second to come finds the work done. */
export async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env[FOUND_URL] !== undefined || process.env[SKIP_REASON] !== undefined) return undefined;
  const found = await find();
  if ('url' in found) {
    process.env[FOUND_URL] = found.url;
    const { cluster } = found;
    return cluster && (() => cluster.stop());
  }
  process.env[SKIP_REASON] = found.skipped;
  process.stderr.write(`\n!! POSTGRESQL TESTS ARE SKIPPED: ${found.skipped}\n\n`);
  return undefined;
}
