/** The ids of signing keys. */
import { createPrivateKey, createPublicKey, type KeyPairKeyObjectResult } from 'node:crypto';
import { expect, it } from 'vitest';
import { newKeyPair } from './signing-keys.ts';

/** P-256 pairs whose thumbprints begin with `-` and with another character. */
const DASHED =
  'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjI8RmMz15qbf7f210ma49kwTv9ZzdLEcsdFEYMCB9qyhRANCAASPev8aHKa1HS2QaFDXsWw/iaM5er2q6V67uhEM29htLFrGfkzDMrKwQmOhQIKcYptskoljE6TDdICAGx6KTjpn';
const PLAIN =
  'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgS8fkX/zO1iHn6sRGNsmaofFHAb6MIZq7CRYF0ELC3BqhRANCAATyXGl6fA+DJ/UxLU0CdYMWqts/0jOqdLFPvzVCvacLyABqnyreNlAUXrqnYkAaS1/4TSOhDill2BvsyRwYYobS';

function pairOf(pkcs8: string): KeyPairKeyObjectResult {
  const privateKey = createPrivateKey({ key: Buffer.from(pkcs8, 'base64'), format: 'der', type: 'pkcs8' });
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

it('[A17] no key gets an id that a command line would read as an option', () => {
  const pairs = [DASHED, PLAIN].map(pairOf);
  const { kid, privateKey } = newKeyPair(() => {
    const pair = pairs.shift();
    if (pair === undefined) throw new Error('asked for a third pair');
    return pair;
  });
  expect(pairs).toEqual([]);
  expect(kid).toMatch(/^[A-Za-z0-9_][\w-]{42}$/);
  expect(privateKey).toEqual(pairOf(PLAIN).privateKey.export({ format: 'jwk' }));
});
