/** Hand-written statements over the pool of a PostgresDatabase. */
import type { Sql } from '../sql.ts';
import { NOW_MS } from './clock.ts';
import type { PostgresDatabase } from './database.ts';

export function postgresSql(database: PostgresDatabase): Sql {
  return {
    lockFree: 'for update skip locked',
    nowMs: NOW_MS,
    query: (text, values) => database.query(text, values),
    transaction: (work) => database.transaction(work),
  };
}
