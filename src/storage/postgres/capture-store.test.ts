/** Captures on PostgreSQL. */
import { describe } from 'vitest';
import { postgresSkipped, postgresSqlForTests } from '../../../test/support/sql.ts';
import { captureStoreContract } from '../capture-store.contract.ts';

describe.skipIf(postgresSkipped !== undefined)('captures on PostgreSQL', () => {
  captureStoreContract(postgresSqlForTests);
});
