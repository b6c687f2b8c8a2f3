/** Shows a configuration without its secrets, and lists the secrets, so that logs can leave them out. */
import { encryptionKeyLines } from '../core/secrets/encryption-keys.ts';
import { databaseUrlSecrets, maskDatabaseUrl } from './database-url.ts';
import type { Config } from './load.ts';
import { natsUrlSecrets } from './nats-url.ts';
import { redisUrlSecrets } from './redis-url.ts';
import { KEYS } from './schema.ts';
import { MASK } from './secrets.ts';

export interface ShownSetting {
  readonly path: string;
  /** `undefined`: not set. */
  readonly value: unknown;
  readonly source: string;
}

/** Every key in the order of the schema, secrets masked. Of the URLs of database and Redis only the password is masked. */
export function shownSettings(config: Config): ShownSetting[] {
  return KEYS.map(({ path, secret }) => {
    const value = valueAt(config, path);
    const isEmpty = value === undefined || (Array.isArray(value) && value.length === 0);
    const isHidden = secret === true && !isEmpty;
    return { path, value: isHidden ? maskSecret(path, value) : value, source: config.sources[path] ?? 'default' };
  });
}

/** The same as the management API tells it. */
export function settingsOf(config: Config) {
  const shown = new Map(shownSettings(config).map((setting) => [setting.path, setting]));
  return {
    configFile: config.configFile ?? null,
    settings: KEYS.map(({ path, env, secret, description }) => ({
      key: path,
      value: shown.get(path)?.value ?? null,
      source: shown.get(path)?.source ?? 'default',
      env: env ?? null,
      isSecret: secret === true,
      description,
    })),
  };
}

/** The texts that must not get into a log line. */
export function secretValues(config: Config): string[] {
  const { auth, secrets, database, bus, redis } = config;
  const keys = [secrets.encryptionKey ?? '', ...secrets.previousKeys].flatMap(encryptionKeyLines);
  const inUrls = [
    ...databaseUrlSecrets(database.url),
    ...(bus.natsUrl === undefined ? [] : natsUrlSecrets(bus.natsUrl)),
    ...(redis.url === undefined ? [] : redisUrlSecrets(redis.url)),
  ];
  return [auth.adminKey ?? '', ...keys, ...inUrls].filter((value) => value !== '');
}

function maskSecret(path: string, value: unknown): unknown {
  const isUrl = path === 'database.url' || path === 'redis.url';
  return isUrl && typeof value === 'string' ? maskDatabaseUrl(value) : MASK;
}

function valueAt(config: Config, path: string): unknown {
  let value: unknown = config;
  for (const name of path.split('.')) value = (value as Record<string, unknown> | undefined)?.[name];
  return value;
}
