/** Nonces on PostgreSQL. */
import { describe } from 'vitest';
import { connect, newMigratedDatabase, postgresSkipped } from '../../../test/support/postgres-database.ts';
import { nonceStoreContract } from '../nonce-store.contract.ts';
import { SqlNonceStore } from '../nonce-store.ts';
import { postgresSql } from './sql.ts';

describe.skipIf(postgresSkipped !== undefined)('nonces on PostgreSQL', () => {
  nonceStoreContract(async () => {
    const { url, database } = await newMigratedDatabase();
    return {
      store: new SqlNonceStore(postgresSql(database)),
      reopen: async () => new SqlNonceStore(postgresSql(connect(url))),
    };
  });
});
