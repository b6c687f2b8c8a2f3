/** The SQLite driver: `node:sqlite` where this Node has it, else the same API from @photostructure/sqlite. */
import { createRequire } from 'node:module';
import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite';

export type SqliteConnection = DatabaseSyncInstance;
export type SqliteStatement = StatementSyncInstance;

interface DriverModule {
  readonly DatabaseSync: new (path: string, options?: { readOnly?: boolean; timeout?: number }) => SqliteConnection;
}

const require = createRequire(import.meta.url);

/** Node 20 has no `node:sqlite`; later versions print an experimental warning that users can do nothing about. */
function loadDriver(): DriverModule {
  const [major = 0] = process.versions.node.split('.').map(Number);
  return require(major >= 24 ? 'node:sqlite' : '@photostructure/sqlite') as DriverModule;
}

export function openConnection(path: string, options: { readOnly?: boolean; timeoutMs: number }): SqliteConnection {
  const { DatabaseSync } = loadDriver();
  return new DatabaseSync(path, { readOnly: options.readOnly ?? false, timeout: options.timeoutMs });
}
