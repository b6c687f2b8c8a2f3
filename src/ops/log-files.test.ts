/** Log files: rotation with a turned clock, compression, what is kept, and a disk that fails. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLogFile, type LogFile } from './log-files.ts';

const DAY_MS = 86_400_000;
let root: string;
let directory: string;
let now: number;
let warnings: string[];
let open: LogFile[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'parley-log-files-'));
  directory = join(root, 'made', 'when missing');
  now = Date.UTC(2026, 0, 30, 12);
  warnings = [];
  open = [];
});
afterEach(async () => {
  for (const file of open) await file.close();
  rmSync(root, { recursive: true, force: true });
});

function create(keepDays = 14): LogFile {
  const file = createLogFile({
    directory,
    keepDays,
    clock: { now: () => now },
    onWarning: (text) => void warnings.push(text),
  });
  open.push(file);
  return file;
}
const names = () => readdirSync(directory).sort();
const read = (name: string) => readFileSync(join(directory, name), 'utf8');
const modeOf = (name: string) => statSync(join(directory, name)).mode & 0o777;

test('[O4] the directory is made when it is missing, and the file has mode 0640 under any umask', async () => {
  const before = process.umask(0o077);
  try {
    create().write('one\n');
  } finally {
    process.umask(before);
  }
  expect(names()).toEqual(['parley.log']);
  expect(modeOf('parley.log')).toBe(0o640);
});

test('[O4] the first line after midnight UTC rotates, and the last before it does not', () => {
  const file = create();
  file.write('a\n');
  now = Date.UTC(2026, 0, 31) - 1;
  file.write('b\n');
  expect(names()).toEqual(['parley.log']);
  now = Date.UTC(2026, 0, 31);
  file.write('c\n');
  expect(names()).toEqual(['parley-2026-01-30.log', 'parley.log']);
  expect(read('parley-2026-01-30.log')).toBe('a\nb\n');
  expect(read('parley.log')).toBe('c\n');
});

test('[O4] yesterday stays plain and the day before is compressed, both with mode 0640', async () => {
  const file = create();
  for (const line of ['a\n', 'b\n', 'c\n', 'd\n']) {
    file.write(line);
    now += DAY_MS;
  }
  await file.close();
  expect(names()).toEqual([
    'parley-2026-01-30.log.gz',
    'parley-2026-01-31.log.gz',
    'parley-2026-02-01.log',
    'parley.log',
  ]);
  expect(gunzipSync(readFileSync(join(directory, 'parley-2026-01-30.log.gz'))).toString()).toBe('a\n');
  expect(names().map(modeOf)).toEqual([0o640, 0o640, 0o640, 0o640]);
});

test('[O4] 14 rotated files are kept, and files of others are left alone', async () => {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'parley-notes.log'), 'mine');
  const file = create();
  for (let day = 0; day < 20; day++) {
    file.write(`${day}\n`);
    now += DAY_MS;
  }
  await file.close();
  const rotated = names().filter((name) => /^parley-\d/.test(name));
  expect(rotated).toHaveLength(14);
  expect(rotated[0]).toBe('parley-2026-02-04.log.gz');
  expect(rotated.at(-1)).toBe('parley-2026-02-17.log');
  expect(names()).toContain('parley-notes.log');
});

test('[O4] an empty file is not rotated, and days without a line leave no file', () => {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'parley.log'), '');
  const file = create();
  file.write('');
  now += 3 * DAY_MS;
  file.write('a\n');
  expect(names()).toEqual(['parley.log']);
  now += 3 * DAY_MS;
  file.write('b\n');
  expect(names()).toEqual(['parley-2026-02-02.log', 'parley.log']);
});

test('a file left over by an earlier process is continued on its day, and rotated under its own day later', async () => {
  mkdirSync(directory, { recursive: true });
  const path = join(directory, 'parley.log');
  writeFileSync(path, 'old\n');
  utimesSync(path, now / 1000, now / 1000);
  const first = create();
  first.write('same day\n');
  await first.close();
  expect(read('parley.log')).toBe('old\nsame day\n');
  utimesSync(path, now / 1000, now / 1000);
  now += DAY_MS;
  create().write('new\n');
  expect(read('parley-2026-01-30.log')).toBe('old\nsame day\n');
  expect(read('parley.log')).toBe('new\n');
});

test('a start after a crash in the middle of compression finishes it', async () => {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'parley-2026-01-28.log'), 'a\n');
  writeFileSync(join(directory, 'parley-2026-01-28.log.gz.part'), 'half');
  writeFileSync(join(directory, 'parley-2026-01-29.log'), 'b\n');
  const file = create();
  file.write('c\n');
  await file.close();
  expect(names()).toEqual(['parley-2026-01-28.log.gz', 'parley-2026-01-29.log', 'parley.log']);
});

test('a clock that is set back loses nothing: a second file of a day gets a number', () => {
  const file = create();
  file.write('a\n');
  now += DAY_MS;
  file.write('b\n');
  now -= DAY_MS;
  file.write('c\n');
  mkdirSync(join(directory, 'parley-2026-01-31.log'));
  now += 2 * DAY_MS;
  file.write('d\n');
  expect(read('parley-2026-01-31.1.log')).toBe('b\nc\n');
});

test('a failing disk gives one warning and no error, and is used again when it works', () => {
  mkdirSync(join(root, 'made'));
  writeFileSync(directory, 'a file where the directory should be');
  const file = create();
  file.write('a\n');
  file.write('b\n');
  now += 61_000;
  file.write('c\n');
  expect(warnings).toEqual([expect.stringContaining('cannot write the log file')]);
  rmSync(directory);
  file.write('too early\n');
  now += 61_000;
  file.write('d\n');
  expect(read('parley.log')).toBe('d\n');
  expect(warnings).toHaveLength(1);
});

test('writes after the end are left out', async () => {
  const file = create();
  file.write('a\n');
  await file.close();
  await file.close();
  file.write('b\n');
  expect(read('parley.log')).toBe('a\n');
});
