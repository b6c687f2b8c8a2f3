/** Where the encryption key comes from at a start, and when there is no start. */
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { silentLogger } from '../core/logger.ts';
import type { SealedCount, SealedValueStore } from '../core/secrets/sealed-value-store.ts';
import { type OpenSealerOptions, openSealer } from './open-sealer.ts';

const COLUMN = { table: 'notes', keyColumn: 'id', valueColumn: 'secret', keyIdColumn: 'secret_key_id' };
const PLACE = { table: 'notes', column: 'secret', row: '1' };

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

function options(fields: Partial<OpenSealerOptions> & { counts?: readonly SealedCount[] } = {}): OpenSealerOptions {
  const dataDir = join(mkdtempSync(join(tmpdir(), 'parley-sealer-')), 'data');
  directories.push(join(dataDir, '..'));
  const { counts = [], ...rest } = fields;
  const store: SealedValueStore = {
    counts: async () => counts,
    othersThan: async () => [],
    replace: async () => 0,
  };
  return {
    encryptionKey: undefined,
    previousKeys: [],
    startWithoutKeys: false,
    needsAllKeys: true,
    dataDir,
    store,
    columns: [COLUMN],
    randomBytes,
    logger: silentLogger,
    ...rest,
  };
}

test('[A12] the first start makes a key file that only its owner can read; the next start uses it', async () => {
  const given = options();
  const { sealer } = await openSealer(given);
  const file = join(given.dataDir, 'encryption.key');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const sealed = sealer.seal('secret', PLACE);
  const again = await openSealer(given);
  expect(again.sealer.open(sealed, PLACE)).toBe('secret');
});

test('[A12] starts at the same time agree on one key', async () => {
  const given = options();
  const opened = await Promise.all([1, 2, 3].map(() => openSealer(given)));
  expect(new Set(opened.map(({ sealer }) => sealer.currentKeyId)).size).toBe(1);
});

test('[A12] a new first line of the file seals, and the line below it still opens', async () => {
  const given = options();
  const before = await openSealer(given);
  const sealed = before.sealer.seal('secret', PLACE);
  const file = join(given.dataDir, 'encryption.key');
  writeFileSync(file, `${randomBytes(32).toString('base64')}\n${readFileSync(file, 'utf8')}`);
  const { sealer } = await openSealer(given);
  expect(sealer.currentKeyId).not.toBe(before.sealer.currentKeyId);
  expect(sealer.open(sealed, PLACE)).toBe('secret');
});

test('[A12] a configured key is used, and no file is made', async () => {
  const given = options({ encryptionKey: randomBytes(32).toString('hex') });
  await openSealer(given);
  expect(statSync(given.dataDir, { throwIfNoEntry: false })).toBeUndefined();
});

test('[A12] a weak key in the file is refused, and so is a file that cannot be read', async () => {
  const given = options();
  await openSealer(given);
  const file = join(given.dataDir, 'encryption.key');
  writeFileSync(file, `${'ab'.repeat(32)}\n`);
  await expect(openSealer(given)).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringMatching(/encryption\.key must not be a repetition/),
  });
  // Root may read everything.
  if (process.getuid?.() === 0) return;
  chmodSync(file, 0);
  await expect(openSealer(given)).rejects.toMatchObject({ message: expect.stringMatching(/cannot read/) });
});

test('[A12] without a key, a database with secrets is not given a new one: the error says what to do', async () => {
  const given = options({ counts: [{ keyId: '0123456789abcdef', count: 3 }] });
  await expect(openSealer(given)).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringMatching(/ENCRYPTION_KEY is not set and .*encryption\.key is not there/),
  });
  expect(statSync(given.dataDir, { throwIfNoEntry: false })).toBeUndefined();
});

test('[A12] with another key than that of the secrets there is no start, unless it is said that they are lost', async () => {
  const wrong = {
    encryptionKey: randomBytes(32).toString('base64'),
    counts: [{ keyId: '0123456789abcdef', count: 3 }],
  };
  await expect(openSealer(options(wrong))).rejects.toMatchObject({
    message: expect.stringMatching(/holds 3 secret\(s\).*\(0123456789abcdef\)/),
  });
  await expect(openSealer(options({ ...wrong, startWithoutKeys: true }))).resolves.toBeDefined();
  await expect(
    openSealer(options({ ...wrong, encryptionKey: undefined, startWithoutKeys: true })),
  ).resolves.toBeDefined();
});
