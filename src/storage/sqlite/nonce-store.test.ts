/** Nonces on SQLite. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe } from 'vitest';
import { nonceStoreContract } from '../nonce-store.contract.ts';
import { SqlNonceStore } from '../nonce-store.ts';
import { SqliteDatabase } from './database.ts';
import { migrate } from './migrate.ts';
import { sqliteSql } from './sql.ts';

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0).reverse()) cleanUp();
});

describe('nonces on SQLite', () => {
  nonceStoreContract(async () => {
    const directory = mkdtempSync(join(tmpdir(), 'parley-nonces-'));
    cleanUps.push(() => rmSync(directory, { recursive: true }));
    const openFile = (): SqlNonceStore => {
      const database = SqliteDatabase.open(join(directory, 'parley.sqlite'));
      cleanUps.push(() => database.close());
      migrate(database, () => new Date());
      return new SqlNonceStore(sqliteSql(database));
    };
    return { store: openFile(), reopen: async () => openFile() };
  });
});
