// @ts-check
/** `npm run replicas`: several replicas on this machine, with a database, NATS and a balancer, until Ctrl-C. */
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { buildIfStale, programFile } from './build.mjs';
import { findBinary } from './replica-set/binaries.mjs';
import { accepts } from './replica-set/child.mjs';
import { findPostgresBinaries, postgresDirFor } from './replica-set/postgres.mjs';
import { ReplicaSet } from './replica-set/replica-set.mjs';

const USAGE = `Usage: npm run replicas -- [options]

  --replicas N      how many (default 3)
  --port P          of the balancer; the rest takes the ports after it (default 8080)
  --database URL    a PostgreSQL that is there, instead of one that is started here
  --dir DIR         for data, logs and keys (default ./data/replicas)
  --config FILE     a parley.yaml for every replica
  --no-nats         replicas tell each other through PostgreSQL
  --redis           count rate limits in Redis
  --no-haproxy      no balancer: use the replicas' own ports`;

/** Ends the program with 2. @param {string} problem @returns {never} */
function refuse(problem) {
  console.error(`${problem}\n\n${USAGE}`);
  process.exit(2);
}

/** @param {string} name @param {string} text @param {number} min @param {number} max */
function numberOf(name, text, min, max) {
  const value = Number(text);
  if (!Number.isInteger(value) || value < min || value > max)
    refuse(`--${name} must be a number from ${min} to ${max}`);
  return value;
}

