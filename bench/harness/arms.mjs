// The arms: what can be measured. An arm is { kind: 'a2a' | 'llm', start(context), unavailable?() }.
//
// start({ port, dir, upstream, defer }) gets a free port, an empty private folder, for llm arms the base URL of the mock
// upstream, and defer(fn) for clean-up. It returns
//   cmd, args, env?, cwd?, bareEnv?   how the server is started (not with external: true: a server that runs already)
//   url        what the loads post to: the JSON-RPC endpoint, or …/v1 for llm
//   ready      a URL that answers 200 without a key once the server is up
//   headers?   more request headers, ['K: V', …]
//   prepare?() runs once when the server is up; what it returns replaces fields of the arm (such as headers)
//   extraPids? processes that work for the server and whose CPU counts as its own (a database)
// unavailable() says in a sentence why the arm cannot run here.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from './children.mjs';
import { parleyArms, replicasArm } from './parley.mjs';
import { startPostgres, whyNoPostgres } from './postgres.mjs';

const installed = (...parts) => path.join(ROOT, 'node_modules', ...parts);

const a2aServer = (file, port, args) => ({
  cmd: process.execPath,
  args: [path.join(ROOT, 'arms', file), '--port', String(port), ...args],
  url: `http://127.0.0.1:${port}/a2a`,
  ready: `http://127.0.0.1:${port}/.well-known/agent-card.json`,
});
const raw = (port, ...args) => a2aServer('raw-http.mjs', port, args);
const sdk = (port, ...args) => a2aServer('a2a-sdk.mjs', port, args);

/** Makes the tables of the SDK's database store, with its own tool. */
const migrateSdk = (url) => {
  const tool = installed('@a2a-js', 'sdk', 'dist', 'cli', 'a2a_db.js');
  execFileSync(process.execPath, [tool, 'upgrade', '--url', url], { stdio: 'pipe' });
};

const sdkOnSqlite = (synchronous) => ({
  kind: 'a2a',
  start({ port, dir }) {
    const file = path.join(dir, 'tasks.db');
    if (!fs.existsSync(file)) migrateSdk(`sqlite:${file}`);
    return sdk(port, '--store', 'sqlite', '--db', file, '--sync', synchronous);
  },
});

/** Every arm by name, those of the modules named in BENCH_ARMS (comma-separated) included. */
export async function loadArms() {
  const parley = parleyArms();
  const arms = {
    'raw-http': { kind: 'a2a', start: ({ port }) => raw(port) },
    'raw-sqlite': {
      kind: 'a2a',
      start: ({ port, dir }) => raw(port, '--db', path.join(dir, 'raw.db'), '--sync', 'FULL'),
    },
    'sdk-memory': { kind: 'a2a', start: ({ port }) => sdk(port, '--store', 'memory') },
    'sdk-sqlite': sdkOnSqlite('NORMAL'),
    'sdk-sqlite-full': sdkOnSqlite('FULL'),
    'sdk-postgres': {
      kind: 'a2a',
      unavailable: whyNoPostgres,
      async start({ port, defer }) {
        const postgres = await startPostgres(defer);
        migrateSdk(postgres.url);
        return { ...sdk(port, '--store', 'postgres', '--db', postgres.url), extraPids: [postgres.pid] };
      },
    },
    'parley-sqlite': parley.sqlite,
    'parley-postgres': parley.postgres,
    ...Object.fromEntries(
      [1, 2, 3].flatMap((count) => [
        [`replicas-${count}`, replicasArm(count)],
        [`replicas-${count}-nats`, replicasArm(count, process.env.BENCH_NATS_URL ?? 'nats://127.0.0.1:4222')],
      ]),
    ),
    // The mock upstream itself: what an LLM gateway adds is measured against it.
    direct: { kind: 'llm', start: ({ upstream }) => ({ external: true, url: upstream, ready: `${upstream}/models` }) },
    portkey: {
      kind: 'llm',
      start: ({ port, upstream }) => ({
        cmd: process.execPath,
        args: [
          '--import',
          pathToFileURL(path.join(ROOT, 'arms', 'loopback.mjs')).href,
          installed('@portkey-ai', 'gateway', 'build', 'start-server.js'),
          `--port=${port}`,
          '--headless',
        ],
        env: { NODE_ENV: 'production' },
        url: `http://127.0.0.1:${port}/v1`,
        ready: `http://127.0.0.1:${port}/`,
        headers: ['x-portkey-provider: openai', `x-portkey-custom-host: ${upstream}`, 'Authorization: Bearer bench'],
      }),
    },
  };
  for (const file of (process.env.BENCH_ARMS ?? '').split(',').filter(Boolean)) {
    const more = (await import(pathToFileURL(path.resolve(file)).href)).arms;
    const taken = Object.keys(more).filter((name) => Object.hasOwn(arms, name));
    // The verdict speaks of arms by name: a name must always mean the same.
    if (taken.length > 0) throw new Error(`BENCH_ARMS: these names are taken: ${taken.join(', ')}`);
    Object.assign(arms, more);
  }
  return arms;
}
