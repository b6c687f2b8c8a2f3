/** Hand-written statements over the one connection of a SqliteDatabase. */
import type { Sql, SqlValue } from '../sql.ts';
import type { SqliteDatabase } from './database.ts';

export function sqliteSql(database: SqliteDatabase): Sql {
  const run = <R extends object>(text: string, values: readonly SqlValue[] = []): readonly R[] =>
    database.prepare(text.replace(/\$(\d+)/g, '?$1')).all(...values) as R[];
  return {
    // One writer: nothing to lock.
    lockFree: '',
    nowMs: `cast((julianday('now') - 2440587.5) * 86400000 as integer)`,
    query: (text, values) => database.whenFree(() => run(text, values)),
    transaction: (work) =>
      database.exclusive(async () => {
        database.connection.exec('begin immediate');
        try {
          const result = await work({ query: async (text, values) => run(text, values) });
          database.connection.exec('commit');
          return result;
        } catch (error) {
          if (database.connection.isTransaction) database.connection.exec('rollback');
          throw error;
        }
      }),
  };
}
