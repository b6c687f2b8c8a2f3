/** The seal of letters, against whoever can write on the bus and has no key. */
import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { AesGcmLetterSeal } from './seal.ts';

it('[A12] forged letters do not have the keys of real ones forgotten', () => {
  const current = { id: '0011223344556677', bytes: randomBytes(32) };
  let derived = 0;
  const keys = new (class extends Map<string, typeof current> {
    override get(id: string) {
      derived++;
      return super.get(id);
    }
  })([[current.id, current]]);
  const [here, there] = [0, 1].map(() => new AesGcmLetterSeal({ current, keys }, (length) => randomBytes(length)));
  const letter = there?.seal('hello') ?? new Uint8Array();
  expect(here?.open(letter)).toBe('hello');
  for (let forged = 0; forged < 300; forged++) {
    expect(here?.open(Buffer.concat([letter.subarray(0, 9), randomBytes(16), letter.subarray(25)]))).toBeNull();
  }
  derived = 0;
  expect([here?.open(letter), derived]).toEqual(['hello', 0]);
});
