/** API keys on SQLite. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { apiKeyRecord, apiKeyStoreContract } from '../api-key-store.contract.ts';
import { SqlApiKeyStore } from '../api-key-store.ts';
import { SqliteDatabase } from './database.ts';
import { sqliteKysely } from './kysely.ts';
import { migrate } from './migrate.ts';

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

function openDatabase(): SqliteDatabase {
  const directory = mkdtempSync(join(tmpdir(), 'parley-api-keys-'));
  const database = SqliteDatabase.open(join(directory, 'parley.sqlite'));
  cleanUps.push(() => {
    database.close();
    rmSync(directory, { recursive: true, force: true });
  });
  migrate(database, () => new Date());
  return database;
}

describe('API keys on SQLite', () => {
  apiKeyStoreContract(async () => new SqlApiKeyStore(sqliteKysely(openDatabase())));
});

describe('kysely beside the other statements of the connection', () => {
  test('a statement waits until what is exclusive has ended, so that it is never rolled back with it', async () => {
    const database = openDatabase();
    const store = new SqlApiKeyStore(sqliteKysely(database));
    const order: string[] = [];
    let end: () => void = () => {};
    const exclusive = database.exclusive(async () => {
      database.connection.exec('begin immediate');
      await new Promise<void>((resolve) => {
        end = resolve;
      });
      database.connection.exec('rollback');
      order.push('rolled back');
    });
    const inserted = store.insert(apiKeyRecord('a')).then(() => order.push('inserted'));
    await Promise.resolve();
    end();
    await Promise.all([exclusive, inserted]);
    expect(order).toEqual(['rolled back', 'inserted']);
    expect(await store.find('a')).toEqual(apiKeyRecord('a'));
  });

  test('a transaction keeps others out until it ends, and leaves nothing behind when it fails', async () => {
    const database = openDatabase();
    const db = sqliteKysely(database);
    const store = new SqlApiKeyStore(db);
    const failed = db.transaction().execute(async (transaction) => {
      await new SqlApiKeyStore(transaction).insert(apiKeyRecord('a'));
      throw new Error('on purpose');
    });
    const inserted = store.insert(apiKeyRecord('b'));
    await expect(failed).rejects.toThrow('on purpose');
    await inserted;
    await db.transaction().execute((transaction) => new SqlApiKeyStore(transaction).insert(apiKeyRecord('c')));
    expect((await store.list(10, null)).map(({ id }) => id)).toEqual(['c', 'b']);
    expect(database.connection.isTransaction).toBe(false);
  });

  test('a failed statement rejects and does not throw', async () => {
    const store = new SqlApiKeyStore(sqliteKysely(openDatabase()));
    await store.insert(apiKeyRecord('a'));
    await expect(store.insert(apiKeyRecord('a'))).rejects.toThrow(/UNIQUE constraint failed/);
  });

  test('a transaction whose begin fails gives the connection back', async () => {
    const database = openDatabase();
    const db = sqliteKysely(database);
    database.connection.exec('begin');
    await expect(db.transaction().execute(async () => {})).rejects.toThrow(/within a transaction/);
    database.connection.exec('rollback');
    await expect(db.selectFrom('api_keys').selectAll().execute()).resolves.toEqual([]);
  });
});
