/** The configuration of the database, and of what replicas that share one use besides: the bus, Redis. */
import { databaseUrlProblem } from './database-url.ts';
import { natsUrlProblem } from './nats-url.ts';
import { redisUrlProblem } from './redis-url.ts';
import { integer, key, section, text } from './schema-parts.ts';

export const database = section({
  url: key(
    text(databaseUrlProblem).optional(),
    'The database: `sqlite:///absolute/path`, `sqlite://./relative/path` or `postgres://user:password@host:5432/name`; a Unix socket as `postgres:///name?host=/var/run/postgresql`.',
    {
      env: 'DATABASE_URL',
      secret: true,
      derivedDefault: '`sqlite://<dataDir>/parley.sqlite`',
      allowed: 'a sqlite:// or postgres:// URL',
    },
  ),
  urlFile: key(text().optional(), 'File that holds the database URL.', {
    env: 'DATABASE_URL_FILE',
    fileOf: 'database.url',
    isPath: true,
    allowed: 'a path',
  }),
  pool: section({
    size: key(integer(1, 1000).default(20), 'PostgreSQL connections kept open.'),
    overflow: key(
      integer(0, 1000).default(10),
      'PostgreSQL connections opened beyond `size` under load, and closed after it.',
    ),
    acquireTimeoutMs: key(
      integer(100, 600_000).default(30_000),
      'How long work waits for a PostgreSQL connection, in milliseconds, before it fails.',
    ),
  }),
});

export const redis = section({
  url: key(
    text(redisUrlProblem).optional(),
    'Redis in which replicas count rate limits together, such as `redis://:password@host:6379/0`, or `rediss://` for TLS; not a cluster, and one database number per installation. Unset: they count in PostgreSQL. Nothing that must last is kept there.',
    { env: 'REDIS_URL', secret: true, allowed: 'a redis:// or rediss:// URL' },
  ),
  urlFile: key(text().optional(), 'File that holds the Redis URL.', {
    env: 'REDIS_URL_FILE',
    fileOf: 'redis.url',
    isPath: true,
    allowed: 'a path',
  }),
});

/** Between the dots of a subject. */
const SUBJECT_PATTERN = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;

export const bus = section({
  natsUrl: key(
    text(natsUrlProblem).optional(),
    'NATS, by which replicas on one PostgreSQL tell each other of events, cancels and revoked keys at once: `nats://host:4222`, with `user:password@` or `token@` before the host, `tls://` for TLS, several servers of a cluster with commas between. Not set: PostgreSQL itself carries that (LISTEN and NOTIFY).',
    { env: 'NATS_URL', secret: true, allowed: 'a nats:// or tls:// URL' },
  ),
  natsUrlFile: key(text().optional(), 'File that holds the address of NATS.', {
    env: 'NATS_URL_FILE',
    fileOf: 'bus.natsUrl',
    isPath: true,
    allowed: 'a path',
  }),
  natsSubject: key(
    text((value) =>
      SUBJECT_PATTERN.test(value) && value.length <= 200
        ? undefined
        : 'must be words of letters, digits, `_` and `-`, with dots between',
    ).default('parley'),
    'What the subjects in NATS begin with; the replicas of one installation have the same, and no other installation does.',
    { allowed: 'words with dots between' },
  ),
  natsCredentialsFile: key(
    text().optional(),
    'File with the credentials of a NATS user (`.creds`), or with the seed of an nkey; read again at each connection.',
    { isPath: true, allowed: 'a path' },
  ),
  natsTls: section({
    caFile: key(
      text().optional(),
      'Certificates in PEM that the certificate of NATS is checked with; with any of these files, only TLS will do.',
      {
        isPath: true,
        allowed: 'a path',
      },
    ),
    certFile: key(text().optional(), 'Certificate in PEM that NATS is shown; with `keyFile`.', {
      isPath: true,
      allowed: 'a path',
    }),
    keyFile: key(text().optional(), 'Private key in PEM that belongs to `certFile`.', {
      isPath: true,
      allowed: 'a path',
    }),
  }),
});
