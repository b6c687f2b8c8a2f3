/** API keys on PostgreSQL. */
import { afterEach, describe } from 'vitest';
import { postgresForTests } from '../../../test/support/postgres.ts';
import { silentLogger } from '../../core/logger.ts';
import { systemClock } from '../../ops/runtime.ts';
import { apiKeyStoreContract } from '../api-key-store.contract.ts';
import { openStorage } from '../open.ts';

const postgres = await postgresForTests();
const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

describe.skipIf('skipped' in postgres)('API keys on PostgreSQL', () => {
  apiKeyStoreContract(async () => {
    if ('skipped' in postgres) throw new Error(postgres.skipped);
    const { url, drop } = await postgres.createDatabase();
    cleanUps.push(drop);
    const pool = { size: 2, overflow: 0, acquireTimeoutMs: 10_000 };
    const storage = await openStorage({ url, pool, clock: systemClock, logger: silentLogger });
    cleanUps.unshift(() => storage.close());
    await storage.migrate();
    return storage.apiKeys;
  });
});
