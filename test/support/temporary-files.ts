/** Once per run of the tests: where they keep their temporary files. In memory where there is room for them. */
import { chmodSync, mkdtempSync, readdirSync, readlinkSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';

const MEMORY = '/dev/shm';
const MIN_FREE_BYTES = 4 * 1024 ** 3;

/**
 * Sets TMPDIR for the test files and what they start, unless it is set. Nothing that a test can see depends on the disk:
 * what a killed process has written is in the kernel's memory anyway. Each project names this file; the first to come
 * does the work.
 */
export function setup(): (() => void) | undefined {
  const names = namesOfRuns();
  if (names === undefined || process.env['TMPDIR']?.startsWith(join(MEMORY, names)) === true) return undefined;
  removeLeftovers(names);
  if (process.env['TMPDIR'] !== undefined || !hasRoom()) return undefined;
  const dir = mkdtempSync(join(MEMORY, `${names}${process.pid}-`));
  // The server programs of PostgreSQL run as a user of their own.
  chmodSync(dir, 0o1777);
  process.env['TMPDIR'] = dir;
  return () => remove(dir);
}

/** What the folders of this machine's runs begin with; undefined where there is no such memory. */
function namesOfRuns(): string | undefined {
  try {
    statfsSync(MEMORY);
    // Numbers of processes say nothing about those of another container that shares the memory.
    const namespace = readlinkSync('/proc/self/ns/pid').replace(/\D/g, '');
    return `parley-tests-${namespace}-`;
  } catch {
    return undefined;
  }
}

/** In the file system, and in the memory that it takes when it fills. */
function hasRoom(): boolean {
  const { bavail, bsize } = statfsSync(MEMORY);
  return Math.min(bavail * bsize, process.availableMemory()) >= MIN_FREE_BYTES;
}

/** Of runs that were killed: unlike a disk's, these would take memory until the machine is started again. */
function removeLeftovers(names: string): void {
  for (const name of readdirSync(MEMORY).filter((one) => one.startsWith(names))) {
    const pid = Number.parseInt(name.slice(names.length), 10);
    if (pid === process.pid || !isAlive(pid)) remove(join(MEMORY, name));
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function remove(dir: string): void {
  try {
    rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
  } catch {
    // Of another user, or somebody still writes there: the next run tries again.
  }
}