function readOptions() {
  try {
    return parseArgs({
      allowNegative: true,
      options: {
        replicas: { type: 'string', default: '3' },
        port: { type: 'string', default: '8080' },
        database: { type: 'string' },
        dir: { type: 'string', default: 'data/replicas' },
        config: { type: 'string' },
        nats: { type: 'boolean', default: true },
        redis: { type: 'boolean', default: false },
        haproxy: { type: 'boolean', default: true },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

const values = readOptions();
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const count = numberOf('replicas', values.replicas, 1, 16);
const port = numberOf('port', values.port, 1024, 65_000);
const dir = resolve(values.dir);

/** What is missing or was left out, in words. @type {string[]} */
const notes = [];

/** @param {string} name @param {boolean} isWanted @param {string} without */
function optional(name, isWanted, without) {
  const binary = isWanted ? findBinary(name) : undefined;
  if (isWanted && binary === undefined) {
    notes.push(`No ${name} is installed: ${without}. Debian: apt-get install ${name}`);
  }
  return binary;
}

const haproxy = optional('haproxy', values.haproxy, 'there is no balancer, so use the ports of the replicas');
const nats = optional('nats-server', values.nats, 'replicas tell each other through PostgreSQL');
const redis = optional('redis-server', values.redis, 'rate limits are counted in PostgreSQL');

/** The balancer has `port`; then come what replicas share, and ten ports for each replica. */
const ports = {
  grpc: port + 1,
  postgres: port + 2,
  nats: port + 3,
  redis: port + 4,
  replicas: Array.from({ length: count }, (_, index) => {
    const first = port + 10 * (index + 1);
    return { port: first, metricsPort: first + 1, grpcPort: first + 2 };
  }),
};

function databaseOf() {
  if (values.database !== undefined) {
    if (!/^postgres(ql)?:\/\//.test(values.database)) refuse('--database must be a postgres:// URL: replicas share it');
    return { url: values.database };
  }
  const binaries = findPostgresBinaries();
  if (binaries !== undefined) {
    const { dir: postgresDir, note } = postgresDirFor(dir);
    if (note !== undefined) notes.push(note);
    return { binaries, dir: postgresDir, port: ports.postgres, isDurable: true };
  }
  return refuse('No PostgreSQL is installed (Debian: apt-get install postgresql), and --database names none');
}

const database = databaseOf();
const wanted = [
  ...(haproxy ? [port, ports.grpc] : []),
  ...('url' in database ? [] : [ports.postgres]),
  ...(nats ? [ports.nats] : []),
  ...(redis ? [ports.redis] : []),
  ...ports.replicas.flatMap((replica) => Object.values(replica)),
];
for (const one of wanted) {
  if (await accepts(one)) refuse(`Port ${one} is taken. Choose others with --port`);
}
if (!buildIfStale()) process.exit(1);
mkdirSync(dir, { recursive: true });

const set = new ReplicaSet({
  dir,
  program: [programFile, 'serve'],
  replicas: ports.replicas,
  database,
  ...(haproxy ? { haproxy: { binary: haproxy, port, grpcPort: ports.grpc } } : {}),
  ...(nats ? { nats: { binary: nats, port: ports.nats } } : {}),
  ...(redis ? { redis: { binary: redis, port: ports.redis } } : {}),
  onCrash: ({ name, logFile }) =>
    console.error(`Replica ${name} has ended, and is not started again. Its log: ${logFile}`),
  ...(values.config === undefined ? {} : { env: { PARLEY_CONFIG: resolve(values.config) } }),
});

let isStopping = false;
async function stop() {
  // A second Ctrl-C changes nothing: what stops is on its way.
  if (isStopping) return;
  isStopping = true;
  console.log('\nStopping: the balancer, the replicas one after the other, then what they share ...');
  // Else it would keep the process.
  process.stdin.destroy();
  await set.stop();
  console.log('Stopped. What is stored is used again by the next start.');
}
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.on(signal, () => void stop());

const COMMANDS = `Commands: kill rN (as kill -9), stop rN (in order), start rN; for example: kill r1`;

/** One line of the terminal. @param {string} line */
async function obey(line) {
  const [, verb, name] = /^(kill|stop|start) (r\d+)$/.exec(line.trim()) ?? [];
  const replica = set.replicas.find((one) => one.name === name);
  if (verb === undefined || replica === undefined) {
    if (line.trim() !== '') console.log(COMMANDS);
    return;
  }
  if ((verb === 'start') === replica.isRunning) {
    console.log(`${name} ${replica.isRunning ? 'runs already' : 'does not run'}`);
    return;
  }
  if (verb === 'start') await replica.start();
  else await replica.stop(verb === 'kill' ? 'SIGKILL' : 'SIGTERM');
  console.log(replica.isRunning ? `${name} is ready, pid ${replica.pid}` : `${name} has ended`);
}

/** Begins to listen to the terminal. One command after the other: a start waits for the stop before it. */
function listen() {
  let last = Promise.resolve();
  createInterface({ input: process.stdin }).on('line', (line) => {
    last = last
      .then(() => (isStopping ? undefined : obey(line)))
      .catch((error) => console.error(error instanceof Error ? error.message : error));
  });
}

try {
  await set.start();
  if (!isStopping) {
    console.log(summary());
    listen();
  }
} catch (error) {
  if (!isStopping) console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

function summary() {
  const rows = [
    ...(haproxy ? [['balancer', set.url, `gRPC 127.0.0.1:${ports.grpc}`]] : []),
    ...set.replicas.map(({ name, url, ports: own, pid }) => [
      name,
      url,
      `gRPC 127.0.0.1:${own.grpcPort}, metrics http://127.0.0.1:${own.metricsPort}/metrics, pid ${pid}`,
    ]),
    // A URL that somebody gave may hold a password.
    ['PostgreSQL', 'url' in database ? 'as given by --database' : set.databaseUrl, ''],
    ...(nats ? [['NATS', `nats://127.0.0.1:${ports.nats}`, '']] : []),
    ...(redis ? [['Redis', `redis://127.0.0.1:${ports.redis}`, '']] : []),
    ['console', `${set.url}/ui`, ''],
    ['admin key', set.adminKeyFile, ''],
    ['logs', join(dir, 'r*', 'parley.log'), ''],
  ];
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const table = rows.map(
    (row) =>
      `  ${row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd()}`,
  );
  const auth = `-H "Authorization: Bearer $(cat '${set.adminKeyFile}')" -H 'A2A-Version: 1.0'`;
  const message = `'{"message":{"messageId":"'$(date +%s%N)'","role":"ROLE_USER","parts":[{"text":"/stream count=40 interval=500"}]}}'`;
  const [first, last] = [set.replicas[0], set.replicas.at(-1)];
  const file = join(dir, 'stream.txt');
  return [
    '',
    `${count} ${count === 1 ? 'replica' : 'replicas'} of Parley, on one database:`,
    '',
    ...table,
    ...(notes.length > 0 ? ['', ...notes] : []),
    '',
    `A stream of 20 s, from ${first?.name}:`,
    `  curl -sN ${first?.url}/a2a/message:stream ${auth} -H 'Content-Type: application/json' -d ${message} | tee '${file}'`,
    `The tasks, as ${last?.name} sees them, from another terminal:`,
    `  curl -s ${last?.url}/a2a/tasks ${auth}`,
    ...(first === undefined || last === undefined || first === last ? [] : failover(first, last, file, auth)),
    '',
    'Nothing is started again by itself. Type here:',
    '  kill r1    ends a replica without a word, as kill -9 does',
    '  stop r1    ends it in order',
    '  start r1   starts it again',
    'Ctrl-C stops all.',
  ].join('\n');
}

/**
 * What to type to see another replica go on with the stream.
 * @param {{ name: string, pid: number | undefined }} first
 * @param {{ name: string, url: string }} last
 * @param {string} file the stream so far
 * @param {string} auth
 */
function failover(first, last, file, auth) {
  const task = `$(grep -o '"id":"[^"]*"' '${file}' | head -1 | cut -d '"' -f 4)`;
  const event = `$(grep '^id: ' '${file}' | tail -1 | cut -d ' ' -f 2)`;
  const url = haproxy ? set.url : last.url;
  return [
    `End ${first.name} without a word while its stream runs:`,
    `  kill -9 ${first.pid}`,
    'Go on behind the last event that came. Another replica takes the task over when the lease of the dead one is over, after about 15 s:',
    `  curl -sN "${url}/a2a/tasks/${task}:subscribe" -H "Last-Event-ID: ${event}" ${auth}`,
  ];
}
