/** API keys on PostgreSQL. */
import { describe } from 'vitest';
import { newMigratedDatabase, postgresSkipped } from '../../../test/support/postgres-database.ts';
import { apiKeyStoreContract } from '../api-key-store.contract.ts';
import { SqlApiKeyStore } from '../api-key-store.ts';
import { postgresKysely } from './kysely.ts';

describe.skipIf(postgresSkipped !== undefined)('API keys on PostgreSQL', () => {
  apiKeyStoreContract(async () => new SqlApiKeyStore(postgresKysely((await newMigratedDatabase()).database)));
});
