/** Rekeying on PostgreSQL. */
import { describe } from 'vitest';
import { postgresSkipped, postgresSqlForTests } from '../../../test/support/sql.ts';
import { sealedValueStoreContract } from '../sealed-value-store.contract.ts';

describe.skipIf(postgresSkipped !== undefined)('sealed values on PostgreSQL', () => {
  sealedValueStoreContract(postgresSqlForTests);
});
