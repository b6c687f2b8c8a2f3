/** Opens the database that a URL names; the code of the other one is not loaded. */
import { existsSync } from 'node:fs';
import { AppError } from '../protocol/errors.ts';
import { sqlitePath } from './sqlite-path.ts';
import type { Storage, StorageOptions } from './storage.ts';

/** Throws UNAVAILABLE for a file that cannot be opened. PostgreSQL is first connected to when it is first used. */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  if (options.url.startsWith('sqlite:')) return (await import('./sqlite/open.ts')).openSqlite(options);
  if (/^postgres(ql)?:/.test(options.url)) return (await import('./postgres/open.ts')).openPostgres(options);
  throw new AppError('UNAVAILABLE', 'The database URL must start with sqlite://, postgres:// or postgresql://');
}

/** Where the file of a SQLite URL would be; null: it is there, or the URL is of another database. */
export function missingFile(url: string): string | null {
  if (!url.startsWith('sqlite:')) return null;
  const path = sqlitePath(url);
  return existsSync(path) ? null : path;
}
