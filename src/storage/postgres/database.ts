/** One PostgreSQL database: its pool of connections, how statements are run on it, and what its errors mean. */
import { userInfo } from 'node:os';
import pg from 'pg';
import type { Logger } from '../../core/logger.ts';
import { AppError } from '../../protocol/errors.ts';

export interface PostgresOptions {
  /** `postgres://` or `postgresql://`; a Unix socket as `postgres:///name?host=/var/run/postgresql`. */
  readonly url: string;
  /** Connections kept open once they were needed. */
  readonly size: number;
  /** Connections beyond `size` under load; each is closed after it was idle for a second. */
  readonly overflow: number;
  /** How long work waits for a connection before it fails with UNAVAILABLE. */
  readonly acquireTimeoutMs: number;
  /** How long one statement may take. Migrations are exempt. */
  readonly statementTimeoutMs?: number;
  readonly logger: Logger;
}

type Value = string | number | null | readonly string[] | readonly number[];
type Row = Record<string, unknown>;

/** One connection, held for several statements. */
export interface PostgresSession {
  /** Parsed and planned anew: for rare statements, and for those whose plan depends on their values. */
  query<R extends object = Row>(sql: string, values?: readonly Value[]): Promise<readonly R[]>;
  /** Parsed and planned once per connection. `sql` must be one of a bounded number of texts. */
  prepared<R extends object = Row>(sql: string, values: readonly Value[]): Promise<readonly R[]>;
}

const STATEMENT_TIMEOUT_MS = 30_000;
/** The server ends a statement first; this is for a server or network that does not answer at all. */
const ANSWER_GRACE_MS = 5000;
/** The longest that a timer can wait, 24 days. */
const LONGEST_TIMEOUT_MS = 2_147_483_647;
const OVERFLOW_IDLE_MS = 1000;
const KEEP_ALIVE_MS = 10_000;

/** int8: times, sizes and row numbers, all far below 2^53. */
const INT8 = 20;

/** pg names no type for what it calls a parser. */
type Parser = (value: string) => unknown;

const types: pg.CustomTypesConfig = {
  getTypeParser(id: number, format?: 'text' | 'binary'): Parser {
    if (id === INT8 && format !== 'binary') return Number;
    return pg.types.getTypeParser(id, format) as Parser;
  },
};

/**
 * Index scans always: tables are looked at by key only, and a plan made while they were empty would else read them
 * whole after they have grown. A server that acknowledges commits which are not on its disk is asked not to.
 */
const SETTINGS = `select set_config('enable_seqscan', 'off', false), set_config('jit', 'off', false),
  set_config('statement_timeout', $1, false), set_config('idle_in_transaction_session_timeout', $1, false),
  set_config('default_transaction_isolation', 'read committed', false),
  case when current_setting('synchronous_commit') = 'off' then set_config('synchronous_commit', 'local', false) end`;

interface OwnSession extends PostgresSession {
  isBroken(): boolean;
}

export class PostgresDatabase implements PostgresSession {
  readonly #pool: pg.Pool;
  readonly #options: PostgresOptions;
  readonly #statementNames = new Map<string, string>();
  #closing: Promise<void> | null = null;

