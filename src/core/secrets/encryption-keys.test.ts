/** Which keys are taken, and which are too weak. */
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { encryptionKeysProblem, keyRing } from './encryption-keys.ts';

const hexOf = (make: (index: number) => number) =>
  Buffer.from(Array.from({ length: 32 }, (_, i) => make(i))).toString('hex');

describe('encryption keys', () => {
  test('[A12] 32 random bytes are taken in base64, base64url and hexadecimal, and are the same key', () => {
    const bytes = randomBytes(32);
    const forms = ['base64', 'base64url', 'hex'] as const;
    const ids = forms.map((form) => keyRing([bytes.toString(form)]).current.id);
    expect(new Set(ids).size).toBe(1);
    expect(ids[0]).toMatch(/^[0-9a-f]{16}$/);
    expect(bytes.toString('hex')).not.toContain(ids[0]);
  });

  test.each([
    ['nothing', ''],
    ['comments only', '# a key\n\n'],
    ['16 bytes', randomBytes(16).toString('base64')],
    ['33 bytes', randomBytes(33).toString('base64')],
    ['no base64', `${'!'.repeat(43)}=`],
    ['a repetition', hexOf(() => 7)],
    ['a pattern', hexOf((index) => index % 8)],
    ['a sequence', hexOf((index) => index)],
    ['a descending sequence', hexOf((index) => 255 - index)],
    ['text', Buffer.from('correct horse battery staple 123').toString('base64')],
    ['a good key with a bad one below it', `${randomBytes(32).toString('base64')}\nsecret`],
  ])('[A12] %s is refused, and the reason does not show it', (_name, text) => {
    const problem = encryptionKeysProblem(text);
    expect(problem).toMatch(/^must /);
    for (const line of text.split('\n').filter((part) => part.length > 5)) expect(problem).not.toContain(line);
    expect(() => keyRing([text])).toThrow(/an encryption key must /);
  });

  test('[A12] the first line seals, the others open; comments and repetitions do not count', () => {
    const [a, b, c] = [randomBytes(32), randomBytes(32), randomBytes(32)].map((key) => key.toString('base64'));
    const ring = keyRing([`# since May\n${a}\r\n\n${b}\n`, `${c}`, `${a}`]);
    expect(ring.current.id).toBe(keyRing([`${a}`]).current.id);
    expect(ring.keys.size).toBe(3);
  });
});
