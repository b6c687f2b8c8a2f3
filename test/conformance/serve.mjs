// @ts-check
/**
 * `npm run conformance:serve -- --profile NAME`: the agent under test, behind the server as it is built, on data of its
 * own. The kit cannot send a key, so there is no authentication, and nothing but this machine reaches it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { buildIfStale, programFile } from '../../scripts/build.mjs';
import { agentUnderTest, PROFILES } from './agent.mjs';

/** @param {string} module below src/, without its ending */
const built = (module) => import(pathToFileURL(join(dirname(programFile), '..', `${module}.js`)).href);

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

/** @param {import('./agent.mjs').Profile} name */
async function serve(name) {
  const { loadConfig } = /** @type {typeof import('../../src/config/load.ts')} */ (await built('config/load'));
  const { createLogger } = /** @type {typeof import('../../src/ops/log.ts')} */ (await built('ops/log'));
  const { startServer } = /** @type {typeof import('../../src/server.ts')} */ (await built('server'));
  const dataDir = mkdtempSync(join(tmpdir(), 'parley-conformance-'));
  const config = loadConfig({
    env: {},
    // Away from the checkout: neither its parley.yaml nor its .env is read.
    cwd: dataDir,
    overrides: {
      dataDir,
      'server.port': port,
      'ops.metricsPort': 0,
      'auth.mode': 'none',
      // The kit sends the same message again and again and wants a task of its own for each.
      'idempotency.messageIdWindowMinutes': 0,
      'agents.default': 'tck',
      // The kit of 0.3 takes no other status for a JSON-RPC error.
      'agents.invalidV03Status': 'ok',
      'log.level': 'warn',
      'log.format': 'json',
    },
  });
  const { logger, close } = createLogger({ ...config.log, isTty: false, secrets: [] });
  const server = await startServer(config, logger, [agentUnderTest(name)]);
  console.log(
    `Profile ${name}: ${server.url}/.well-known/agent-card.json (no authentication: the kit cannot send a key)`,
  );
  console.log('In a checkout of the kit, branch 1.0-dev:');
  console.log(`  ./run_tck.py --sut-host ${server.url}`);
  console.log('or of its branch 0.3.x:');
  console.log(`  ./run_tck.py --sut-url ${server.url} --category all`);
  const stop = async () => {
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
