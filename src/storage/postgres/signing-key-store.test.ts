/** Signing keys on PostgreSQL. */
import { describe } from 'vitest';
import { postgresSkipped, postgresSqlForTests } from '../../../test/support/sql.ts';
import { signingKeyStoreContract } from '../signing-key-store.contract.ts';

describe.skipIf(postgresSkipped !== undefined)('signing keys on PostgreSQL', () => {
  signingKeyStoreContract(postgresSqlForTests);
});
