/** Rekeying on SQLite. */
import { describe } from 'vitest';
import { sqliteSqlForTests } from '../../../test/support/sql.ts';
import { sealedValueStoreContract } from '../sealed-value-store.contract.ts';

describe('sealed values on SQLite', () => {
  sealedValueStoreContract(sqliteSqlForTests);
});
