/** The seal of letters, against whoever can write on the bus and has no key. */
import type * as Crypto from 'node:crypto';
import { randomBytes } from 'node:crypto';
import { beforeEach, expect, it, vi } from 'vitest';
import { AesGcmLetterSeal } from './seal.ts';

const derived = vi.hoisted(() => ({ keys: 0 }));
vi.mock('node:crypto', async (original) => {
  const crypto = await original<typeof Crypto>();
  const hkdfSync = (...values: Parameters<typeof crypto.hkdfSync>) => {
    derived.keys++;
    return crypto.hkdfSync(...values);
  };
  return { ...crypto, hkdfSync };
});

const SALT_AT = 9;
const MARK_AT = 25;

function twoReplicas() {
  const current = { id: '0011223344556677', bytes: randomBytes(32) };
  const keys = new Map([[current.id, current]]);
  const [here, there] = [0, 1].map(() => new AesGcmLetterSeal({ current, keys }, (length) => randomBytes(length)));
  if (here === undefined || there === undefined) throw new Error('no seals');
  return { here, letter: Buffer.from(there.seal('hello')) };
}

beforeEach(() => {
  derived.keys = 0;
});

it('[A12] a flood of forged letters derives no key, and does not have the keys of real ones forgotten', () => {
  const { here, letter } = twoReplicas();
  expect(here.open(letter)).toBe('hello');
  derived.keys = 0;
  for (let forged = 0; forged < 300; forged++) {
    expect(
      here.open(Buffer.concat([letter.subarray(0, SALT_AT), randomBytes(16), letter.subarray(MARK_AT)])),
    ).toBeNull();
    expect(here.open(Buffer.concat([letter.subarray(0, MARK_AT), randomBytes(letter.length - MARK_AT)]))).toBeNull();
  }
  expect([here.open(letter), derived.keys]).toEqual(['hello', 0]);
});

it('[A12] a flood of forged letters derives no key before the first real one either', () => {
  const { here, letter } = twoReplicas();
  derived.keys = 0;
  for (let forged = 0; forged < 300; forged++) {
    expect(here.open(Buffer.concat([letter.subarray(0, MARK_AT), randomBytes(letter.length - MARK_AT)]))).toBeNull();
  }
  expect(derived.keys).toBe(0);
  const bodyAt = letter.length - 16 - 'hello'.length;
  for (let forged = 0; forged < 300; forged++) {
    expect(here.open(Buffer.concat([letter.subarray(0, bodyAt), randomBytes(letter.length - bodyAt)]))).toBeNull();
  }
  expect([here.open(letter), derived.keys]).toEqual(['hello', 1]);
});
