/** Activity on PostgreSQL. */
import { describe } from 'vitest';
import { postgresSkipped, postgresSqlForTests } from '../../../test/support/sql.ts';
import { activityStoreContract } from '../activity-store.contract.ts';

describe.skipIf(postgresSkipped !== undefined)('activity on PostgreSQL', () => {
  activityStoreContract(postgresSqlForTests);
});
