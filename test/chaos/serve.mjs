// @ts-check
/**
 * A replica of the chaos suite: a built Parley with agents of the suite, whose clock can be stepped from outside.
 * CHAOS_BUNDLE is the directory of the build, CHAOS_EFFECTS the file of what the agents do.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chaosAgents } from './agents.mjs';

const { CHAOS_BUNDLE = '', CHAOS_EFFECTS = '' } = process.env;

// The clock of the program is Date.now, and nothing else: this is what a step of the machine's clock looks like to it.
const realNow = Date.now;
let offsetMs = 0;
Date.now = () => realNow() + offsetMs;
process.on('message', (message) => {
  const { clockOffsetMs } = /** @type {{ clockOffsetMs?: number }} */ (message);
  if (clockOffsetMs !== undefined) offsetMs = clockOffsetMs;
});
// Whoever started this may be gone; that is no reason to end.
process.on('disconnect', () => undefined);

const parley = await import(pathToFileURL(join(CHAOS_BUNDLE, 'cli', 'embedded.js')).href);
const { loadConfig, createLogger, startServer } = /** @type {typeof import('../../src/cli/embedded.ts')} */ (parley);
const config = loadConfig({ env: process.env, cwd: process.cwd() });
const { logger, close } = createLogger({ ...config.log, isTty: false, secrets: [] });
process.on('uncaughtException', (err) => {
  logger.fatal({ err }, 'uncaught exception');
  process.exit(1);
});
const server = await startServer(config, logger, chaosAgents(CHAOS_EFFECTS));
process.once('SIGTERM', () => {
  void server
    .stop()
    .then(close)
    .then(() => process.exit(0));
});
