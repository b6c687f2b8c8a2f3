/** Sessions on PostgreSQL. */
import { describe } from 'vitest';
import { postgresSkipped, postgresSqlForTests } from '../../../test/support/sql.ts';
import { sessionStoreContract } from '../session-store.contract.ts';

describe.skipIf(postgresSkipped !== undefined)('sessions on PostgreSQL', () => {
  sessionStoreContract(postgresSqlForTests);
});
