/** What an open database gives the rest of the program. */
import type { AdminKeyMarks } from '../core/access/admin-key-agreement.ts';
import type { ApiKeyStore } from '../core/access/api-key-store.ts';
import type { SessionStore } from '../core/access/session-store.ts';
import type { ActivityStore } from '../core/activity/activity-store.ts';
import type { CaptureStore } from '../core/captures/capture-store.ts';
import type { Clock } from '../core/clock.ts';
import type { NonceStore } from '../core/limits/nonce-store.ts';
import type { RateCounts } from '../core/limits/rate-counts.ts';
import type { Logger } from '../core/logger.ts';
import type { PushStore } from '../core/push/push-store.ts';
import type { SealedValueStore } from '../core/secrets/sealed-value-store.ts';
import type { CardSignatureStore, SigningKeyStore } from '../core/signing/signing-key-store.ts';
import type { TaskBrowser } from '../core/tasks/browser.ts';
import type { TaskStore } from '../core/tasks/store.ts';
import type { AppliedMigration, MigrationStatus } from './migrations/migration.ts';

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
  /** How PostgreSQL is connected to, with its secrets, for what needs a connection of its own; null for another database. */
  readonly postgresUrl: string | null;
  readonly tasks: TaskStore;
  readonly browser: TaskBrowser;
  readonly apiKeys: ApiKeyStore;
  readonly sessions: SessionStore;
  readonly push: PushStore;
  readonly captures: CaptureStore;
  readonly activity: ActivityStore;
  readonly sealedValues: SealedValueStore;
  readonly signingKeys: SigningKeyStore;
  readonly cardSignatures: CardSignatureStore;
  readonly nonces: NonceStore;
  /** null: one process has the database for itself, and counts in its memory. */
  readonly rateCounts: RateCounts | null;
  /** null: one process has the database for itself. */
  readonly adminKeyMarks: AdminKeyMarks | null;
  /** Brings the schema up to date and returns what it applied. A schema newer than this program is only noted in the log. */
  migrate(): Promise<readonly AppliedMigration[]>;
  migrationStatus(): Promise<MigrationStatus>;
  /** Rejects when the database does not answer. */
  ping(): Promise<void>;
  /** Throws CONFLICT when the database admits one server only (SQLite) and has one. */
  lockForServer(): Promise<void>;
  /** Loads what the first request that needs it would otherwise wait for. */
  warmUp(): Promise<void>;
  /** May be called twice. */
  close(): Promise<void>;
}

/** Migrations only add, so that a program can go on working on what a newer one has made of the schema. */
export function noteUnknown({ unknown }: MigrationStatus, logger: Logger): void {
  if (unknown.length === 0) return;
  const migrations = unknown.map(({ version, name }) => `${version} ${name}`);
  logger.warn({ migrations }, 'the database schema is newer than this program');
}
