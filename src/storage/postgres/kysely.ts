/** kysely over the pool of a PostgresDatabase. */
import { Kysely, PostgresDialect, type PostgresPoolClient } from 'kysely';
import type pg from 'pg';
import type { Schema } from '../schema.ts';
import { errorOfStatement, hasLostConnection, type PostgresDatabase } from './database.ts';

/** The caller closes the database; `destroy` of this Kysely does not. */
export function postgresKysely(database: PostgresDatabase): Kysely<Schema> {
  const pool = { connect: async () => clientOf(await database.acquire()), end: async () => undefined };
  return new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
}

/** A connection that breaks says the same here as under statements written by hand, and is not used again. */
function clientOf(client: pg.PoolClient): PostgresPoolClient {
  let isBroken = false;
  const query = async (sql: string, parameters: readonly unknown[]): Promise<unknown> => {
    try {
      return await client.query(sql, [...parameters]);
    } catch (error) {
      isBroken ||= hasLostConnection(error);
      throw errorOfStatement(error);
    }
  };
  // Cursors, the other form of it, are not used.
  return { query: query as PostgresPoolClient['query'], release: () => client.release(isBroken) };
}
