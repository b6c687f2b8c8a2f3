/** Opens the database that a URL names, with every store in it. */
import { randomInt } from 'node:crypto';
import { resolve } from 'node:path';
import type { ApiKeyStore } from '../core/access/api-key-store.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import type { TaskStore } from '../core/tasks/store.ts';
import { AppError } from '../protocol/errors.ts';
import { SqlApiKeyStore } from './api-key-store.ts';
import type { AppliedMigration, MigrationStatus } from './migrations/migration.ts';
import { PostgresDatabase } from './postgres/database.ts';
import { postgresKysely } from './postgres/kysely.ts';
import * as postgres from './postgres/migrate.ts';
import { PostgresTaskStore } from './postgres/task-store.ts';
import { SqliteDatabase } from './sqlite/database.ts';
import { sqliteKysely } from './sqlite/kysely.ts';
import * as sqlite from './sqlite/migrate.ts';
import { SqliteTaskStore } from './sqlite/task-store.ts';

/** Of PostgreSQL's connections; SQLite has one. */
export interface PoolOptions {
  /** Connections kept open. */
  readonly size: number;
  /** Connections beyond `size` under load. */
  readonly overflow: number;
  readonly acquireTimeoutMs: number;
}

export interface StorageOptions {
  /** `sqlite:///absolute/path`, `sqlite://./relative/path`, `postgres://...` or `postgresql://...`. */
  readonly url: string;
  readonly pool: PoolOptions;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface Storage {
  readonly kind: 'sqlite' | 'postgres';
  /** For people to read; without secrets. */
  readonly description: string;
  readonly tasks: TaskStore;
  readonly apiKeys: ApiKeyStore;
  /** Brings the schema up to date and returns what it applied. A schema newer than this program is only noted in the log. */
  migrate(): Promise<readonly AppliedMigration[]>;
  migrationStatus(): Promise<MigrationStatus>;
  /** Rejects when the database does not answer. */
  ping(): Promise<void>;
  /** Throws CONFLICT when the database admits one server only (SQLite) and has one. */
  lockForServer(): Promise<void>;
  /** May be called twice. */
  close(): Promise<void>;
}

/** Throws UNAVAILABLE for a file that cannot be opened. PostgreSQL is first connected to when it is first used. */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  if (options.url.startsWith('sqlite:')) return openSqlite(options);
  if (/^postgres(ql)?:/.test(options.url)) return openPostgres(options);
  throw new AppError('UNAVAILABLE', 'The database URL must start with sqlite://, postgres:// or postgresql://');
}

function openSqlite({ url, clock, logger }: StorageOptions): Storage {
  const path = resolve(decodeURIComponent(url.slice('sqlite://'.length)));
  const database = SqliteDatabase.open(path);
  return {
    kind: 'sqlite',
    description: `SQLite, ${path}`,
    tasks: new SqliteTaskStore(database, clock),
    apiKeys: new SqlApiKeyStore(sqliteKysely(database)),
    migrate: async () => {
      const applied = sqlite.migrate(database, () => new Date(clock.now()));
      noteUnknown(sqlite.migrationStatus(database), logger);
      return applied;
    },
    migrationStatus: async () => sqlite.migrationStatus(database),
    ping: async () => void database.connection.prepare('select 1').get(),
    lockForServer: async () => database.lockForServer(),
    close: async () => database.close(),
  };
}

function openPostgres({ url, pool, clock, logger }: StorageOptions): Storage {
  const database = PostgresDatabase.open({ url, ...pool, logger });
  return {
    kind: 'postgres',
    description: `PostgreSQL, ${database.address}`,
    tasks: new PostgresTaskStore(database, randomInt(16)),
    apiKeys: new SqlApiKeyStore(postgresKysely(database)),
    migrate: async () => {
      const applied = await postgres.migrate(database, () => new Date(clock.now()));
      noteUnknown(await postgres.migrationStatus(database), logger);
      return applied;
    },
    migrationStatus: () => postgres.migrationStatus(database),
    ping: () => database.ping(),
    // Replicas share it.
    lockForServer: async () => undefined,
    close: () => database.close(),
  };
}

/** Migrations only add, so that a program can go on working on what a newer one has made of the schema. */
function noteUnknown({ unknown }: MigrationStatus, logger: Logger): void {
  if (unknown.length === 0) return;
  const migrations = unknown.map(({ version, name }) => `${version} ${name}`);
  logger.warn({ migrations }, 'the database schema is newer than this program');
}
