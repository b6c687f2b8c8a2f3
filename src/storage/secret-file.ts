/** Files that hold a secret of the server's own making: mode 0600, whole or not there at all. */
import {
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { RandomBytes } from '../core/access/api-keys.ts';
import { AppError } from '../protocol/errors.ts';

const MAX_FILE_BYTES = 64 * 1024;

/** What differs after every way of replacing a file: rename, rewrite, another target of a symbolic link. null: no file. */
export function fileVersion(path: string): string | null {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;
  } catch {
    // Reading it says what is wrong.
    return null;
  }
}

/** Throws UNAVAILABLE, saying that `what` (such as `the admin key`) cannot be read, where and why. */
export function readSecretText(path: string, what: string): string {
  try {
    if (statSync(path).size > MAX_FILE_BYTES) throw new Error(`it has more than ${MAX_FILE_BYTES} bytes`);
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new AppError('UNAVAILABLE', `cannot read ${what} from ${path}: ${textOf(cause)}`, { cause });
  }
}

/**
 * `false`: there is a file already. It appears with its whole content or not at all, so that another reader sees no half.
 * Throws UNAVAILABLE, naming `what`, where it cannot be written.
 */
export function makeSecretFile(
  path: string,
  what: string,
  randomBytes: RandomBytes,
  makeContent: () => string,
): boolean {
  if (fileVersion(path) !== null) return false;
  const draft = `${path}.${Buffer.from(randomBytes(6)).toString('hex')}.new`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    const file = openSync(draft, 'wx', 0o600);
    try {
      writeSync(file, makeContent());
      fsyncSync(file);
      return publish(draft, path);
    } finally {
      closeSync(file);
      rmSync(draft, { force: true });
    }
  } catch (cause) {
    throw new AppError('UNAVAILABLE', `cannot write ${what} to ${path}: ${textOf(cause)}`, { cause });
  }
}

function publish(draft: string, path: string): boolean {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (isTaken(error)) return false;
  }
  // A file system without hard links.
  try {
    copyFileSync(draft, path, constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if (isTaken(error)) return false;
    throw error;
  }
}

const isTaken = (error: unknown) => error instanceof Error && 'code' in error && error.code === 'EEXIST';
const textOf = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause));
