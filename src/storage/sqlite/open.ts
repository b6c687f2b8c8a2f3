/** SQLite as the program's storage. */
import { SqlActivityStore } from '../activity-store.ts';
import { SqlCaptureStore } from '../capture-store.ts';
import { DeferredApiKeyStore } from '../deferred-api-keys.ts';
import { DeferredPushStore } from '../deferred-push-store.ts';
import { SqlNonceStore } from '../nonce-store.ts';
import { SqlSealedValueStore } from '../sealed-value-store.ts';
import { SqlSessionStore } from '../session-store.ts';
import { SqlCardSignatureStore, SqlSigningKeyStore } from '../signing-key-store.ts';
import { sqlitePath } from '../sqlite-path.ts';
import { noteUnknown, type Storage, type StorageOptions } from '../storage.ts';
import { SqlTaskBrowser } from '../task-browser.ts';
import { SqliteDatabase } from './database.ts';
import { migrate, migrationStatus } from './migrate.ts';
import { sqliteSql } from './sql.ts';
import { SqliteTaskStore } from './task-store.ts';

export function openSqlite({ url, clock, logger }: StorageOptions): Storage {
  const path = sqlitePath(url);
  const database = SqliteDatabase.open(path);
  const sql = sqliteSql(database);
  const apiKeys = new DeferredApiKeyStore(async () => {
    const [{ SqlApiKeyStore }, { sqliteKysely }] = await Promise.all([
      import('../api-key-store.ts'),
      import('./kysely.ts'),
    ]);
    return new SqlApiKeyStore(sqliteKysely(database));
  });
  const push = new DeferredPushStore(async () => {
    const [{ SqlPushStore }, { sqlitePush }, { sqliteKysely }] = await Promise.all([
      import('../push-store.ts'),
      import('../push-sql.ts'),
      import('./kysely.ts'),
    ]);
    return new SqlPushStore(
      sqliteKysely(database),
      sqlitePush(() => clock.now()),
    );
  });
  return {
    kind: 'sqlite',
    description: `SQLite, ${path}`,
    postgresUrl: null,
    tasks: new SqliteTaskStore(database, clock),
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
    rateCounts: null,
    adminKeyMarks: null,
    migrate: async () => {
      const applied = migrate(database, () => new Date(clock.now()));
      noteUnknown(migrationStatus(database), logger);
      return applied;
    },
    migrationStatus: async () => migrationStatus(database),
    ping: async () => void database.connection.prepare('select 1').get(),
    lockForServer: async () => database.lockForServer(),
    warmUp: async () => void (await Promise.all([apiKeys.loaded(), push.loaded()])),
    close: async () => database.close(),
  };
}
