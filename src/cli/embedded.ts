/** What another program needs to run Parley with agents of its own, in its own process: `dist/cli/embedded.js`. */
export { loadConfig } from '../config/load.ts';
export { createLogger } from '../ops/log.ts';
export { startServer } from '../server.ts';
