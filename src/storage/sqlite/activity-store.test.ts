/** Activity on SQLite. */
import { describe } from 'vitest';
import { sqliteSqlForTests } from '../../../test/support/sql.ts';
import { activityStoreContract } from '../activity-store.contract.ts';

describe('activity on SQLite', () => {
  activityStoreContract(sqliteSqlForTests);
});
