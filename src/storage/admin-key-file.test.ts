/** The file of the admin key: made once, replaceable at any time, never weak. */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type TurnedClock, turnedClock } from '../../test/support/turned-clock.ts';
import { adminKeyProblem } from '../config/secrets.ts';
import { type Logger, silentLogger } from '../core/logger.ts';
import { AdminKeyFile, type AdminKeyFileOptions, defaultAdminKeyFile, readAdminKeyFile } from './admin-key-file.ts';

const KEY = 'Vx3kPq9sTz7wLm2nRb5c';
const OTHER = 'Wn8cYt4vHg6xJd1mQs0z';
let directory: string;
let path: string;
let clock: TurnedClock;
let errors: string[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'parley-admin-key-'));
  path = defaultAdminKeyFile(directory);
  clock = turnedClock();
  errors = [];
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function open(options: Partial<AdminKeyFileOptions> = {}): AdminKeyFile {
  const error: Logger['error'] = (fields: object | string) =>
    void errors.push(String(typeof fields === 'object' && 'err' in fields ? fields.err : fields));
  const log: Logger = { ...silentLogger, error };
  return new AdminKeyFile({ path, create: false, problemOf: adminKeyProblem, randomBytes, clock, log, ...options });
}

test('[I1] the first start makes a strong key that only its user can read; later ones keep it', () => {
  path = join(directory, 'deep', 'data', 'admin-key');
  const made = open({ create: true });
  expect(made.isNew).toBe(true);
  expect(made.current()).toMatch(/^[\w-]{43}$/);
  expect(readFileSync(path, 'utf8')).toBe(`${made.current()}\n`);
  expect((statSync(path).mode & 0o777).toString(8)).toBe('600');
  expect(readdirSync(join(directory, 'deep', 'data'))).toEqual(['admin-key']);

  const again = open({ create: true });
  expect([again.isNew, again.current()]).toEqual([false, made.current()]);
});

test('[I1] a weak, default, empty or missing key stops the start and says why, without the key', () => {
  for (const [content, why] of [
    ['replace-with-strong-admin-api-key', 'must not be a default or a placeholder that others can guess'],
    ['Xk3m9qVtzR', 'must have at least 16 characters, not 10'],
    ['\n', 'must not be empty'],
    ['has spaces in between it', 'must be printable ASCII without spaces and line breaks'],
  ] as const) {
    writeFileSync(path, content);
    expect(() => open({ create: true })).toThrow(
      expect.objectContaining({
        code: 'UNAVAILABLE',
        message: expect.stringContaining(`the admin key in ${path} ${why}`),
      }),
    );
  }
  unlinkSync(path);
  expect(() => open()).toThrow(
    expect.objectContaining({
      code: 'UNAVAILABLE',
      message: expect.stringContaining(`cannot read the admin key from ${path}: ENOENT`),
    }),
  );
  expect(existsSync(path)).toBe(false);
});

test('[I1] a replaced file is the admin key within a second, without a restart, however it was replaced', () => {
  writeFileSync(path, `${KEY}\r\n`);
  const file = open();
  expect(file.current()).toBe(KEY);

  writeFileSync(path, OTHER);
  clock.turn(999);
  expect(file.current()).toBe(KEY);
  clock.turn(1);
  expect(file.current()).toBe(OTHER);

  writeFileSync(`${path}.new`, KEY);
  renameSync(`${path}.new`, path);
  clock.turn(1000);
  expect(file.current()).toBe(KEY);

  writeFileSync(join(directory, 'mounted'), OTHER);
  unlinkSync(path);
  symlinkSync(join(directory, 'mounted'), path);
  clock.turn(1000);
  expect(file.current()).toBe(OTHER);
});

test('[I1] a file that becomes weak or goes away leaves the key before it in force, and is logged once', () => {
  writeFileSync(path, KEY);
  const file = open();
  writeFileSync(path, 'admin');
  for (let second = 0; second < 5; second++) {
    clock.turn(1000);
    expect(file.current()).toBe(KEY);
  }
  expect(errors).toEqual([expect.stringContaining(`the admin key in ${path} must not be a default`)]);
  unlinkSync(path);
  clock.turn(1000);
  expect(file.current()).toBe(KEY);
  expect(errors).toHaveLength(2);
  writeFileSync(path, OTHER);
  clock.turn(1000);
  expect(file.current()).toBe(OTHER);
});

test('a directory that cannot be written says so and leaves nothing behind', () => {
  writeFileSync(join(directory, 'file'), '');
  path = join(directory, 'file', 'admin-key');
  expect(() => open({ create: true })).toThrow(
    expect.objectContaining({
      code: 'UNAVAILABLE',
      message: expect.stringContaining(`cannot write a new admin key to ${path}`),
    }),
  );
  expect(readdirSync(directory)).toEqual(['file']);
});

test('a command beside the server reads the key as it is, or that there is none', () => {
  expect(readAdminKeyFile(path)).toBeNull();
  writeFileSync(path, `${KEY}\n`);
  chmodSync(path, 0o600);
  expect(readAdminKeyFile(path)).toBe(KEY);
});
