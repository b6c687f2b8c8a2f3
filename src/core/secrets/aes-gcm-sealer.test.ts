/** What is sealed opens where it was sealed, and nowhere else. */
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { thrownBy } from '../../../test/support/thrown-by.ts';
import { AesGcmSealer } from './aes-gcm-sealer.ts';
import { keyRing } from './encryption-keys.ts';
import type { SealedSecret, SecretPlace } from './sealer.ts';

const KEY = randomBytes(32).toString('base64');
const PLACE: SecretPlace = { table: 'push_configs', column: 'token', row: '1' };
const sealer = new AesGcmSealer({ randomBytes, ring: keyRing([KEY]) });

/** The code of the error; fails where it opens. */
const refusal = (sealed: SealedSecret, place = PLACE, opener = sealer) =>
  thrownBy(() => opener.open(sealed, place)).code;

describe('sealed secrets', () => {
  test.each(['', 'secret', 'Ünïcode 名前 \u0000 end', 'x'.repeat(100_000)])('[A12] %j opens as it was', (text) => {
    const sealed = sealer.seal(text, PLACE);
    expect(sealed.envelope).toMatch(/^enc:v1:[\w-]{16}:[\w-]{22}:[\w-]*$/);
    expect(sealer.open(sealed, PLACE)).toBe(text);
  });

  test('[A12] the same text never has the same envelope twice', () => {
    const envelopes = Array.from({ length: 100 }, () => sealer.seal('secret', PLACE).envelope);
    expect(new Set(envelopes).size).toBe(100);
  });

  test('[A12] an envelope that was changed anywhere does not open', () => {
    const sealed = sealer.seal('a secret of some length', PLACE);
    for (let index = 0; index < sealed.envelope.length; index++) {
      const character = sealed.envelope[index] === 'A' ? 'Q' : 'A';
      const envelope = `${sealed.envelope.slice(0, index)}${character}${sealed.envelope.slice(index + 1)}`;
      // The last character of a part has bits that stand for nothing: another character may be the same bytes.
      const isSame = bytesOf(envelope) === bytesOf(sealed.envelope);
      expect([index, isSame || refusal({ ...sealed, envelope })]).toEqual([index, isSame || 'DECRYPTION_FAILED']);
    }
    for (const envelope of ['', 'enc:', 'enc:v2:a:b:c', sealed.envelope.slice(0, -4), `${sealed.envelope}:x`]) {
      expect(refusal({ ...sealed, envelope })).toBe('DECRYPTION_FAILED');
    }
    // A tag that is shorter would be easier to guess.
    const [enc, v1, iv, tag, text] = sealed.envelope.split(':');
    expect(refusal({ ...sealed, envelope: [enc, v1, iv, tag?.slice(0, 6), text].join(':') })).toBe('DECRYPTION_FAILED');
  });

  test('[A12] an envelope that was moved to another table, column or row does not open', () => {
    const sealed = sealer.seal('secret', PLACE);
    for (const place of [
      { ...PLACE, table: 'other' },
      { ...PLACE, column: 'other' },
      { ...PLACE, row: '2' },
      { table: 'push_configst', column: 'oken', row: '1' },
      { table: 'push_configs', column: 'token1', row: '' },
    ])
      expect(refusal(sealed, place)).toBe('DECRYPTION_FAILED');
  });

  test('[A12] a key that is not here is told to the operator, with no secret', () => {
    const other = new AesGcmSealer({ randomBytes, ring: keyRing([randomBytes(32).toString('base64')]) });
    const sealed = other.seal('secret', PLACE);
    expect(refusal(sealed)).toBe('DECRYPTION_FAILED');
    // The id of a key that is here does not help.
    expect(refusal({ ...sealed, keyId: sealer.currentKeyId })).toBe('DECRYPTION_FAILED');
    expect(thrownBy(() => sealer.open(sealed, PLACE))).toMatchObject({
      message: 'A stored secret cannot be opened',
      detail: expect.stringContaining(sealed.keyId),
    });
  });

  test('[A12] an earlier key opens, and the current one seals', () => {
    const newKey = randomBytes(32).toString('base64');
    const both = new AesGcmSealer({ randomBytes, ring: keyRing([newKey, KEY]) });
    const old = sealer.seal('secret', PLACE);
    expect(both.open(old, PLACE)).toBe('secret');
    const sealed = both.seal('secret', PLACE);
    expect(sealed.keyId).toBe(both.currentKeyId);
    expect(sealed.keyId).not.toBe(old.keyId);
  });

  test('[A12] plaintext opens only where it may lie, and only where no key is named', () => {
    expect(refusal({ keyId: '', envelope: 'plain' })).toBe('DECRYPTION_FAILED');
    const lenient = new AesGcmSealer({ randomBytes, ring: keyRing([KEY]), mayBePlaintext: ({ row }) => row === '1' });
    expect(lenient.open({ keyId: '', envelope: 'plain' }, PLACE)).toBe('plain');
    expect(refusal({ keyId: '', envelope: 'plain' }, { ...PLACE, row: '2' }, lenient)).toBe('DECRYPTION_FAILED');
    expect(refusal({ keyId: lenient.currentKeyId, envelope: 'plain' }, PLACE, lenient)).toBe('DECRYPTION_FAILED');
    expect(refusal({ keyId: '', envelope: 'enc:v1:broken' }, PLACE, lenient)).toBe('DECRYPTION_FAILED');
  });
});

const bytesOf = (envelope: string) => {
  const [enc, version, ...parts] = envelope.split(':');
  return [enc, version, ...parts.map((part) => Buffer.from(part, 'base64url').toString('hex'))].join(':');
};
