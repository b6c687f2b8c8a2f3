// Parley as an arm: the built server with authentication on, on SQLite (WAL, synchronous=FULL) or on a private PostgreSQL.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { freePort, ROOT, startChild, stopChild, waitFor200 } from './children.mjs';
import { startPostgres, whyNoPostgres } from './postgres.mjs';

const BUILT = path.join(path.dirname(ROOT), 'dist', 'cli', 'main.js');

/** The loads use an API key as users do; a server without that route gets the admin key. */
async function createKey(origin, adminKey) {
  const response = await fetch(`${origin}/api/v1/keys`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${adminKey}` },
    body: JSON.stringify({ name: 'bench' }),
    signal: AbortSignal.timeout(10_000),
  });
  if (response.status === 404) {
    process.stderr.write('parley: POST /api/v1/keys answered 404, the loads use the admin key\n');
    return adminKey;
  }
  const body = await response.text();
  if (response.status !== 201) throw new Error(`POST /api/v1/keys answered ${response.status}: ${body.slice(0, 300)}`);
  const { key } = JSON.parse(body);
  if (typeof key !== 'string') throw new Error('POST /api/v1/keys answered without a key');
  return key;
}

async function startSpec(program, { port, dir }, settings) {
  const origin = `http://127.0.0.1:${port}`;
  const adminKey = settings.ADMIN_API_KEY ?? randomBytes(32).toString('base64url');
  const profile = process.env.BENCH_PROFILE;
  return {
    cmd: process.execPath,
    args: [...(profile ? ['--cpu-prof', `--cpu-prof-dir=${path.resolve(profile)}`] : []), program, 'serve'],
    cwd: dir, // so that no parley.yaml or .env of the checkout is read
    bareEnv: true,
    env: {
      HOST: '127.0.0.1',
      PORT: String(port),
      METRICS_PORT: String(await freePort()),
      GRPC_PORT: String(await freePort()),
      PARLEY_DATA_DIR: dir,
      ADMIN_API_KEY: adminKey,
      LOG_LEVEL: 'warn',
      ...settings,
    },
    url: `${origin}/a2a`,
    ready: `${origin}/.well-known/agent-card.json`,
    prepare: async () => ({ headers: [`Authorization: Bearer ${await createKey(origin, adminKey)}`] }),
  };
}

/**
 * The arms of one build, whose `cli/main.js` is `program`: { sqlite, postgres }. Those of two builds in a BENCH_ARMS module
 * compare a change with what was there before it.
 */
export function parleyArms(program = BUILT) {
  const unavailable = () =>
    fs.existsSync(program) ? undefined : 'Parley is not built: run `npm run build` in the root';
  return {
    sqlite: { kind: 'a2a', unavailable, start: (context) => startSpec(program, context, {}) },
    postgres: {
      kind: 'a2a',
      unavailable: () => unavailable() ?? whyNoPostgres(),
      async start(context) {
        const postgres = await startPostgres(context.defer);
        return { ...(await startSpec(program, context, { DATABASE_URL: postgres.url })), extraPids: [postgres.pid] };
      },
    },
  };
}

/** More streams of one caller than a server takes by default. */
const REPLICA_SETTINGS = `streams: { maxOpen: 20000, maxPerOwner: 20000, maxPerTask: 20000 }
server: { maxConnections: 30000 }
`;

/**
 * `count` servers of one build on one private PostgreSQL. Besides what each arm has, the arm has `urls`, one of each server,
 * and `databasePids`; `otherPids` are its servers but the first.
 *
 * @param broker an address for NATS_URL; undefined: they talk by LISTEN and NOTIFY
 */
export function replicasArm(count, broker, program = BUILT) {
  return {
    kind: 'a2a',
    unavailable: () => parleyArms(program).postgres.unavailable(),
    async start({ port, dir, defer }) {
      const postgres = await startPostgres(defer);
      const file = path.join(dir, 'parley.yaml');
      fs.writeFileSync(file, REPLICA_SETTINGS);
      const shared = {
        DATABASE_URL: postgres.url,
        PARLEY_CONFIG: file,
        ADMIN_API_KEY: randomBytes(32).toString('base64url'),
        ENCRYPTION_KEY: randomBytes(32).toString('base64'),
        ...(broker === undefined ? {} : { NATS_URL: broker }),
      };
      const specOf = (name, at) => {
        const own = path.join(dir, name);
        fs.mkdirSync(own);
        return startSpec(program, { port: at, dir: own }, shared);
      };
      const first = await specOf('first', port);
      const startOthers = async () => {
        const others = [];
        for (let n = 2; n <= count; n++) {
          const spec = await specOf(`replica-${n}`, await freePort());
          const child = startChild(spec, `replica-${n}`);
          defer(() => stopChild(child));
          await waitFor200(spec.ready, child);
          others.push({ url: spec.url, pid: child.pid });
        }
        return others;
      };
      return {
        ...first,
        extraPids: [postgres.pid],
        // The first has made the tables by then.
        prepare: async () => {
          const others = await startOthers();
          return {
            ...(await first.prepare()),
            urls: [first.url, ...others.map(({ url }) => url)],
            otherPids: others.map(({ pid }) => pid),
            databasePids: [postgres.pid],
            databaseUrl: postgres.url,
          };
        },
      };
    },
  };
}
