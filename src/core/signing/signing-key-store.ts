/** The port by which signing keys are kept, and the signatures of cards. */
import type { SealedSecret } from '../secrets/sealer.ts';
import type { DetachedSignature } from './signer.ts';

export interface SigningKeyRecord {
  /** The thumbprint of the public key (RFC 7638). */
  readonly kid: string;
  /** 1, 2, 3, ...: the newest that is active signs. */
  readonly generation: number;
  readonly algorithm: 'ES256';
  /** A JWK as JSON. */
  readonly publicKey: string;
  /** A private JWK as JSON, sealed; null once it is retired. */
  readonly privateKey: SealedSecret | null;
  readonly createdAtMs: number;
  /** From then on it signs; it is published before. */
  readonly activeFromMs: number;
  /** From then on it is not published any more; null: it is. */
  readonly retiredAtMs: number | null;
}

export interface SigningKeyStore {
  /** All, by generation. */
  list(): Promise<readonly SigningKeyRecord[]>;
  /** `false`: another replica has made a key of this generation. */
  insert(record: SigningKeyRecord): Promise<boolean>;
  /** Forgets the private key and the signatures of cards made with it. `false`: there is no such key, or it is retired. */
  retire(kid: string, nowMs: number): Promise<boolean>;
}

export interface CardSignatureStore {
  find(kid: string, digest: string): Promise<DetachedSignature | null>;
  /** Keeps the first signature of a digest, and returns the one that is kept. */
  keep(kid: string, digest: string, signature: DetachedSignature, nowMs: number): Promise<DetachedSignature>;
}
