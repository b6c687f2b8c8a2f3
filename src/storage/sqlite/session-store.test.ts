/** Sessions on SQLite. */
import { describe } from 'vitest';
import { sqliteSqlForTests } from '../../../test/support/sql.ts';
import { sessionStoreContract } from '../session-store.contract.ts';

describe('sessions on SQLite', () => {
  sessionStoreContract(sqliteSqlForTests);
});
