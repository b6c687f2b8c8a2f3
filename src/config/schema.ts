/** Every configuration key: its type, bounds, default, unit and meaning. The one list; all else is derived from it. */
import { z } from 'zod';
import { encryptionKeysProblem } from '../core/secrets/encryption-keys.ts';
import { databaseUrlProblem } from './database-url.ts';
import { type KeyInfo, type KeyMeta, keyMeta, listKeys } from './keys.ts';
import {
  addressProblem,
  cidrProblem,
  hostProblem,
  listenHostProblem,
  originProblem,
  publicUrlProblem,
} from './network.ts';
import { adminKeyProblem } from './secrets.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

function key<T extends z.ZodType>(type: T, description: string, meta: Omit<KeyMeta, 'description'> = {}): T {
  keyMeta.add(type, { ...meta, description });
  return type;
}

const integer = (min: number, max: number) => z.int().min(min).max(max);

/** Text that `problemOf` finds nothing wrong with; its answer is the end of "must ...". */
const text = (problemOf?: (value: string) => string | undefined) =>
  z
    .string()
    .min(1)
    .superRefine((value, context) => {
      const problem = problemOf?.(value);
      if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
    });

const section = <T extends z.ZodRawShape>(shape: T) => z.strictObject(shape).prefault({} as never);

/** `WARNING` and upper case are what other systems' environments say. */
function normalizeLevel(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const level = value.toLowerCase();
  return level === 'warning' ? 'warn' : level;
}

const server = section({
  host: key(
    text(listenHostProblem).default('127.0.0.1'),
    'Address that the API listens on. Anything but a loopback address needs TLS or a stated TLS proxy.',
    { env: 'HOST', allowed: 'an IP address or a host name' },
  ),
  port: key(integer(0, 65535).default(8080), 'Port of the API. 0 takes any free port.', { env: 'PORT' }),
  publicUrl: key(text(publicUrlProblem).optional(), 'Address under which clients reach the API; agent cards name it.', {
    env: 'PUBLIC_URL',
    derivedDefault:
      '`http://<host>:<port>`, with `https` when `server.tls` is set, and `localhost` for a host that stands for all addresses',
    allowed: 'an http or https URL',
  }),
  allowedHosts: key(
    z.array(text(hostProblem)).max(1000).optional(),
    'Host names that a request may be addressed to (its Host header, without the port); anything else is refused.',
    {
      env: 'ALLOWED_HOSTS',
      derivedDefault: '`localhost`, `127.0.0.1`, `[::1]` and the host of `server.publicUrl`',
      allowed: 'a list of host names without ports',
    },
  ),
  corsOrigins: key(
    z.array(text(originProblem)).max(1000).default([]),
    'Origins of web pages that may call the API from a browser.',
    { env: 'CORS_ORIGINS', allowed: 'a list of origins such as https://app.example.com' },
  ),
  trustProxy: key(
    z.boolean().default(false),
    'Take the address of the client from the last entry of `X-Forwarded-For`. Only when one proxy that adds it stands in front.',
    { env: 'TRUST_PROXY' },
  ),
  behindTlsProxy: key(
    z.boolean().default(false),
    'States that a proxy in front ends TLS, so that plain HTTP off loopback is allowed.',
    { env: 'BEHIND_TLS_PROXY' },
  ),
  tls: section({
    certFile: key(text().optional(), 'Certificate chain in PEM; with `keyFile`, the API speaks HTTPS itself.', {
      isPath: true,
      allowed: 'a path',
    }),
    keyFile: key(text().optional(), 'Private key in PEM that belongs to `certFile`.', {
      isPath: true,
      allowed: 'a path',
    }),
  }),
  bodyLimitBytes: key(
    integer(KIB, 1024 * MIB).default(8 * MIB),
    'Largest request body, in bytes; a larger one is refused with 413.',
  ),
  maxJsonDepth: key(
    integer(32, 10_000).default(128),
    'How deep a JSON body may be nested; a deeper one is refused with 400 before it is parsed.',
  ),
  maxJsonValues: key(
    integer(1000, 100_000_000).default(250_000),
    'Most values in one JSON body (an empty object or array counts twice); one with more is refused with 413 before it is parsed.',
  ),
  headerLimitBytes: key(
    integer(4 * KIB, MIB).default(16_384),
    'Largest request head, in bytes; a larger one is refused with 431.',
  ),
  maxConnections: key(integer(1, 1_000_000).default(10_000), 'Connections open at once; more are closed at once.'),
  requestTimeoutMs: key(
    integer(1000, 60 * MINUTE_MS).default(60_000),
    'Time to receive a whole request, in milliseconds.',
  ),
  keepAliveTimeoutMs: key(
    integer(1000, 60 * MINUTE_MS).default(72_000),
    'How long an idle connection is kept, in milliseconds. Longer than that of the proxy in front.',
  ),
  drainMs: key(
    integer(0, 10 * MINUTE_MS).default(10_000),
    'Time to finish at shutdown, in milliseconds, before what is left is cut off at a resumable position.',
  ),
});

