/**
 * The signature of a push: a detached JWS (RFC 7515 appendix F) over a text that binds the event, the time, the
 * receiver's address and the body. Verifying is here too, so that the two cannot differ.
 */
import { createHash } from 'node:crypto';
import type { JSONWebKeySet } from 'jose';
import type { Signer } from '../signing/signer.ts';

export const EVENT_ID_HEADER = 'parley-event-id';
export const TIMESTAMP_HEADER = 'parley-timestamp';
export const SIGNATURE_HEADER = 'parley-signature';

/** `typ` of the protected header: a signature made for something else is never one of a push. */
export const PUSH_TYP = 'parley-push+jws';

/** How far the clocks of server and receiver may be apart, with the time on the way. */
export const DEFAULT_TOLERANCE_SECONDS = 300;

export interface SignedParts {
  readonly eventId: string;
  /** Seconds since 1970, as text. */
  readonly timestamp: string;
  /** As in the configuration. */
  readonly url: string;
  readonly body: string | Uint8Array;
}

/** Five lines: `parley-push-v1`, the event id, the timestamp, the address, and SHA-256 of the body in base64url. */
export function signedText({ eventId, timestamp, url, body }: SignedParts): string {
  const digest = createHash('sha256').update(body).digest('base64url');
  return ['parley-push-v1', eventId, timestamp, url, digest].join('\n');
}

export async function signPush(signer: Signer, parts: SignedParts): Promise<string> {
  const { protected: header, signature } = await signer.sign(new TextEncoder().encode(signedText(parts)), {
    typ: PUSH_TYP,
  });
  return `${header}..${signature}`;
}

export interface ReceivedPush {
  readonly eventId: string | undefined;
  readonly timestamp: string | undefined;
  readonly signature: string | undefined;
  readonly url: string;
  readonly body: string | Uint8Array;
}

export interface VerifyOptions {
  readonly nowMs: number;
  readonly toleranceSeconds: number;
}

/** Answers null for a valid push, and else the one reason why it is not. */
export async function pushProblem(
  push: ReceivedPush,
  jwks: JSONWebKeySet,
  { nowMs, toleranceSeconds }: VerifyOptions,
): Promise<string | null> {
  const { eventId, timestamp, signature, url, body } = push;
  if (eventId === undefined) return `the header ${EVENT_ID_HEADER} is missing`;
  if (timestamp === undefined) return `the header ${TIMESTAMP_HEADER} is missing`;
  if (signature === undefined) return `the header ${SIGNATURE_HEADER} is missing`;
  if (!/^\d{1,12}$/.test(timestamp)) return `${TIMESTAMP_HEADER} is not a number of seconds`;
  const ageSeconds = nowMs / 1000 - Number(timestamp);
  if (ageSeconds > toleranceSeconds)
    return `it is ${Math.round(ageSeconds)} seconds old; ${toleranceSeconds} are allowed`;
  if (ageSeconds < -toleranceSeconds) return `it comes from the future, by ${Math.round(-ageSeconds)} seconds`;
  const [header, empty, mac, ...rest] = signature.split('.');
  if (header === undefined || mac === undefined || empty !== '' || rest.length > 0) {
    return `${SIGNATURE_HEADER} is not a detached JWS`;
  }
  const { createLocalJWKSet, decodeProtectedHeader, errors, flattenedVerify } = await import('jose');
  try {
    if (decodeProtectedHeader({ protected: header }).typ !== PUSH_TYP) return `the signature's typ is not ${PUSH_TYP}`;
    const payload = new TextEncoder().encode(signedText({ eventId, timestamp, url, body }));
    await flattenedVerify(
      { protected: header, payload: Buffer.from(payload).toString('base64url'), signature: mac },
      createLocalJWKSet(jwks),
      { algorithms: ['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519', 'PS256', 'RS256'] },
    );
    return null;
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) return 'the key that signed it is not among those of the JWKS';
    if (error instanceof errors.JWSSignatureVerificationFailed) {
      return 'the signature does not match: the body, the event id, the timestamp or the address is not what was signed';
    }
    return `the signature cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  }
}
