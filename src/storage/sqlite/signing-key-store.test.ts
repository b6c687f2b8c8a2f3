/** Signing keys on SQLite. */
import { describe } from 'vitest';
import { sqliteSqlForTests } from '../../../test/support/sql.ts';
import { signingKeyStoreContract } from '../signing-key-store.contract.ts';

describe('signing keys on SQLite', () => {
  signingKeyStoreContract(sqliteSqlForTests);
});
