// @ts-check
/**
 * `npm run conformance:serve -- --profile NAME`: the agent under test, behind the server as it is built, on data of its
 * own. The kit cannot send a key, so there is no authentication, and nothing but this machine reaches it. The extended
 * card is for callers who are authenticated: for that profile a proxy in front gives each of them a key.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { buildIfStale, programFile } from '../../scripts/build.mjs';
import { agentUnderTest, PROFILES } from './agent.mjs';

/** What the kit has to be told besides, by profile. */
const HINTS = {
  'streaming-push': '',
  plain: '',
  'required-extension': ' -- -k ExtensionRequired',
  'extended-card': ' --transport jsonrpc,http_json',
};

/** @param {string} name @returns {name is import('./agent.mjs').Profile} */
const isProfile = (name) => Object.hasOwn(PROFILES, name);

const { values } = parseArgs({
  options: {
    profile: { type: 'string', default: 'streaming-push' },
    port: { type: 'string', default: '9999' },
    'grpc-port': { type: 'string', default: '9998' },
  },
});
const { profile, port } = values;

/**
 * Passes everything on, with a key. @param {string} adminKey @param {() => string} target
 * @returns {Promise<import('node:http').Server>}
 */
async function startProxy(adminKey, target) {
  const proxy = createServer((incoming, answer) => {
    const headers = { authorization: `Bearer ${adminKey}`, ...incoming.headers };
    const passed = request(new URL(incoming.url ?? '/', target()), { method: incoming.method, headers });
    passed.on('response', (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    });
    passed.on('error', () => answer.destroy());
    answer.on('close', () => passed.destroy());
    incoming.pipe(passed);
  });
  await new Promise((resolve) => proxy.listen(Number(port), '127.0.0.1', () => resolve(undefined)));
  return proxy;
}

/** @param {import('./agent.mjs').Profile} name */
async function serve(name) {
  const parley = await import(new URL('embedded.js', pathToFileURL(programFile)).href);
  const { loadConfig, createLogger, startServer } = /** @type {typeof import('../../src/cli/embedded.ts')} */ (parley);
  const dataDir = mkdtempSync(join(tmpdir(), 'parley-conformance-'));
  const needsKey = name === 'extended-card';
  const adminKey = randomUUID();
  const config = loadConfig({
    env: {},
    // Away from the checkout: neither its parley.yaml nor its .env is read.
    cwd: dataDir,
    overrides: {
      dataDir,
      'server.port': needsKey ? 0 : port,
      ...(needsKey ? { 'auth.adminKey': adminKey, 'server.publicUrl': `http://127.0.0.1:${port}` } : {}),
      'ops.metricsPort': 0,
      'grpc.port': values['grpc-port'],
      'auth.mode': needsKey ? 'key' : 'none',
      // The kit's receivers listen on this machine.
      'push.allowNetworks': '127.0.0.0/8,::1/128',
      // The kit sends the same message again and again and wants a task of its own for each.
      'idempotency.messageIdWindowMinutes': 0,
      'agents.default': 'tck',
      // The kit of 0.3 takes no other status for a JSON-RPC error.
      'agents.invalidV03Status': 'ok',
      'log.level': 'warn',
      'log.format': 'json',
    },
  });
  const { logger, close } = createLogger({ ...config.log, isTty: false, secrets: [adminKey] });
  const server = await startServer(config, logger, [agentUnderTest(name)]);
  const proxy = needsKey ? await startProxy(adminKey, () => server.url) : null;
  const url = needsKey ? `http://127.0.0.1:${port}` : server.url;
  const how = needsKey ? 'a proxy gives every caller a key' : 'no authentication';
  console.log(`Profile ${name}: ${url}/.well-known/agent-card.json (${how}: the kit cannot send a key)`);
  console.log('In a checkout of the kit, branch 1.0-dev:');
  console.log(`  ./run_tck.py --sut-host ${url}${HINTS[name]}`);
  if (name === 'streaming-push') {
    console.log('or of its branch 0.3.x:');
    console.log(`  ./run_tck.py --sut-url ${url}/a2a --category all`);
  }
  const stop = async () => {
    proxy?.closeAllConnections();
    proxy?.close();
    await server.stop();
    await close();
    rmSync(dataDir, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void stop());
}

if (!isProfile(profile)) {
  console.error(`There is no profile ${profile}: take one of ${Object.keys(PROFILES).join(', ')}`);
  process.exitCode = 2;
} else if (buildIfStale()) await serve(profile);
else process.exitCode = 1;
