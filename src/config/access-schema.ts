/** The configuration of who may come in: keys, sessions, encryption, rate limits. */
import { z } from 'zod';
import { encryptionKeysProblem } from '../core/secrets/encryption-keys.ts';
import { integer, key, section, text } from './schema-parts.ts';
import { adminKeyProblem } from './secrets.ts';

export const auth = section({
  mode: key(
    z.enum(['key', 'none']).default('key'),
    '`key`: every caller needs a key or token. `none`: no authentication, on a loopback address only.',
    { env: 'AUTH' },
  ),
  adminKey: key(
    text(adminKeyProblem).optional(),
    'The admin key, at least 16 characters. `openssl rand -base64 32` makes one. Without one, the first start makes it, except with `NODE_ENV=production`, which needs one.',
    { env: 'ADMIN_API_KEY', secret: true },
  ),
  adminKeyFile: key(text().optional(), 'File that holds the admin key.', {
    env: 'ADMIN_API_KEY_FILE',
    fileOf: 'auth.adminKey',
    isPath: true,
    allowed: 'a path',
  }),
  adminTokenTtlSeconds: key(
    integer(60, 86_400).default(900),
    'How long a token got with the admin key is valid, in seconds.',
  ),
});

export const sessions = section({
  idleMinutes: key(
    integer(1, 30 * 24 * 60).default(480),
    'A session of the console that is not used for so long ends, in minutes.',
  ),
  maxHours: key(
    integer(1, 24 * 365).default(168),
    'A session of the console ends after so long however much it is used, in hours.',
  ),
  maxPerOwner: key(integer(1, 1000).default(50), 'Sessions of one principal; signing in once more ends the oldest.'),
});

export const secrets = section({
  encryptionKey: key(
    text(encryptionKeysProblem).optional(),
    'The key that secrets in the database are encrypted with: 32 bytes in base64 or hexadecimal. `openssl rand -base64 32` makes one. In a file, further lines are earlier keys. Without one, the first start makes `<dataDir>/encryption.key`, except with `NODE_ENV=production`, which needs one. All replicas need the same.',
    { env: 'ENCRYPTION_KEY', secret: true },
  ),
  encryptionKeyFile: key(text().optional(), 'File that holds the encryption key.', {
    env: 'ENCRYPTION_KEY_FILE',
    fileOf: 'secrets.encryptionKey',
    isPath: true,
    allowed: 'a path',
  }),
  previousKeys: key(
    z.array(text(encryptionKeysProblem)).max(100).default([]),
    'Earlier encryption keys, which still open what they encrypted until `parley rekey` has run.',
    { env: 'ENCRYPTION_KEYS_PREVIOUS', secret: true, allowed: 'a list of keys' },
  ),
  startWithoutKeys: key(
    z.boolean().default(false),
    'Start although the database holds secrets whose encryption key is not here: they stay unreadable.',
  ),
});

export const rateLimit = section({
  perMinute: key(integer(0, 10_000_000).default(0), 'Requests per minute and route for one caller. 0: no limit.', {
    env: 'RATE_LIMIT_PER_MINUTE',
  }),
  maxBuckets: key(
    integer(100, 10_000_000).default(100_000),
    'Callers counted at once in this process; the oldest bucket is dropped for a new one.',
  ),
  failedAuthPerMinute: key(
    integer(0, 1_000_000).default(60),
    'Failed authentications per minute from one address, before it has to wait. 0: no limit.',
  ),
  sharedTimeoutMs: key(
    integer(10, 10_000).default(250),
    'How long an answer with the counts that all replicas share (in Redis, else in PostgreSQL) may take, in milliseconds; a request waits for two at most. After that each replica allows its share of the limit by itself until they are back.',
  ),
});
