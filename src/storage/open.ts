/** Opens the database that a URL names, with every store in it. */
import type { ApiKeyStore } from '../core/access/api-key-store.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import type { TaskStore } from '../core/tasks/store.ts';
import { AppError } from '../protocol/errors.ts';
import { SqlApiKeyStore } from './api-key-store.ts';
import type { AppliedMigration, MigrationStatus } from './migrations/migration.ts';
import { SqliteDatabase } from './sqlite/database.ts';
import { sqliteKysely } from './sqlite/kysely.ts';
import { migrate, migrationStatus } from './sqlite/migrate.ts';
import { SqliteTaskStore } from './sqlite/task-store.ts';

export interface PoolOptions {
  readonly size: number;
  readonly overflow: number;
  readonly acquireTimeoutMs: number;
}

export interface StorageOptions {
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
  migrate(): Promise<readonly AppliedMigration[]>;
  migrationStatus(): Promise<MigrationStatus>;
  ping(): Promise<void>;
  lockForServer(): Promise<void>;
  close(): Promise<void>;
}

export async function openStorage({ url, clock }: StorageOptions): Promise<Storage> {
  if (!url.startsWith('sqlite:')) throw new AppError('UNAVAILABLE', 'PostgreSQL is not there yet');
  const path = url.slice('sqlite://'.length);
  const database = SqliteDatabase.open(path);
  return {
    kind: 'sqlite',
    description: `SQLite, ${path}`,
    tasks: new SqliteTaskStore(database, clock),
    apiKeys: new SqlApiKeyStore(sqliteKysely(database)),
    migrate: async () => migrate(database, () => new Date(clock.now())),
    migrationStatus: async () => migrationStatus(database),
    ping: async () => void database.connection.prepare('select 1').get(),
    lockForServer: async () => database.lockForServer(),
    close: async () => database.close(),
  };
}
