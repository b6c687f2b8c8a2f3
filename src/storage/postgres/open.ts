/** PostgreSQL as the program's storage. */
import { randomInt } from 'node:crypto';
import { SqlActivityStore } from '../activity-store.ts';
import { SqlCaptureStore } from '../capture-store.ts';
import { DeferredApiKeyStore } from '../deferred-api-keys.ts';
import { DeferredPushStore } from '../deferred-push-store.ts';
import { SqlNonceStore } from '../nonce-store.ts';
import { SqlSealedValueStore } from '../sealed-value-store.ts';
import { SqlSessionStore } from '../session-store.ts';
import { SqlCardSignatureStore, SqlSigningKeyStore } from '../signing-key-store.ts';
import { noteUnknown, type Storage, type StorageOptions } from '../storage.ts';
import { SqlTaskBrowser } from '../task-browser.ts';
import { PostgresAdminKeyMarks } from './admin-key-marks.ts';
import { PostgresDatabase } from './database.ts';
import { migrate, migrationStatus } from './migrate.ts';
import { PostgresRateCounts } from './rate-counts.ts';
import { postgresSql } from './sql.ts';
import { PostgresTaskStore } from './task-store.ts';

/** Counters have so many slots; each replica begins with one of its own. */
const SLOTS = 16;

export function openPostgres({ url, pool, clock, logger }: StorageOptions): Storage {
  const database = PostgresDatabase.open({ url, ...pool, logger });
  // Opened when something is counted.
  const counting = PostgresDatabase.open({ url, ...pool, size: 1, overflow: 0, logger });
  const sql = postgresSql(database);
  const apiKeys = new DeferredApiKeyStore(async () => {
    const [{ SqlApiKeyStore }, { postgresKysely }] = await Promise.all([
      import('../api-key-store.ts'),
      import('./kysely.ts'),
    ]);
    return new SqlApiKeyStore(postgresKysely(database));
  });
  const push = new DeferredPushStore(async () => {
    const [{ SqlPushStore }, { postgresPush }, { postgresKysely }] = await Promise.all([
      import('../push-store.ts'),
      import('../push-sql.ts'),
      import('./kysely.ts'),
    ]);
    return new SqlPushStore(postgresKysely(database), postgresPush);
  });
  return {
    kind: 'postgres',
    description: `PostgreSQL, ${database.address}`,
    postgresUrl: database.url,
    tasks: new PostgresTaskStore(database, randomInt(SLOTS)),
    browser: new SqlTaskBrowser(sql),
    apiKeys,
    sessions: new SqlSessionStore(sql),
    push,
    captures: new SqlCaptureStore(sql),
    activity: new SqlActivityStore(sql),
    sealedValues: new SqlSealedValueStore(sql),
    signingKeys: new SqlSigningKeyStore(sql),
    cardSignatures: new SqlCardSignatureStore(sql),
    nonces: new SqlNonceStore(sql),
    rateCounts: new PostgresRateCounts(counting, database),
    adminKeyMarks: new PostgresAdminKeyMarks(database),
    migrate: async () => {
      const applied = await migrate(database, () => new Date(clock.now()));
      noteUnknown(await migrationStatus(database), logger);
      return applied;
    },
    migrationStatus: () => migrationStatus(database),
    ping: () => database.ping(),
    // Replicas share it.
    lockForServer: async () => undefined,
    warmUp: async () => void (await Promise.all([apiKeys.loaded(), push.loaded()])),
    close: async () => void (await Promise.all([counting.close(), database.close()])),
  };
}
