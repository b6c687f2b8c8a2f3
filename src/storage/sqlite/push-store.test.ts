/** Push notifications on SQLite. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe } from 'vitest';
import { systemClock } from '../../ops/runtime.ts';
import { sqlitePush } from '../push-sql.ts';
import { pushStoreContract } from '../push-store.contract.ts';
import { SqlPushStore } from '../push-store.ts';
import { SqliteDatabase } from './database.ts';
import { sqliteKysely } from './kysely.ts';
import { migrate } from './migrate.ts';
import { SqliteTaskStore } from './task-store.ts';

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0).reverse()) cleanUp();
});

describe('push notifications on SQLite', () => {
  pushStoreContract(async () => {
    const dir = mkdtempSync(join(tmpdir(), 'parley-push-'));
    cleanUps.push(() => rmSync(dir, { recursive: true }));
    const database = SqliteDatabase.open(join(dir, 'parley.sqlite'));
    cleanUps.push(() => database.close());
    migrate(database, () => new Date());
    const store = new SqliteTaskStore(database, systemClock);
    const push = new SqlPushStore(
      sqliteKysely(database),
      sqlitePush(() => systemClock.now()),
    );
    return {
      store,
      push,
      // One process, one connection.
      other: store,
      isShared: false,
      otherPush: push,
      select: async (sql) => database.connection.prepare(sql).all() as Record<string, unknown>[],
      reopen: async () => store,
    };
  });
});
