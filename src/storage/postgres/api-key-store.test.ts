/** API keys on PostgreSQL. */
import { afterEach, describe } from 'vitest';
import { postgresForTests } from '../../../test/support/postgres.ts';
import { silentLogger } from '../../core/logger.ts';
import { apiKeyStoreContract } from '../api-key-store.contract.ts';
import { SqlApiKeyStore } from '../api-key-store.ts';
import { PostgresDatabase } from './database.ts';
import { postgresKysely } from './kysely.ts';
import { migrate } from './migrate.ts';

const postgres = await postgresForTests();
const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

describe.skipIf('skipped' in postgres)('API keys on PostgreSQL', () => {
  apiKeyStoreContract(async () => {
    if ('skipped' in postgres) throw new Error(postgres.skipped);
    const created = await postgres.createDatabase();
    const pool = { size: 2, overflow: 2, acquireTimeoutMs: 10_000 };
    const database = PostgresDatabase.open({ url: created.url, ...pool, logger: silentLogger });
    cleanUps.push(
      () => database.close(),
      () => created.drop(),
    );
    await migrate(database, () => new Date());
    return new SqlApiKeyStore(postgresKysely(database));
  });
});
