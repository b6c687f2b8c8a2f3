/** Hand-written statements over the pool of a PostgresDatabase. */
import type { Sql } from '../sql.ts';
import type { PostgresDatabase } from './database.ts';

export function postgresSql(database: PostgresDatabase): Sql {
  return {
    lockFree: 'for update skip locked',
    query: (text, values) => database.query(text, values),
    transaction: (work) => database.transaction(work),
  };
}
