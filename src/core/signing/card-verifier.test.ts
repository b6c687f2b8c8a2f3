/** One verdict with one reason, whatever a card claims of itself. */
import { exportJWK, FlattenedSign, generateKeyPair, type JSONWebKeySet } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { canonicalCard } from '../../protocol/card-canonical.ts';
import { AppError } from '../../protocol/errors.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { type FindKeys, verifyCard } from './card-verifier.ts';

const CARD: JsonObject = {
  name: 'A',
  description: '',
  version: '1',
  supportedInterfaces: [{ url: 'https://a.example', protocolBinding: 'JSONRPC', protocolVersion: '1.0' }],
  capabilities: {},
  defaultInputModes: [],
  defaultOutputModes: [],
  skills: [],
  url: 'https://old.example',
  securitySchemes: { key: { type: 'apiKey', apiKeySecurityScheme: { location: 'header', name: 'k' } } },
};

let jwks: JSONWebKeySet;
let sign: (payload: string, header?: object) => Promise<JsonObject>;
beforeAll(async () => {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256' }] };
  sign = async (payload, header = {}) => {
    const jws = await new FlattenedSign(Buffer.from(payload))
      .setProtectedHeader({ alg: 'ES256', kid: 'k1', typ: 'JOSE', ...header })
      .sign(privateKey);
    return { protected: jws.protected ?? '', signature: jws.signature };
  };
});

const trusting: FindKeys = async () => ({ keys: jwks, trust: 'the test' });
const head = (header: unknown) => Buffer.from(JSON.stringify(header)).toString('base64url');

describe('verifyCard', () => {
  test.each(['specified', 'compact', 'received'] as const)('[A17] a signature of the form %s holds', async (form) => {
    const signed = { ...CARD, signatures: [await sign(canonicalCard(CARD, form))] };
    const uncovered = form === 'received' ? [] : ['url', 'securitySchemes.key.type'];
    expect(await verifyCard(signed, trusting)).toEqual({
      verdict: 'valid',
      reason: 'signature_valid',
      form,
      kid: 'k1',
      trust: 'the test',
      uncovered,
    });
  });

  test('[A17] of several signatures one needs to hold, and the one that covers most is told', async () => {
    const signatures = [
      { protected: 'broken', signature: 'x' },
      await sign(canonicalCard(CARD, 'specified')),
      await sign(canonicalCard(CARD, 'received')),
    ];
    expect(await verifyCard({ ...CARD, signatures }, trusting)).toMatchObject({ verdict: 'valid', form: 'received' });
    // Changed where only 0.3 clients look: it still holds for the others, and says for whom it does not.
    const changed = { ...CARD, url: 'https://evil.example', signatures };
    expect(await verifyCard(changed, trusting)).toMatchObject({
      verdict: 'valid',
      form: 'specified',
      uncovered: ['url', 'securitySchemes.key.type'],
    });
  });

  test.each([
    ['name', { name: 'B' }],
    ['supportedInterfaces', { supportedInterfaces: [] }],
    ['securitySchemes', { securitySchemes: {} }],
    ['capabilities', { capabilities: { streaming: true } }],
    ['skills', { skills: [{ id: 'x', name: 'x', description: '', tags: [] }] }],
    ['a field that is added', { iconUrl: '' }],
  ])('[A17] a card whose %s was changed is invalid', async (_field, change) => {
    const signatures = await Promise.all(
      (['specified', 'received'] as const).map(async (form) => sign(canonicalCard(CARD, form))),
    );
    const result = await verifyCard({ ...CARD, ...change, signatures }, trusting);
    expect(result).toMatchObject({ verdict: 'invalid', reason: 'signature_invalid' });
  });

  test('[A17] without a signature it is unsigned', async () => {
    for (const signatures of [undefined, null, [], 'x', {}]) {
      const card = signatures === undefined ? CARD : { ...CARD, signatures };
      expect(await verifyCard(card, trusting)).toEqual({ verdict: 'unsigned', reason: 'no_signatures' });
    }
  });

  test.each([
    ['header_malformed', 'x'],
    ['header_malformed', { protected: 1, signature: '' }],
    ['header_malformed', { protected: '%%', signature: 'x' }],
    ['header_malformed', { protected: head([]), signature: 'x' }],
    ['header_malformed', { protected: head({ alg: 'ES256' }), signature: 'x' }],
    ['algorithm_not_allowed', { protected: head({ alg: 'none', kid: 'k1' }), signature: '' }],
    ['algorithm_not_allowed', { protected: head({ alg: 'HS256', kid: 'k1' }), signature: 'x' }],
    ['key_not_found', { protected: head({ alg: 'ES256', kid: 'k2' }), signature: 'x' }],
    ['key_not_found', { protected: head({ alg: 'RS256', kid: 'k1' }), signature: 'x' }],
    ['signature_invalid', { protected: head({ alg: 'ES256', kid: 'k1' }), signature: 'x' }],
    ['signature_invalid', { protected: head({ alg: 'ES256', kid: 'k1' }), signature: '%' }],
    ['signature_invalid', { protected: head({ alg: 'ES256', kid: 'k1', crit: ['b64'], b64: false }), signature: 'x' }],
  ])('[A17] the reason is %s for %j', async (reason, signature) => {
    const result = await verifyCard({ ...CARD, signatures: [signature] }, trusting);
    expect(result).toMatchObject({ verdict: 'invalid', reason });
  });

  test('[A17] the address in a signature is handed on, and trusted only if it is said so', async () => {
    const signature = await sign(canonicalCard(CARD, 'received'), { jku: 'https://keys.example/jwks' });
    const asked: unknown[] = [];
    const result = await verifyCard({ ...CARD, signatures: [signature] }, async (header) => {
      asked.push(header);
      return null;
    });
    expect(asked).toEqual([{ kid: 'k1', jku: 'https://keys.example/jwks' }]);
    expect(result).toEqual({
      verdict: 'untrusted',
      reason: 'keys_not_trusted',
      kid: 'k1',
      detail: 'https://keys.example/jwks',
    });
  });

  test('[A17] keys that cannot be had are told with the reason', async () => {
    const signature = await sign(canonicalCard(CARD, 'received'));
    const result = await verifyCard({ ...CARD, signatures: [signature] }, async () => {
      throw new AppError('UNAVAILABLE', 'nobody answers');
    });
    expect(result).toMatchObject({ verdict: 'invalid', reason: 'keys_unavailable', detail: 'nobody answers' });
  });

  test('[A17] of many signatures only so many are looked at', async () => {
    let asked = 0;
    const signatures = Array.from({ length: 500 }, () => ({
      protected: head({ alg: 'ES256', kid: 'k1' }),
      signature: 'x',
    }));
    await verifyCard({ ...CARD, signatures }, async () => {
      asked++;
      return { keys: jwks, trust: '' };
    });
    expect(asked).toBe(20);
  });
});
