/** Whether a card is signed by a key that the caller trusts (A2A 1.0 section 8.4.3): one verdict, one reason. */
import type { JSONWebKeySet, JWSHeaderParameters } from 'jose';
import { CARD_FORMS, type CardForm, canonicalCard, fieldsOutside } from '../../protocol/card-canonical.ts';
import { AppError } from '../../protocol/errors.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { isJsonObject } from '../../protocol/scalars.ts';

/** Asymmetric ones only: with a shared secret, whoever can verify can sign. */
const ALGORITHMS = [
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
  'EdDSA',
  'Ed25519',
];
/** Signatures looked at; a card with more is no card that anybody wrote. */
const MAX_SIGNATURES = 20;

/** Keys, and why they are trusted, for people to read. */
export interface TrustedKeys {
  readonly keys: JSONWebKeySet;
  readonly trust: string;
}

/**
 * Where the keys for a signature with this header come from; null: nothing says that they may be trusted. The header is
 * the signer's own word: its `jku` alone is no reason.
 */
export type FindKeys = (header: {
  readonly kid: string;
  readonly jku: string | undefined;
}) => Promise<TrustedKeys | null>;

/** In the order of what is told where several signatures fail: the one that came furthest. */
export const REASONS = {
  signature_valid: 'a signature holds',
  signature_invalid: 'no signature fits what the card says, so the card was changed or the key is another one',
  key_not_found: 'the trusted keys have none with the id that the signature names',
  keys_unavailable: 'the keys could not be had',
  keys_not_trusted: 'nothing vouches for the keys: the address in a signature proves nothing by itself',
  algorithm_not_allowed: 'the signature has an algorithm that is not accepted',
  header_malformed: 'the header of the signature cannot be read, or lacks alg or kid',
  card_malformed: 'the card cannot be canonicalized',
  no_signatures: 'the card has no signature',
} as const;
export type CardReason = keyof typeof REASONS;

export interface CardVerification {
  readonly verdict: 'valid' | 'invalid' | 'untrusted' | 'unsigned';
  readonly reason: CardReason;
  /** More on the reason, where there is more. */
  readonly detail?: string;
  /** Of the signature that the reason is about. */
  readonly kid?: string;
  /** What the keys are trusted for. */
  readonly trust?: string;
  /** The form of the card that the signature covers. */
  readonly form?: CardForm;
  /** Fields that the signature does not cover. */
  readonly uncovered?: readonly string[];
}

export async function verifyCard(card: JsonObject, findKeys: FindKeys): Promise<CardVerification> {
  const { signatures } = card;
  if (!Array.isArray(signatures) || signatures.length === 0) return { verdict: 'unsigned', reason: 'no_signatures' };
  const results: CardVerification[] = [];
  for (const signature of signatures.slice(0, MAX_SIGNATURES)) {
    const result = await verifyOne(card, signature, findKeys);
    // One that covers every field is the best that there is.
    if (result.verdict === 'valid' && result.uncovered?.length === 0) return result;
    results.push(result);
  }
  const order = Object.keys(REASONS);
  const [furthest] = results.toSorted((a, b) => order.indexOf(a.reason) - order.indexOf(b.reason));
  return furthest ?? { verdict: 'unsigned', reason: 'no_signatures' };
}

/** The one that covers most comes first. */
const FORMS: readonly CardForm[] = ['received', ...CARD_FORMS.filter((form) => form !== 'received')];

const invalid = (reason: CardReason, more: Partial<CardVerification> = {}): CardVerification => ({
  verdict: 'invalid',
  reason,
  ...more,
});

async function verifyOne(card: JsonObject, signature: unknown, findKeys: FindKeys): Promise<CardVerification> {
  const { decodeProtectedHeader } = await import('jose');
  if (!isJsonObject(signature)) return invalid('header_malformed');
  const { protected: protectedHeader, signature: bytes } = signature;
  if (typeof protectedHeader !== 'string' || typeof bytes !== 'string') return invalid('header_malformed');
  let header: JWSHeaderParameters;
  try {
    header = decodeProtectedHeader({ protected: protectedHeader });
  } catch {
    return invalid('header_malformed');
  }
  const { alg, kid, jku } = header;
  if (typeof alg !== 'string' || typeof kid !== 'string') return invalid('header_malformed');
  if (!ALGORITHMS.includes(alg)) return invalid('algorithm_not_allowed', { kid, detail: alg });
  let trusted: TrustedKeys | null;
  try {
    trusted = await findKeys({ kid, jku: typeof jku === 'string' ? jku : undefined });
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return invalid('keys_unavailable', { kid, detail: error.message });
  }
  if (trusted === null) {
    return {
      verdict: 'untrusted',
      reason: 'keys_not_trusted',
      kid,
      ...(typeof jku === 'string' ? { detail: jku } : {}),
    };
  }
  return holds(card, { protected: protectedHeader, signature: bytes }, trusted, kid);
}

async function holds(
  card: JsonObject,
  jws: { readonly protected: string; readonly signature: string },
  { keys, trust }: TrustedKeys,
  kid: string,
): Promise<CardVerification> {
  const { createLocalJWKSet, errors, flattenedVerify } = await import('jose');
  const about = { kid, trust };
  for (const form of FORMS) {
    let payload: string;
    try {
      payload = Buffer.from(canonicalCard(card, form)).toString('base64url');
    } catch {
      return invalid('card_malformed', about);
    }
    try {
      await flattenedVerify({ ...jws, payload }, createLocalJWKSet(keys), { algorithms: ALGORITHMS });
      const uncovered = form === 'received' ? [] : fieldsOutside(card);
      return { verdict: 'valid', reason: 'signature_valid', form, uncovered, ...about };
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSInvalid) {
        return invalid('key_not_found', about);
      }
      if (!(error instanceof errors.JOSEError || error instanceof TypeError || error instanceof DOMException))
        throw error;
    }
  }
  return invalid('signature_invalid', about);
}
