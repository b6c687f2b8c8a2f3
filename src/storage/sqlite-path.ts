import { resolve } from 'node:path';

/** The absolute path that a SQLite URL names. */
export function sqlitePath(url: string): string {
  return resolve(decodeURIComponent(url.slice('sqlite://'.length)));
}
