/** Rekeying on PostgreSQL. */
import { describe } from 'vitest';
import { postgresSkipped } from '../../../test/support/postgres-database.ts';
import { postgresSqlForTests } from '../../../test/support/sql.ts';
import { sealedValueStoreContract } from '../sealed-value-store.contract.ts';

describe.skipIf(postgresSkipped !== undefined)('sealed values on PostgreSQL', () => {
  sealedValueStoreContract(postgresSqlForTests);
});
