/** Lists of tasks across owners on SQLite. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe } from 'vitest';
import { systemClock } from '../../ops/runtime.ts';
import { taskBrowserContract } from '../task-browser.contract.ts';
import { SqliteDatabase } from './database.ts';
import { migrate } from './migrate.ts';
import { sqliteSql } from './sql.ts';
import { SqliteTaskStore } from './task-store.ts';

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0).reverse()) cleanUp();
});

describe('lists of tasks on SQLite', () => {
  taskBrowserContract(async () => {
    const directory = mkdtempSync(join(tmpdir(), 'parley-browser-'));
    cleanUps.push(() => rmSync(directory, { recursive: true }));
    const database = SqliteDatabase.open(join(directory, 'parley.sqlite'));
    cleanUps.push(() => database.close());
    migrate(database, () => new Date());
    const sql = sqliteSql(database);
    return {
      sql,
      store: new SqliteTaskStore(database, systemClock),
      explain: async (text, values) => {
        const rows = await sql.query<{ detail: string }>(`explain query plan ${text}`, values);
        return rows.map(({ detail }) => detail).join('\n');
      },
      analyze: async () => undefined,
    };
  });
});