const ops = section({
  metricsPort: key(
    integer(0, 65535).default(3000),
    'Port of `/metrics` and of the health checks. 0 takes any free port.',
    { env: 'METRICS_PORT' },
  ),
  metricsHost: key(text(listenHostProblem).optional(), 'Address that the metrics listen on.', {
    derivedDefault: '`server.host`',
    allowed: 'an IP address or a host name',
  }),
  metricsOnMain: key(z.boolean().default(false), 'Serve `/metrics` on the port of the API too.'),
});

const grpc = section({
  enabled: key(z.boolean().default(true), 'Serve the gRPC binding, on a port of its own.', { env: 'GRPC_ENABLED' }),
  host: key(
    text(listenHostProblem).optional(),
    'Address that gRPC listens on. Anything but a loopback address needs TLS or a stated TLS proxy.',
    { env: 'GRPC_HOST', derivedDefault: '`server.host`', allowed: 'an IP address or a host name' },
  ),
  port: key(integer(0, 65535).default(50_051), 'Port of gRPC. 0 takes any free port.', { env: 'GRPC_PORT' }),
  publicAddress: key(text(addressProblem).optional(), 'Address under which clients reach gRPC; agent cards name it.', {
    env: 'GRPC_PUBLIC_ADDRESS',
    derivedDefault: 'the host of `server.publicUrl` and `grpc.port`',
    allowed: 'a host and a port, such as agents.example.com:443',
  }),
  tls: section({
    certFile: key(text().optional(), 'Certificate chain in PEM; with `keyFile`, gRPC speaks TLS itself.', {
      isPath: true,
      derivedDefault: '`server.tls.certFile`',
      allowed: 'a path',
    }),
    keyFile: key(text().optional(), 'Private key in PEM that belongs to `certFile`.', {
      isPath: true,
      derivedDefault: '`server.tls.keyFile`',
      allowed: 'a path',
    }),
  }),
  maxConnections: key(
    integer(1, 1_000_000).default(10_000),
    'Connections of gRPC open at once; more are closed at once.',
  ),
  maxConcurrentStreams: key(
    integer(1, 1_000_000).default(1000),
    'Calls at once on one gRPC connection; clients let more wait.',
  ),
  maxPublicCalls: key(
    integer(1, 1_000_000).default(1000),
    'Watches of health and calls of reflection at once, of all connections: they need no authentication.',
  ),
  idleTimeoutMs: key(
    integer(1000, 24 * 60 * MINUTE_MS).default(5 * MINUTE_MS),
    'How long a gRPC connection without a call is kept, in milliseconds.',
  ),
  keepaliveMs: key(
    integer(1000, 24 * 60 * MINUTE_MS).default(MINUTE_MS),
    'A gRPC connection is asked this often whether its client is still there, in milliseconds.',
  ),
  keepaliveTimeoutMs: key(
    integer(1000, 60 * MINUTE_MS).default(20_000),
    'A gRPC connection that does not answer within this time is closed, in milliseconds.',
  ),
  health: key(z.boolean().default(true), 'Serve `grpc.health.v1.Health`, without authentication.'),
  reflection: key(
    z.boolean().default(true),
    'Serve gRPC reflection, by which tools learn the services, without authentication.',
  ),
});

const stream = section({
  streamPort: key(
    integer(0, 65535).default(8787),
    'Port kept for the WebSocket stream of task events. Accepted because environments set it; nothing listens there yet.',
    { env: 'STREAM_PORT' },
  ),
});

