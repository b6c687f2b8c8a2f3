/** Every configuration key: its type, bounds, default, unit and meaning. The one list; all else is derived from it. */
import { z } from 'zod';
import { auth, rateLimit, secrets, sessions } from './access-schema.ts';
import { bus, database, redis } from './database-schema.ts';
import { type KeyInfo, listKeys } from './keys.ts';
import { grpc, ops, server, stream } from './listener-schema.ts';
import { integer, key, section, text } from './schema-parts.ts';
import { agents, captures, cards, idempotency, live, push, streams, tasks } from './task-schema.ts';

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** `WARNING` and upper case are what other systems' environments say. */
function normalizeLevel(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const level = value.toLowerCase();
  return level === 'warning' ? 'warn' : level;
}

const log = section({
  level: key(
    z.preprocess(normalizeLevel, z.enum(LOG_LEVELS)).default('info'),
    'Least severe level that is logged; upper or lower case, `WARNING` is `warn`.',
    { env: 'LOG_LEVEL' },
  ),
  format: key(
    z.enum(['auto', 'json', 'pretty']).default('auto'),
    '`json`: one object per line. `pretty`: for reading. `auto`: pretty on a terminal, else JSON.',
    { env: 'LOG_FORMAT' },
  ),
  directory: key(
    text().optional(),
    'Directory for log files besides the normal output: `parley.log`, rotated at midnight UTC. Unset: no files.',
    { env: 'LOG_DIR', isPath: true, allowed: 'a path' },
  ),
  keepDays: key(integer(1, 3650).default(14), 'How many rotated log files (days) are kept.'),
});

export const configSchema = z.strictObject({
  env: key(
    z.enum(['development', 'production', 'test']).default('development'),
    'What the process is for. `production` needs an admin key and an encryption key from the start.',
    { env: 'NODE_ENV' },
  ),
  dataDir: key(text().default('./data'), 'Directory for everything that Parley keeps: database, keys, uploads.', {
    env: 'PARLEY_DATA_DIR',
    isPath: true,
    allowed: 'a path',
  }),
  server,
  ops,
  grpc,
  stream,
  auth,
  sessions,
  secrets,
  database,
  redis,
  bus,
  log,
  rateLimit,
  idempotency,
  tasks,
  streams,
  live,
  captures,
  push,
  agents,
  cards,
});

/** What the schema gives; defaults that are worked out from other keys are still missing. */
export type Settings = z.output<typeof configSchema>;

/** Every key, in the order of the schema. */
export const KEYS: readonly KeyInfo[] = listKeys(configSchema);
