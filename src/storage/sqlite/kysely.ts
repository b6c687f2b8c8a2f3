/** kysely over the one connection of a SqliteDatabase, without getting between the statements of others. */
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import type { Schema } from '../schema.ts';
import type { SqliteDatabase } from './database.ts';

/**
 * A single statement waits for what is exclusive and commits by itself. A transaction takes `database.exclusive` until
 * it ends; so it is for rare work, and must wait for nothing but its own statements. The caller closes the database;
 * `destroy` of this Kysely does not.
 */
export function sqliteKysely(database: SqliteDatabase): Kysely<Schema> {
  const dialect: Dialect = {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new SharedConnectionDriver(database),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
  return new Kysely<Schema>({ dialect });
}

class SharedConnection implements DatabaseConnection {
  readonly #database: SqliteDatabase;
  /** Ends the exclusive use that a transaction of this connection has; null: no transaction. */
  endExclusive: (() => void) | null = null;

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const run = () => this.#run<R>(query);
    if (this.endExclusive === null) return this.#database.whenFree(run);
    try {
      return Promise.resolve(run());
    } catch (error) {
      return Promise.reject(error);
    }
  }

  streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('a stream would hold the one connection; read pages instead');
  }

  /** Prepared anew each time: what kysely makes is not of a bounded number of forms. */
  #run<R>({ sql, parameters }: CompiledQuery): QueryResult<R> {
    const statement = this.#database.connection.prepare(sql);
    const values = parameters as (string | number | null)[];
    if (statement.columns().length > 0) return { rows: statement.all(...values) as R[] };
    const { changes } = statement.run(...values);
    return { rows: [], numAffectedRows: BigInt(changes) };
  }
}

class SharedConnectionDriver implements Driver {
  readonly #database: SqliteDatabase;

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<SharedConnection> {
    return new SharedConnection(this.#database);
  }

  async beginTransaction(connection: SharedConnection): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#database
        .exclusive(
          () =>
            new Promise<void>((end) => {
              connection.endExclusive = end;
              resolve();
            }),
        )
        .catch(reject);
    });
    try {
      // Somebody may have begun to read since the exclusive use began.
      this.#database.endReads();
      await connection.executeQuery(CompiledQuery.raw('begin immediate'));
    } catch (error) {
      endExclusive(connection);
      throw error;
    }
  }

  async commitTransaction(connection: SharedConnection): Promise<void> {
    // When this fails, kysely calls rollbackTransaction.
    await connection.executeQuery(CompiledQuery.raw('commit'));
    endExclusive(connection);
  }

  async rollbackTransaction(connection: SharedConnection): Promise<void> {
    try {
      if (this.#database.connection.isTransaction) await connection.executeQuery(CompiledQuery.raw('rollback'));
    } finally {
      endExclusive(connection);
    }
  }

  async releaseConnection(): Promise<void> {}

  async destroy(): Promise<void> {}
}

function endExclusive(connection: SharedConnection): void {
  connection.endExclusive?.();
  connection.endExclusive = null;
}
