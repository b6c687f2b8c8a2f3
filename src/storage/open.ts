/** Opens the database that a URL names; the code of the other one is not loaded. */
import { AppError } from '../protocol/errors.ts';
import type { Storage, StorageOptions } from './storage.ts';

/** Throws UNAVAILABLE for a file that cannot be opened. PostgreSQL is first connected to when it is first used. */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  if (options.url.startsWith('sqlite:')) return (await import('./sqlite/open.ts')).openSqlite(options);
  if (/^postgres(ql)?:/.test(options.url)) return (await import('./postgres/open.ts')).openPostgres(options);
  throw new AppError('UNAVAILABLE', 'The database URL must start with sqlite://, postgres:// or postgresql://');
}
