// @ts-check
/** Where the servers that Parley works with are installed, if they are. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Not in every user's PATH, and yet where distributions put servers. */
const MORE_DIRS = ['/usr/local/sbin', '/usr/sbin', '/usr/local/bin', '/opt/homebrew/bin'];

/**
 * The path of a program, or undefined where this machine does not have it.
 * @param {string} name
 * @param {NodeJS.ProcessEnv} [environment]
 * @returns {string | undefined}
 */
export function findBinary(name, environment = process.env) {
  const dirs = [...(environment['PATH'] ?? '').split(delimiter), ...MORE_DIRS];
  return dirs
    .filter((dir) => dir !== '')
    .map((dir) => join(dir, name))
    .find(isExecutable);
}

/** @param {string} file */
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
