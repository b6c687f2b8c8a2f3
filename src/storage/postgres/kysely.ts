/** kysely over the pool of a PostgresDatabase. */
import { Kysely, PostgresDialect } from 'kysely';
import type { Schema } from '../schema.ts';
import type { PostgresDatabase } from './database.ts';

/** The caller closes the database; `destroy` of this Kysely does not. */
export function postgresKysely(database: PostgresDatabase): Kysely<Schema> {
  const pool = { connect: () => database.acquire(), end: async () => undefined };
  return new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
}