  private constructor(options: PostgresOptions) {
    const { size, overflow, acquireTimeoutMs, statementTimeoutMs = STATEMENT_TIMEOUT_MS, logger } = options;
    const url = withUser(options.url);
    this.#options = { ...options, url };
    this.#pool = new pg.Pool({
      connectionString: url,
      application_name: 'parley',
      max: size + overflow,
      // pg closes idle connections only beyond `min`, and opens none in advance.
      min: size,
      idleTimeoutMillis: OVERFLOW_IDLE_MS,
      connectionTimeoutMillis: acquireTimeoutMs,
      query_timeout: statementTimeoutMs + ANSWER_GRACE_MS,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
      types,
      // The pool waits for what this returns, though its types do not say so.
      onConnect: (client: pg.ClientBase): unknown => client.query(SETTINGS, [String(statementTimeoutMs)]),
    });
    // Without a listener the end of an idle connection would end the process. The pool replaces it when needed.
    this.#pool.on('error', (err) => logger.warn({ err }, 'an idle database connection was lost'));
    // The same goes for one in use, from the moment at which the pool hands it over: the next statement says what is wrong.
    this.#pool.on('connect', (client) => client.on('error', () => undefined));
  }

  /** Connects to nothing yet. Throws UNAVAILABLE for an address that cannot be read. */
  static open(options: PostgresOptions): PostgresDatabase {
    try {
      return new PostgresDatabase(options);
    } catch (cause) {
      throw new AppError('UNAVAILABLE', 'The address of the PostgreSQL database cannot be read', { cause });
    }
  }

  /** The address as it is connected to, with its secrets. */
  get url(): string {
    return this.#options.url;
  }

  /** Host and name of the database, for people to read; without secrets. */
  get address(): string {
    // Read as pg reads the address, with what the environment adds to it.
    const { host, port, database } = new pg.Client({ connectionString: this.#options.url });
    return host.startsWith('/') ? `${database ?? ''} on ${host}` : `${database ?? ''} on ${host}:${port}`;
  }

  /** Connections that are open now, those in use among them, and how much work waits for one. */
  get connections(): { readonly open: number; readonly inUse: number; readonly waiting: number } {
    const { totalCount, idleCount, waitingCount } = this.#pool;
    return { open: totalCount, inUse: totalCount - idleCount, waiting: waitingCount };
  }

  query<R extends object = Row>(sql: string, values: readonly Value[] = []): Promise<readonly R[]> {
    return this.session((session) => session.query<R>(sql, values));
  }

  prepared<R extends object = Row>(sql: string, values: readonly Value[]): Promise<readonly R[]> {
    return this.session((session) => session.prepared<R>(sql, values));
  }

  /** Runs `work` on one connection, which is not used again when it broke. */
  session<T>(work: (session: PostgresSession) => Promise<T>): Promise<T> {
    return this.#session(work, {});
  }

  async #session<T>(
    work: (session: OwnSession) => Promise<T>,
    limits: { readonly query_timeout?: number },
  ): Promise<T> {
    const client = await this.acquire();
    let isBroken = false;
    const run = async <R extends object>(config: pg.QueryConfig): Promise<R[]> => {
      try {
        return (await client.query({ ...config, ...limits })).rows as R[];
      } catch (error) {
        isBroken ||= hasLostConnection(error);
        throw errorOfStatement(error);
      }
    };
    try {
      return await work({
        query: <R extends object>(text: string, values: readonly Value[] = []) => run<R>({ text, values: [...values] }),
        prepared: <R extends object>(text: string, values: readonly Value[]) =>
          run<R>({ name: this.#nameOf(text), text, values: [...values] }),
        isBroken: () => isBroken,
      });
    } finally {
      client.release(isBroken);
    }
  }

  /**
   * Runs `work` in a transaction: committed when it resolves, rolled back when it rejects.
   * @param options `isUnlimited`: its statements may take as long as they do (changes of the schema).
   */
  transaction<T>(
    work: (session: PostgresSession) => Promise<T>,
    options: { readonly isUnlimited?: boolean } = {},
  ): Promise<T> {
    const limits = options.isUnlimited === true ? { query_timeout: LONGEST_TIMEOUT_MS } : {};
    return this.#session(async (session) => {
      await session.query('begin');
      try {
        if (options.isUnlimited === true) await session.query('set local statement_timeout = 0');
        const result = await work(session);
        await session.query('commit');
        return result;
      } catch (error) {
        // On a broken connection nothing can be said any more: the server rolls back when it notices.
        if (!session.isBroken()) await session.query('rollback').catch(() => undefined);
        throw error;
      }
    }, limits);
  }

  /** A connection of the pool, to be released by the caller; UNAVAILABLE when none is to be had in time. */
  async acquire(): Promise<pg.PoolClient> {
    try {
      return await this.#pool.connect();
    } catch (cause) {
      throw this.#acquireError(cause);
    }
  }

  #acquireError(cause: unknown): AppError {
    const why = cause instanceof Error ? cause.message : String(cause);
    const { size, overflow, acquireTimeoutMs } = this.#options;
    if (why === 'timeout exceeded when trying to connect') {
      const message =
        `No database connection became free within ${acquireTimeoutMs} ms: all ${size + overflow} are in use ` +
        `(database.pool.size is ${size}, overflow ${overflow}, acquireTimeoutMs ${acquireTimeoutMs})`;
      return new AppError('UNAVAILABLE', message, { cause, retryAfterSeconds: 5 });
    }
    return new AppError('UNAVAILABLE', 'The database cannot be reached', { cause, detail: why, retryAfterSeconds: 5 });
  }

  #nameOf(sql: string): string {
    let name = this.#statementNames.get(sql);
    if (name === undefined) {
      name = `parley_${this.#statementNames.size + 1}`;
      this.#statementNames.set(sql, name);
    }
    return name;
  }

  /** Rejects when the database does not answer. */
  async ping(): Promise<void> {
    await this.query('select 1');
  }

  /** Waits for the work under way. May be called twice. */
  close(): Promise<void> {
    this.#closing ??= this.#pool.end();
    return this.#closing;
  }
}

/** As psql does: without a user in the address or the environment, the one of the operating system. */
function withUser(url: string): string {
  if (new pg.Client({ connectionString: url }).user !== undefined) return url;
  return `${url}${url.includes('?') ? '&' : '?'}user=${encodeURIComponent(userInfo().username)}`;
}

/** The five characters by which PostgreSQL names what went wrong; undefined where it was not the server that spoke. */
export function sqlStateOf(error: unknown): string | undefined {
  if (!(error instanceof pg.DatabaseError)) return undefined;
  return error.code;
}

/** Not a word of the server, or its last one (class 57P: shut down, or the session was ended). */
export function hasLostConnection(error: unknown): boolean {
  return sqlStateOf(error)?.startsWith('57P') ?? true;
}

/** UNAVAILABLE for a connection that broke: whether the statement was carried out is then not known. Else the error itself. */
export function errorOfStatement(error: unknown): unknown {
  if (!hasLostConnection(error)) return error;
  const detail = error instanceof Error ? error.message : String(error);
  const message = 'The connection to the database was lost';
  return new AppError('UNAVAILABLE', message, { cause: error, detail, retryAfterSeconds: 1 });
}

/** The constraint that an error names. */
export function constraintOf(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.constraint : undefined;
}
