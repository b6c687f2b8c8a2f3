/** One SQLite file: its connection, pragmas, prepared statements, and the lock that admits one server process. */
import { closeSync, mkdirSync, openSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { AppError } from '../../protocol/errors.ts';
import { openConnection, type SqliteConnection, type SqliteStatement } from './driver.ts';

/** How long a statement waits for a lock that another process holds (a CLI command beside the server). */
const BUSY_TIMEOUT_MS = 5000;

/**
 * All statements run on one connection, in the calling thread. A single statement is its own transaction; what needs
 * several takes `exclusive`, so that a group commit of tasks never lands inside it.
 */
export class SqliteDatabase {
  readonly path: string;
  readonly connection: SqliteConnection;
  readonly #statements = new Map<string, SqliteStatement>();
  readonly #arrayStatements = new Map<string, SqliteStatement>();
  #tail: Promise<void> | null = null;
  #serverLock: SqliteConnection | null = null;
  #isReading = false;
  #closed = false;

  private constructor(path: string, connection: SqliteConnection) {
    this.path = path;
    this.connection = connection;
  }

  /** Opens or creates the file (mode 0600: it holds people's conversations) with WAL and synchronous=FULL. */
  static open(path: string): SqliteDatabase {
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      // Made here, so that there is no moment at which others may read it.
      closeSync(openSync(path, 'a', 0o600));
      const connection = openConnection(path, { timeoutMs: BUSY_TIMEOUT_MS });
      connection.exec(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`);
      connection.exec('pragma journal_mode = WAL');
      connection.exec('pragma synchronous = FULL');
      connection.exec('pragma foreign_keys = ON');
      connection.exec('pragma temp_store = MEMORY');
      connection.exec('pragma cache_size = -16384');
      connection.exec('pragma wal_autocheckpoint = 4000');
      connection.exec('pragma journal_size_limit = 67108864');
      return new SqliteDatabase(path, connection);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new AppError('UNAVAILABLE', `cannot open the SQLite database ${path}: ${why}`, { cause });
    }
  }

  /** The statement, prepared once. */
  prepare(sql: string): SqliteStatement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.connection.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /** The same for a statement whose rows come as arrays: much cheaper than objects where there are many. */
  prepareArrays(sql: string): SqliteStatement {
    let statement = this.#arrayStatements.get(sql);
    if (statement === undefined) {
      statement = this.connection.prepare(sql);
      statement.setReturnArrays(true);
      this.#arrayStatements.set(sql, statement);
    }
    return statement;
  }

  /**
   * Makes this process the one server of the file, or fails. The lock is the operating system's, on a file beside the
   * database, so that it ends with the process however that ends.
   */
  lockForServer(): void {
    // Beside the file itself: by two links to it two servers would have two locks.
    const lockFile = `${realpathSync(this.path)}.server-lock`;
    closeSync(openSync(lockFile, 'a', 0o600));
    const lock = openConnection(lockFile, { timeoutMs: 0 });
    try {
      lock.exec('pragma locking_mode = EXCLUSIVE');
      lock.exec('begin exclusive');
    } catch (cause) {
      lock.close();
      throw new AppError(
        'CONFLICT',
        `another Parley server is using ${this.path}; stop it first, or use PostgreSQL for several replicas`,
        { cause },
      );
    }
    this.#serverLock = lock;
  }

  /**
   * Reads of one turn of the event loop share a read transaction, which spares each of them the locks of its own.
   * Whatever writes ends it first.
   */
  beginReads(): void {
    if (this.#isReading || this.connection.isTransaction) return;
    this.prepare('begin').run();
    this.#isReading = true;
    setImmediate(this.endReads);
  }

  /** Ends the read transaction of this turn, if there is one. */
  readonly endReads = (): void => {
    if (!this.#isReading) return;
    this.#isReading = false;
    this.prepare('commit').run();
  };

  /** Runs `work` in the present tick if nothing exclusive is under way, else after it. */
  whenFree<T>(work: () => T): Promise<T> {
    if (this.#tail !== null) return this.#tail.then(() => this.#outsideReads(work));
    try {
      return Promise.resolve(this.#outsideReads(work));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #outsideReads<T>(work: () => T): T {
    this.endReads();
    return work();
  }

  /** Runs `work` with no other statement of `whenFree` or `exclusive` in between. */
  async exclusive<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#tail ?? Promise.resolve();
    let release: () => void = () => undefined;
    const mine = new Promise<void>((resolve) => {
      release = resolve;
    });
    const tail = before.then(() => mine);
    this.#tail = tail;
    await before;
    this.endReads();
    try {
      return await work();
    } finally {
      release();
      if (this.#tail === tail) this.#tail = null;
    }
  }

  /** Runs `work` in one write transaction, in this tick. */
  transaction<T>(work: () => T): T {
    this.endReads();
    this.prepare('begin immediate').run();
    try {
      const result = work();
      this.prepare('commit').run();
      return result;
    } catch (error) {
      if (this.connection.isTransaction) this.connection.exec('rollback');
      throw error;
    }
  }

  close(): void {
    if (this.#closed) return;
    this.endReads();
    this.#closed = true;
    this.#statements.clear();
    this.#arrayStatements.clear();
    this.connection.close();
    this.#serverLock?.close();
  }
}
