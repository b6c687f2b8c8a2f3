// @ts-check
/** Runs a command of the CLI from a checkout: builds first when dist/ is missing or old. `node scripts/cli.mjs doctor` */
import { pathToFileURL } from 'node:url';
import { buildIfStale, programFile } from './build.mjs';

if (buildIfStale()) {
  // The same process: signals, exit code and `kill -9` are those of the program itself.
  process.argv[1] = programFile;
  await import(pathToFileURL(programFile).href);
} else {
  process.exitCode = 1;
}
