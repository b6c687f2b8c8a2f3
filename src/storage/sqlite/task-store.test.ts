/** Tasks on SQLite. */

import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { newTask } from '../../../test/support/task-writes.ts';
import { systemClock } from '../../ops/runtime.ts';
import { MIGRATIONS } from '../migrations/list.ts';
import { taskStoreContract } from '../task-store.contract.ts';
import { SqliteDatabase } from './database.ts';
import { migrate, migrationStatus } from './migrate.ts';
import { SqliteTaskStore } from './task-store.ts';

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0).reverse()) cleanUp();
});

const now = () => new Date();

function newFile(): string {
  const dir = mkdtempSync(join(tmpdir(), 'parley-tasks-'));
  cleanUps.push(() => rmSync(dir, { recursive: true }));
  return join(dir, 'data', 'parley.sqlite');
}

function openFile(file: string): SqliteDatabase {
  const database = SqliteDatabase.open(file);
  cleanUps.push(() => database.close());
  return database;
}

const storeOn = (database: SqliteDatabase) => new SqliteTaskStore(database, systemClock);

describe('tasks on SQLite', () => {
  taskStoreContract(async () => {
    const file = newFile();
    const [first, second, third] = [openFile(file), openFile(file), openFile(file)];
    migrate(first, now);
    return {
      store: storeOn(first),
      other: storeOn(second),
      isShared: false,
      select: async (sql) => third.connection.prepare(sql).all() as Record<string, unknown>[],
      reopen: async () => {
        for (const database of [first, second, third]) database.close();
        return storeOn(openFile(file));
      },
    };
  });
});

describe('a SQLite file', () => {
  test('nobody but its owner can read it', () => {
    const file = newFile();
    const database = openFile(file);
    migrate(database, now);
    for (const name of [file, `${file}-wal`]) expect(statSync(name).mode & 0o777).toBe(0o600);
  });

  test('[A14] migrations run once, are listed with name and time, and those of a newer program do no harm', async () => {
    const database = openFile(newFile());
    expect(migrationStatus(database)).toMatchObject({
      applied: [],
      unknown: [],
      pending: MIGRATIONS.map(({ version, name }) => ({ version, name })),
    });
    const applied = migrate(database, () => new Date(0));
    expect(applied[0]).toEqual({ version: 1, name: 'tasks', appliedAt: '1970-01-01T00:00:00.000Z' });
    expect(migrate(database, now)).toEqual([]);
    database.connection.exec(
      `insert into schema_migrations values (999, 'from-the-future', '2099-01-01T00:00:00.000Z')`,
    );
    expect(migrate(database, now)).toEqual([]);
    const { unknown, pending } = migrationStatus(database);
    expect({ unknown, pending }).toMatchObject({ unknown: [{ version: 999, name: 'from-the-future' }], pending: [] });
    expect(await storeOn(database).commit([newTask()])).toEqual([{ status: 'written' }]);
  });

  test('[A14] a migration that fails leaves nothing of itself, nor of those of the same start before it', () => {
    const database = openFile(newFile());
    // In the way of one of the last.
    database.connection.exec('create table captures (x integer)');
    expect(() => migrate(database, now)).toThrow(/captures/);
    expect(database.connection.prepare(`select name from sqlite_master where name = 'tasks'`).all()).toEqual([]);
    expect(migrationStatus(database).applied).toEqual([]);
  });

  test('a second server is refused, and admitted when the first one is gone', () => {
    const file = newFile();
    const first = openFile(file);
    first.lockForServer();
    const second = openFile(file);
    expect(() => second.lockForServer()).toThrow(
      expect.objectContaining({ code: 'CONFLICT', message: expect.stringContaining(file) }),
    );
    first.close();
    second.lockForServer();
  });

  test('a second server is refused that comes by another name of the file', () => {
    const file = newFile();
    openFile(file).lockForServer();
    const link = `${newFile()}-link`;
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(file, link);
    expect(() => openFile(link).lockForServer()).toThrow(expect.objectContaining({ code: 'CONFLICT' }));
  });

  test('a file that cannot be opened is UNAVAILABLE and named', () => {
    expect(() => SqliteDatabase.open('/dev/null/parley.sqlite')).toThrow(
      expect.objectContaining({ code: 'UNAVAILABLE', message: expect.stringContaining('/dev/null/parley.sqlite') }),
    );
  });
});