const auth = section({
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

const sessions = section({
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

const secrets = section({
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

const database = section({
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
      integer(100, 10 * MINUTE_MS).default(30_000),
      'How long work waits for a PostgreSQL connection, in milliseconds, before it fails.',
    ),
  }),
});

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

const rateLimit = section({
  perMinute: key(integer(0, 10_000_000).default(0), 'Requests per minute and route for one caller. 0: no limit.', {
    env: 'RATE_LIMIT_PER_MINUTE',
  }),
  maxBuckets: key(
    integer(100, 10_000_000).default(100_000),
    'Callers counted at once; the oldest bucket is dropped for a new one.',
  ),
  failedAuthPerMinute: key(
    integer(0, 1_000_000).default(60),
    'Failed authentications per minute from one address, before it has to wait. 0: no limit.',
  ),
});

const idempotency = section({
  keyTtlHours: key(integer(1, 24 * 365).default(24), 'How long an `Idempotency-Key` is remembered, in hours.'),
  messageIdWindowMinutes: key(
    integer(0, 24 * 60).default(15),
    'How long a repeated `messageId` with the same content joins the first, in minutes. 0: never.',
  ),
});

const tasks = section({
  maxRunning: key(integer(1, 1_000_000).default(1000), 'Tasks running at once in this process.'),
  maxRunningPerOwner: key(integer(1, 1_000_000).default(200), 'Tasks running at once for one owner.'),
  maxEventBytes: key(integer(KIB, 256 * MIB).default(4 * MIB), 'Largest event of a task, in bytes of JSON.'),
  maxMessageBytes: key(integer(KIB, 256 * MIB).default(3 * MIB), 'Largest message, in bytes of JSON.'),
  maxPartsPerMessage: key(integer(1, 100_000).default(1000), 'Most parts in one message.'),
  maxHistoryMessages: key(integer(1, 40_000).default(1000), 'Most messages in the history of one task.'),
  maxEventsPerTask: key(integer(10, 1_000_000).default(100_000), 'Most events of one task.'),
  maxTaskBytes: key(integer(64 * KIB, 64 * 1024 * MIB).default(64 * MIB), 'Most bytes of JSON stored for one task.'),
  idleTimeoutMs: key(
    integer(0, 30 * DAY_MS).default(30 * MINUTE_MS),
    'A running task that gives no event for so long fails, in milliseconds. 0: never.',
  ),
  maxDurationMs: key(
    integer(0, 30 * DAY_MS).default(0),
    'A task that runs for so long fails, in milliseconds. 0: never.',
  ),
  cancelGraceMs: key(
    integer(0, 10 * MINUTE_MS).default(5000),
    'Time that an agent has to end after a cancel, in milliseconds, before the task is taken from it.',
  ),
  maxAttempts: key(integer(1, 100).default(3), 'How often a task is run at most, when the process that runs it dies.'),
  leaseTtlMs: key(
    integer(1000, 10 * MINUTE_MS).default(15_000),
    'How long a process may be silent before its tasks are taken over, in milliseconds.',
  ),
  commitMaxWrites: key(integer(1, 10_000).default(256), 'Most writes that share one commit.'),
  logRetentionDays: key(
    integer(0, 36_500).default(0),
    'How long the events of finished tasks are kept, in days. 0: for ever.',
  ),
});

const streams = section({
  heartbeatMs: key(
    integer(1000, 10 * MINUTE_MS).default(15_000),
    'A comment is sent on a silent stream this often, in milliseconds.',
  ),
  maxOpen: key(integer(1, 1_000_000).default(10_000), 'Streams open at once in this process.'),
  maxPerOwner: key(integer(1, 1_000_000).default(2000), 'Streams open at once for one owner.'),
  maxPerTask: key(integer(1, 1_000_000).default(2000), 'Streams open at once on one task.'),
  maxBufferBytes: key(
    integer(16 * KIB, 1024 * MIB).default(4 * MIB),
    'Bytes that wait for one slow subscriber at most; what comes meanwhile is read from the log when it goes on.',
  ),
  maxTotalBufferBytes: key(
    integer(MIB, 64 * 1024 * MIB).default(256 * MIB),
    'Bytes that wait for all slow subscribers together; beyond it no new stream is opened.',
  ),
  stalledTimeoutMs: key(
    integer(1000, 60 * MINUTE_MS).default(30_000),
    'A subscriber that reads nothing for so long is cut off at a resumable position, in milliseconds.',
  ),
});

const live = section({
  maxOpen: key(integer(1, 1_000_000).default(1000), 'Live connections of the console open at once in this process.'),
  maxPerOwner: key(integer(1, 100_000).default(50), 'Live connections of the console open at once for one principal.'),
  maxTasks: key(
    integer(1, 1000).default(50),
    'Tasks whose events one live connection follows at once. Each counts as a stream, too.',
  ),
});

const push = section({
  enabled: key(
    z.boolean().default(true),
    'Offer push notifications. `false`: no agent declares them, and what waits stays where it is.',
  ),
  allowHttp: key(
    z.boolean().default(false),
    'Send to receivers by plain http too. Networks in `allowNetworks` may have it anyway.',
  ),
  allowNetworks: key(
    z.array(text(cidrProblem)).max(1000).default([]),
    'Networks whose receivers may be called though they are not on the public internet, such as `10.1.0.0/16`.',
    { allowed: 'a list of networks in CIDR notation' },
  ),
  timeoutMs: key(
    integer(100, 5 * MINUTE_MS).default(15_000),
    'Time for one attempt, in milliseconds, from the name to the status.',
  ),
  connectTimeoutMs: key(
    integer(100, MINUTE_MS).default(5000),
    'Time to connect to a receiver, TLS included, in milliseconds.',
  ),
  maxResponseBytes: key(
    integer(0, MIB).default(16 * KIB),
    "What is read of a receiver's answer, in bytes, before the connection is closed. Nothing of it is kept.",
  ),
  maxConcurrent: key(integer(1, 10_000).default(64), 'Requests to receivers under way at once in this process.'),
  maxPerHost: key(integer(1, 10_000).default(8), 'Requests to one host under way at once in this process.'),
  maxPerOwner: key(integer(1, 10_000).default(32), 'Requests for one owner under way at once in this process.'),
  pollMs: key(
    integer(20, MINUTE_MS).default(1000),
    'How often the outbox is looked at for retries and for deliveries of other processes, in milliseconds.',
  ),
  maxConfigsPerTask: key(integer(1, 100).default(10), 'Push configurations of one task.'),
  maxUrlLength: key(integer(32, 2048).default(2048), 'Longest address of a receiver, in characters.'),
  maxSecretLength: key(integer(16, 64 * KIB).default(4096), 'Longest token, and longest credentials, in characters.'),
  maxQueuedPerOwner: key(
    integer(1, 100_000_000).default(10_000),
    'Deliveries of one owner in the outbox, dead letters included, beyond which it gets no new push configurations.',
  ),
  maxQueued: key(
    integer(1, 100_000_000).default(100_000),
    'Deliveries in the outbox, dead letters included, beyond which nobody gets new push configurations.',
  ),
  deadLetterDays: key(
    integer(0, 36_500).default(30),
    'How long dead letters are kept, in days. 0: until they are deleted.',
  ),
  retry: section({
    initialDelayMs: key(integer(1, DAY_MS).default(5000), 'Longest delay before the second attempt, in milliseconds.'),
    factor: key(z.number().min(1).max(10).default(2), 'By what the longest delay grows with each attempt.'),
    maxDelayMs: key(integer(1, 7 * DAY_MS).default(60 * MINUTE_MS), 'Longest delay between attempts, in milliseconds.'),
    giveUpAfterMs: key(
      integer(0, 30 * DAY_MS).default(DAY_MS),
      'Time after the first attempt at which a delivery that still fails becomes a dead letter, in milliseconds.',
    ),
  }),
});

const agents = section({
  default: key(
    text((id) =>
      /^[a-z][a-z0-9-]{0,62}$/.test(id)
        ? undefined
        : 'must be an agent id: a lower-case letter, then at most 62 lower-case letters, digits and hyphens',
    ).default('echo'),
    'Id of the agent that answers at `/a2a`.',
    { allowed: 'an agent id' },
  ),
  invalidV03Status: key(
    z.enum(['http', 'ok']).default('http'),
    'HTTP status of JSON-RPC errors for requests of A2A 0.3 that are not valid. `http`: 400. `ok`: 200, for clients that read the error only then, as the official one in Python.',
  ),
  echo: section({
    enabled: key(
      z.boolean().default(true),
      'Serve the built-in agent `echo`, for trying things out and for smoke checks.',
    ),
  }),
});

const cards = section({
  sign: key(z.boolean().default(true), 'Sign agent cards; the keys are at `/.well-known/jwks.json`.'),
  extended: key(
    z.boolean().default(true),
    'Give authenticated callers an extended card, which says what their key may do. Needs `auth.mode: key`.',
  ),
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
  log,
  rateLimit,
  idempotency,
  tasks,
  streams,
  live,
  push,
  agents,
  cards,
});

/** What the schema gives; defaults that are worked out from other keys are still missing. */
export type Settings = z.output<typeof configSchema>;

/** Every key, in the order of the schema. */
export const KEYS: readonly KeyInfo[] = listKeys(configSchema);
