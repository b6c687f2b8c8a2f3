// Suite: one, two and three servers on one PostgreSQL: sends, streams and gets spread over them, and streams of tasks that
// another server runs.
import os from 'node:os';
import pg from 'pg';
import { predict } from '../harness/model.mjs';
import { medianOf, round } from '../harness/stats.mjs';

export const replicasArms = ['replicas-1', 'replicas-2', 'replicas-3'];

const CONNECTIONS = 48; // in all: each server gets its share
const START_MS = 400; // of a generator
const WARM_UP_MS = 700;
const ATTACH_MS = 15_000; // the agent waits that long, so that every subscriber is there before the first event

export async function replicas(runner, options) {
  for (const name of runner.names(replicasArms)) {
    const arm = await runner.up(name);
    await loads(runner, arm, options);
    await concurrency(runner, arm, options);
    await streams(runner, arm, options);
    await runner.down(arm);
  }
  for (const kind of options.loads) {
    runner.table(
      `${kind}, ${CONNECTIONS} connections over all servers`,
      ['arm', 'req/s', 'p50 ms', 'p99 ms', 'server CPU ms/req', 'PostgreSQL CPU ms/req', 'bad'].concat([
        'server cores',
        'PostgreSQL cores',
        'generator cores',
        'RSS MiB',
      ]),
      rows(runner, { suite: 'replicas', kind }, ['rps', 'p50', 'p99', 'serverMsPer', 'databaseMsPer', 'bad']),
    );
  }
  runner.table(
    `${options.streams} open streams over all servers, each of a task that another server runs; an event every ${options.interval} ms`,
    [
      'arm',
      'events/s',
      'lag p50 ms',
      'lag p99 ms',
      'server CPU ms/event',
      'PostgreSQL CPU ms/event',
      'not complete',
    ].concat(['server cores', 'PostgreSQL cores', 'generator cores', 'RSS MiB']),
    rows(runner, { suite: 'replicas', kind: 'fanout' }, ['rps', 'p50', 'p99', 'serverMsPer', 'databaseMsPer', 'bad']),
  );
  modelTable(runner, options);
}

/** What a generator gets for a load of so many seconds after its warm-up. */
const loadArgs = (seconds, connections) =>
  Object.entries({ seconds, warmup: WARM_UP_MS / 1000, connections }).flatMap(([name, value]) => [
    `--${name}`,
    String(value),
  ]);

/** Sends by ever more clients at once, and the write-ahead log that they make. */
async function concurrency(runner, arm, options) {
  for (const clients of options.clients) {
    const connections = Math.max(1, Math.round(clients / arm.urls.length));
    const args = loadArgs(options.seconds, connections);
    const window = [START_MS + WARM_UP_MS, START_MS + WARM_UP_MS + options.seconds * 1000 - 600];
    const before = await written(arm);
    const record = await runner.loadAll(arm, 'replicas-clients', 'send', () => args, window, { clients });
    const after = await written(arm);
    record.walBytesPer = (after.bytes - before.bytes) / Math.max(1, after.tasks - before.tasks);
  }
}

/** Bytes of write-ahead log, and tasks, so far. */
async function written({ databaseUrl }) {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query(
      "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8 as bytes, coalesce(max(num), 0)::float8 as tasks from tasks",
    );
    return rows[0];
  } finally {
    await client.end();
  }
}

/** The measured points beside what the model makes of the demands of the busiest of them and the latency of the idlest. */
function modelTable(runner, options) {
  const select = (arm, clients) => runner.select({ suite: 'replicas-clients', arm, clients });
  const names = [...new Set(runner.select({ suite: 'replicas-clients' }).map(({ arm }) => arm))];
  const [few, many] = [Math.min(...options.clients), Math.max(...options.clients)];
  const rowsOf = (name) => {
    const replicas = Number(/replicas-(\d+)/.exec(name)[1]);
    const busy = (key) => medianOf(select(name, many), key);
    const rate = busy('rps');
    const demand = {
      serverMs: busy('serverMsPer'),
      databaseMs: busy('databaseMsPer'),
      generatorMs: (busy('generatorCores') * 1000) / rate,
    };
    const total = demand.serverMs + demand.databaseMs + demand.generatorMs;
    const cores = os.cpus().length;
    const delayMs = Math.max(0, (few * 1000) / medianOf(select(name, few), 'rps') - total);
    return options.clients.map((clients) => {
      const { rps, limit } = predict(demand, { cores, replicas, delayMs }, clients);
      const measured = medianOf(select(name, clients), 'rps');
      const wal = medianOf(select(name, clients), 'walBytesPer');
      return [name, clients, measured, round(rps, 0), round(rps / measured), limit, round(wal, 0)];
    });
  };
  runner.table(
    'Sends by clients at once: measured, and as the queueing model has it',
    ['arm', 'clients', 'measured req/s', 'model req/s', 'model / measured', 'limit', 'WAL bytes per send'],
    names.flatMap(rowsOf),
  );
}

async function loads(runner, arm, options) {
  const connections = Math.round(CONNECTIONS / arm.urls.length);
  for (const kind of options.loads) {
    const args = loadArgs(options.seconds, connections);
    // A get makes the tasks that it reads first.
    const from = START_MS + WARM_UP_MS + (kind === 'get' ? 300 : 0);
    const window = [from, from + options.seconds * 1000 - 600];
    await runner.loadAll(arm, 'replicas-warm-up', kind, () => args, window);
    for (let i = 0; i < options.rounds; i++) await runner.loadAll(arm, 'replicas', kind, () => args, window);
  }
}

/** Every server has its share of the subscribers; they follow a task that the next server runs. */
async function streams(runner, arm, options) {
  const { urls } = arm;
  const argsOf = (index) => [
    '--control',
    urls[(index + 1) % urls.length],
    '--subscribers',
    String(Math.round(options.streams / urls.length)),
    '--ticks',
    String(options.ticks),
    '--interval',
    String(options.interval),
    '--delay',
    String(ATTACH_MS),
  ];
  const window = [START_MS + ATTACH_MS, ATTACH_MS + options.ticks * options.interval];
  for (let i = 0; i < options.rounds; i++) await runner.loadAll(arm, 'replicas', 'fanout', argsOf, window);
}

function rows(runner, labels, keys) {
  const names = [...new Set(runner.select(labels).map(({ arm }) => arm))];
  return names.map((name) => {
    const records = runner.select({ ...labels, arm: name });
    const cores = ['serverCores', 'databaseCores', 'generatorCores', 'rssMiB'];
    return [name, ...[...keys, ...cores].map((key) => round(medianOf(records, key), 3))];
  });
}
