/** The port by which the server signs what it says: agent cards and push notifications. */
import type { JSONWebKeySet, JWSHeaderParameters } from 'jose';

/** A flattened JWS (RFC 7515 section 7.2.2) without its payload. */
export interface DetachedSignature {
  /** The protected header, base64url. */
  readonly protected: string;
  /** base64url. */
  readonly signature: string;
}

export interface Signer {
  /** Signs with the current key; `alg` and `kid` are added to `header`. */
  sign(payload: Uint8Array, header: Omit<JWSHeaderParameters, 'alg' | 'kid'>): Promise<DetachedSignature>;
  /** Public keys of all signatures that may still be met, for `/.well-known/jwks.json`. */
  publicKeys(): JSONWebKeySet;
}
