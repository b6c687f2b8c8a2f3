/** Letters between replicas: what comes out is what went in, and nothing else comes in. */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyRing } from '../secrets/encryption-keys.ts';
import { inputRow, messageRow } from '../tasks/log.ts';
import { decodeLetter, encodeLetters, type ReplicaMessage } from './messages.ts';
import { AesGcmLetterSeal, SEAL_BYTES } from './seal.ts';

const text = fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' });
const rows = fc
  .array(text, { minLength: 1, maxLength: 3 })
  .map((bodies) =>
    bodies.flatMap((body, index) => [
      inputRow(body),
      messageRow(index, { messageId: body, role: 'ROLE_AGENT', parts: [{ text: body }] }),
    ]),
  );
const message: fc.Arbitrary<ReplicaMessage> = fc.oneof(
  fc.constant({ kind: 'hello' as const }),
  fc.record({ kind: fc.constant('follow' as const), taskId: text, seq: fc.nat() }),
  fc.record({ kind: fc.constant('left' as const), taskId: text }),
  fc.record({ kind: fc.constant('moved' as const), taskId: text, seq: fc.nat(), rows }),
  fc.record({ kind: fc.constant('began' as const), taskId: text, seq: fc.nat(), epoch: fc.nat() }),
  fc.record({ kind: fc.constant('cancel' as const), taskId: text, epoch: fc.nat() }),
  fc.record({ kind: fc.constant('key' as const), keyId: text }),
  fc.record({ kind: fc.constant('session' as const), sessionId: text }),
  fc.constant({ kind: 'work' as const }),
);

describe('letters', () => {
  it('come out as they went in, in order, in as many pieces as their size asks for', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 60 }), fc.integer({ min: 2500, max: 6000 }), (messages, maxBytes) => {
        const letters = encodeLetters('replica-1', messages, maxBytes);
        for (const letter of letters) expect(Buffer.byteLength(letter)).toBeLessThanOrEqual(maxBytes);
        const read = letters.map(decodeLetter);
        expect(read.every((letter) => letter?.from === 'replica-1')).toBe(true);
        expect(read.flatMap((letter) => letter?.messages)).toEqual(messages);
      }),
    );
  });

  it('leave out the rows that no letter has room for', () => {
    const moved: ReplicaMessage = { kind: 'moved', taskId: 't', seq: 7, rows: [inputRow('é'.repeat(3000))] };
    const [letter = ''] = encodeLetters('replica-1', [moved], 5000);
    expect(decodeLetter(letter)?.messages).toEqual([{ kind: 'moved', taskId: 't', seq: 7 }]);
  });

  it('of a newer version: kinds that are not known are passed over, fields that are not known too', () => {
    const letter = {
      from: 'newer',
      since: 2,
      messages: [{ kind: 'toString' }, { kind: 'dance', tempo: 3 }, { kind: 'work', urgency: 9 }],
    };
    expect(decodeLetter(JSON.stringify(letter))).toEqual({ from: 'newer', messages: [{ kind: 'work' }] });
  });

  it.each([
    ['no JSON', '{'],
    ['no letter', '[]'],
    ['nobody', '{"from":"","messages":[]}'],
    ['a message without its task', '{"from":"a","messages":[{"kind":"cancel","epoch":1}]}'],
    ['an epoch that is none', '{"from":"a","messages":[{"kind":"cancel","taskId":"t","epoch":"1"}]}'],
    ['rows that are none', '{"from":"a","messages":[{"kind":"moved","taskId":"t","seq":1,"rows":[{"seq":1}]}]}'],
  ])('that are none are null: %s', (_what, json) => {
    expect(decodeLetter(json)).toBeNull();
  });
});

describe('the seal', () => {
  const [one, two] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')];
  const sealWith = (...keys: readonly string[]) => new AesGcmLetterSeal(keyRing(keys), randomBytes);

  it('opens what a replica with the same key has sealed, also while that key is being replaced', () => {
    const seals = [sealWith(one), sealWith(one), sealWith(two, one), sealWith(one, two)];
    for (const from of seals.slice(0, 2)) {
      for (const to of seals) expect(to.open(from.seal('häagen 🐈'))).toBe('häagen 🐈');
    }
    expect(seals[3]?.open(seals[2]?.seal('new key') ?? new Uint8Array())).toBe('new key');
    expect(seals[0]?.open(seals[2]?.seal('new key') ?? new Uint8Array())).toBeNull();
  });

  it('shows nothing of the text, is never the same twice, and is SEAL_BYTES longer', () => {
    const seal = sealWith(one);
    const sealed = Array.from({ length: 100 }, () => Buffer.from(seal.seal('a secret text')));
    expect(new Set(sealed.map((bytes) => bytes.toString('hex'))).size).toBe(100);
    for (const bytes of sealed) {
      expect(bytes.includes('secret')).toBe(false);
      expect(bytes.length).toBe('a secret text'.length + SEAL_BYTES);
    }
  });

  it('does not open with any bit changed, or any byte missing', () => {
    const [from, to] = [sealWith(one), sealWith(one)];
    const sealed = from.seal('text');
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Uint8Array.from(sealed);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(to.open(changed)).toBeNull();
    }
    for (let length = 0; length < sealed.length; length++) expect(to.open(sealed.subarray(0, length))).toBeNull();
    expect(to.open(sealed)).toBe('text');
  });
});
