/** Shows a configuration without its secrets, and lists the secrets, so that logs can leave them out. */
import { databaseUrlSecrets, maskDatabaseUrl } from './database-url.ts';
import type { Config } from './load.ts';
import { KEYS } from './schema.ts';
import { MASK } from './secrets.ts';

export interface ShownSetting {
  readonly path: string;
  /** `undefined`: not set. */
  readonly value: unknown;
  readonly source: string;
}

/** Every key in the order of the schema, secrets masked. Of the database URL only the password is masked. */
export function shownSettings(config: Config): ShownSetting[] {
  return KEYS.map(({ path, secret }) => {
    const value = valueAt(config, path);
    const isHidden = secret === true && value !== undefined;
    return { path, value: isHidden ? maskSecret(path, value) : value, source: config.sources[path] ?? 'default' };
  });
}

/** The texts that must not get into a log line. */
export function secretValues(config: Config): string[] {
  return [config.auth.adminKey ?? '', ...databaseUrlSecrets(config.database.url)].filter((value) => value !== '');
}

function maskSecret(path: string, value: unknown): unknown {
  return path === 'database.url' && typeof value === 'string' ? maskDatabaseUrl(value) : MASK;
}

function valueAt(config: Config, path: string): unknown {
  let value: unknown = config;
  for (const name of path.split('.')) value = (value as Record<string, unknown> | undefined)?.[name];
  return value;
}
