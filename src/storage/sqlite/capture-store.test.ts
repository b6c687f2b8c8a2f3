/** Captures on SQLite. */
import { describe } from 'vitest';
import { sqliteSqlForTests } from '../../../test/support/sql.ts';
import { captureStoreContract } from '../capture-store.contract.ts';

describe('captures on SQLite', () => {
  captureStoreContract(sqliteSqlForTests);
});
