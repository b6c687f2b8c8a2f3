// @ts-check
/** `npm run dev`: serves, compiles at each change of src/ and restarts. Arguments go on to `parley serve`. */
import { spawn } from 'node:child_process';
import { readdirSync, watch } from 'node:fs';
import { dirname, join } from 'node:path';
import { build, buildIfStale, programFile } from './build.mjs';

/** Editors write in bursts; one build per burst. */
const quietMs = 150;
const sourceDir = join(dirname(programFile), '..', '..', 'src');

/** @type {import('node:child_process').ChildProcess | undefined} */
let server;
function startServer() {
  server = spawn(process.execPath, [programFile, 'serve', ...process.argv.slice(2)], { stdio: 'inherit' });
}

/** @returns {Promise<void>} after the server has ended in its own way (SIGTERM: it drains) */
function stopServer() {
  return new Promise((resolve) => {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return resolve();
    server.once('exit', () => resolve());
    server.kill('SIGTERM');
  });
}

/** @type {import('node:fs').FSWatcher[]} */
let watchers = [];
/** Directory by directory: Node 20's recursive watch on Linux loses a file that an editor replaces by renaming. */
function watchDirectories() {
  for (const watcher of watchers) watcher.close();
  const entries = readdirSync(sourceDir, { recursive: true, withFileTypes: true });
  const dirs = entries.filter((entry) => entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
  watchers = [sourceDir, ...dirs].map((dir) => watch(dir, onChange));
}

async function rebuild() {
  watchDirectories();
  if (!(await build({ keepsCode: false }))) return;
  await stopServer();
  startServer();
}

let running = Promise.resolve();
/** @type {NodeJS.Timeout | undefined} */
let burst;
function onChange() {
  clearTimeout(burst);
  burst = setTimeout(() => {
    running = running.then(rebuild);
  }, quietMs);
}

if (!buildIfStale()) console.error('The server starts when src/ compiles.');
else startServer();
watchDirectories();
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
  process.once(signal, () => {
    for (const watcher of watchers) watcher.close();
    clearTimeout(burst);
    void running.then(stopServer);
  });
}
