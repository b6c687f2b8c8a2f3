/** Tests that want PostgreSQL get one of their own, or a reason. */
import pg from 'pg';
import { describe, expect, test, vi } from 'vitest';
import { FOUND_URL, postgresForTests, SKIP_REASON } from './postgres.js';
import { findPostgresBinaries, startPostgresCluster } from './postgres-cluster.js';

const postgres = await postgresForTests();
async function ask(url, query) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(query)).rows;
  } finally {
    await client.end();
  }
}
describe.skipIf('skipped' in postgres)('a database of its own', () => {
  test('is there until it is dropped, also while something is connected to it', async () => {
    if ('skipped' in postgres) return;
    const database = await postgres.createDatabase();
    const name = new URL(database.url).pathname.slice(1);
    const idle = new pg.Client({ connectionString: database.url });
    idle.on('error', () => undefined);
    await idle.connect();
    expect(await ask(database.url, 'SELECT current_database() AS name')).toEqual([{ name }]);
    await database.drop();
    await database.drop();
    expect(await ask(postgres.url, `SELECT 1 FROM pg_database WHERE datname = '${name}'`)).toEqual([]);
  });
});
describe.skipIf(findPostgresBinaries() === undefined)('a temporary server', () => {
  test('answers, and is gone after stop', async () => {
    const cluster = await startPostgresCluster(findPostgresBinaries() ?? '');
    expect(await ask(cluster.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await cluster.stop();
    await cluster.stop();
    await expect(ask(cluster.url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED');
  });
});
describe('where there is none', () => {
  test('the reason comes back, and with REQUIRE_SERVICES=1 it is an error', async () => {
    vi.stubEnv(FOUND_URL, undefined);
    vi.stubEnv(SKIP_REASON, 'there is none');
    vi.stubEnv('REQUIRE_SERVICES', undefined);
    expect(await postgresForTests()).toEqual({ skipped: 'there is none' });
    vi.stubEnv('REQUIRE_SERVICES', '1');
    await expect(postgresForTests()).rejects.toThrow('REQUIRE_SERVICES=1, and there is none');
  });
});
