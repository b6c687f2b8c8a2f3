/** Signs a card with a key of a file (PEM or JWK). */
import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { JWK } from 'jose';
import { canonicalPayloads } from '../protocol/card-canonical.ts';
import { AppError } from '../protocol/errors.ts';
import type { JsonObject } from '../protocol/json.ts';
import type { AgentCardSignature } from '../protocol/v1/types.ts';
import { readText } from './card-source.ts';

export interface FileKeyFlags {
  /** Path of a private key. */
  readonly key: string;
  readonly kid?: string;
  readonly jku?: string;
}

/** One signature for each form in which the card can be read. The key never shows in an error. */
export async function signWithFile(
  card: JsonObject,
  { key: path, kid, jku }: FileKeyFlags,
): Promise<AgentCardSignature[]> {
  const text = readText(path);
  const jwk = text.trimStart().startsWith('{') ? parseJwk(text, path) : null;
  const key = privateKeyOf(text, jwk, path);
  const alg = algorithmOf(key, path);
  const id = kid ?? (typeof jwk?.kid === 'string' ? jwk.kid : thumbprintOf(key));
  const { FlattenedSign } = await import('jose');
  const header = { alg, kid: id, typ: 'JOSE', ...(jku === undefined ? {} : { jku }) };
  return Promise.all(
    canonicalPayloads(card).map(async (payload) => {
      const jws = await new FlattenedSign(Buffer.from(payload)).setProtectedHeader(header).sign(key);
      return { protected: jws.protected ?? '', signature: jws.signature };
    }),
  );
}

function parseJwk(text: string, path: string): JWK {
  try {
    return JSON.parse(text) as JWK;
  } catch {
    throw new AppError('INVALID_PARAMS', `${path} holds no private key in PEM or as a JWK`);
  }
}

function privateKeyOf(text: string, jwk: JWK | null, path: string): KeyObject {
  try {
    return jwk === null ? createPrivateKey(text) : createPrivateKey({ key: { ...jwk }, format: 'jwk' });
  } catch {
    throw new AppError('INVALID_PARAMS', `${path} holds no private key in PEM or as a JWK`);
  }
}

/** By the name of the curve, or the kind of key where that says all. */
const ALGORITHMS: Readonly<Record<string, string>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
  rsa: 'RS256',
  ed25519: 'EdDSA',
};

function algorithmOf(key: KeyObject, path: string): string {
  const kind = key.asymmetricKeyType === 'ec' ? key.asymmetricKeyDetails?.namedCurve : key.asymmetricKeyType;
  const algorithm = ALGORITHMS[kind ?? ''];
  if (algorithm !== undefined) return algorithm;
  throw new AppError('INVALID_PARAMS', `${path}: a key for cards is P-256, P-384, P-521, RSA or Ed25519`);
}

/** RFC 7638: the required members by name, in the order of their names. */
function thumbprintOf(key: KeyObject): string {
  const { crv, e, kty, n, x, y } = createPublicKey(key).export({ format: 'jwk' });
  const members = kty === 'RSA' ? { e, kty, n } : kty === 'OKP' ? { crv, kty, x } : { crv, kty, x, y };
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url');
}
