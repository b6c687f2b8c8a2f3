/** A log file that is rotated at midnight UTC, with old files compressed and the oldest deleted. */
import {
  chmodSync,
  closeSync,
  createReadStream,
  createWriteStream,
  existsSync,
  fchmodSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

const CURRENT = 'parley.log';
const ROTATED = /^parley-(\d{4}-\d{2}-\d{2})(?:\.(\d+))?\.log(\.gz)?$/;
const UNFINISHED = /^parley-\d{4}-\d{2}-\d{2}(?:\.\d+)?\.log\.gz\.part$/;
const MODE = 0o640;
const DAY_MS = 86_400_000;
const RETRY_MS = 60_000;

export interface LogFileOptions {
  /** Made when it is missing. */
  readonly directory: string;
  /** How many rotated days are kept; days without a line have no file and do not count. */
  readonly keepDays: number;
  readonly clock: { now(): number };
  /** Told once when the disk fails, and again only after it had worked in between. Default: a line on the standard error. */
  readonly onWarning?: (message: string) => void;
}

export interface LogFile {
  /** Appends a line that ends in a line break. Never throws: what the disk refuses is left to the other outputs. */
  write(line: string): void;
  /** Resolves when compression is done. Later writes are left out. May be called twice. */
  close(): Promise<void>;
}

/**
 * Writes `parley.log`, mode 0640. The first line of a new day (UTC) renames it to `parley-YYYY-MM-DD.log`, the day that it
 * covers; an empty one stays. The newest rotated file stays plain and those before it become `.log.gz`, as a reader may
 * still have the newest open. A failing disk is tried again once a minute. Writes are synchronous.
 */
export function createLogFile({ directory, keepDays, clock, onWarning = warnOnStderr }: LogFileOptions): LogFile {
  const path = join(directory, CURRENT);
  let descriptor: number | undefined;
  let sizeBytes = 0;
  /** The day that the open file covers ends here. */
  let endsAt = 0;
  let retryAt = 0;
  let hasWarned = false;
  let isClosed = false;
  let upkeep = Promise.resolve();

  const fail = (error: unknown) => {
    retryAt = clock.now() + RETRY_MS;
    closeDescriptor();
    if (hasWarned) return;
    hasWarned = true;
    onWarning(`cannot write the log file ${path}, its lines go to the normal output only: ${errorText(error)}`);
  };

  const closeDescriptor = () => {
    if (descriptor === undefined) return;
    const open = descriptor;
    descriptor = undefined;
    try {
      closeSync(open);
    } catch {
      // What could not be closed cannot be written to either; the next open tells.
    }
  };

  const open = () => {
    mkdirSync(directory, { recursive: true, mode: 0o750 });
    descriptor = openSync(path, 'a', MODE);
    const { size, mtimeMs } = fstatSync(descriptor);
    if (size === 0) fchmodSync(descriptor, MODE);
    sizeBytes = size;
    endsAt = startOfDay(size === 0 ? clock.now() : mtimeMs) + DAY_MS;
  };

  const rotate = () => {
    if (sizeBytes === 0) {
      endsAt = startOfDay(clock.now()) + DAY_MS;
      return;
    }
    closeDescriptor();
    renameSync(path, freeName(directory, dayOf(endsAt - DAY_MS)));
    open();
    startUpkeep();
  };

  /** In the background: compressing a large day must not hold up who logs. What fails is tried again at the next rotation. */
  const startUpkeep = () => {
    upkeep = upkeep
      .then(() => tidy(directory, keepDays))
      .catch((error) => onWarning(`cannot compress or delete old log files in ${directory}: ${errorText(error)}`));
  };

  return {
    write(line) {
      const now = clock.now();
      if (isClosed || (hasWarned && now < retryAt)) return;
      try {
        if (descriptor === undefined) {
          open();
          startUpkeep();
        }
        if (now >= endsAt) rotate();
        sizeBytes += append(descriptor, line);
        hasWarned = false;
      } catch (error) {
        fail(error);
      }
    },
    async close() {
      isClosed = true;
      await upkeep;
      closeDescriptor();
    },
  };
}

function append(descriptor: number | undefined, line: string): number {
  if (descriptor === undefined) throw new Error('the file is not open');
  const bytes = Buffer.from(line);
  let written = 0;
  while (written < bytes.length) written += writeSync(descriptor, bytes, written);
  return written;
}

/** A name that no rotated file has: a second file of one day comes from a clock that was set back. */
function freeName(directory: string, day: string): string {
  for (let copy = 0; ; copy++) {
    const name = join(directory, `parley-${day}${copy === 0 ? '' : `.${copy}`}.log`);
    if (!existsSync(name) && !existsSync(`${name}.gz`)) return name;
  }
}

/** Deletes what is too old, then compresses all but the newest day. Safe to repeat after a crash in the middle. */
async function tidy(directory: string, keepDays: number): Promise<void> {
  const names = readdirSync(directory);
  for (const name of names) if (UNFINISHED.test(name)) rmSync(join(directory, name), { force: true });
  const dayOfName = (name: string) => ROTATED.exec(name)?.[1] ?? '';
  const rotated = names.filter((name) => ROTATED.test(name));
  const days = [...new Set(rotated.map(dayOfName))].sort().reverse();
  const kept = new Set(days.slice(0, keepDays));
  for (const name of rotated) {
    if (!kept.has(dayOfName(name))) await rm(join(directory, name), { force: true });
    else if (name.endsWith('.log') && dayOfName(name) !== days[0]) await compress(join(directory, name));
  }
}

async function compress(path: string): Promise<void> {
  const part = `${path}.gz.part`;
  await pipeline(createReadStream(path), createGzip(), createWriteStream(part, { mode: MODE, flush: true }));
  chmodSync(part, MODE);
  await rename(part, `${path}.gz`);
  await rm(path);
}

const startOfDay = (ms: number) => Math.floor(ms / DAY_MS) * DAY_MS;
const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);
const errorText = (error: unknown) => (error instanceof Error ? error.message : String(error));

function warnOnStderr(message: string): void {
  process.stderr.write(`WARN ${message}\n`);
}
