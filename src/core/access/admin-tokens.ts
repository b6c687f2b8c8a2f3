/** Short-lived tokens got with the admin key: JWTs that open what the key opens, and end with it. */
import { hkdfSync } from 'node:crypto';
import type { Clock } from '../clock.ts';
import type { Ids } from '../ids.ts';
import type { AdminKeySource } from './admin-key.ts';

const ISSUER = 'parley';
const AUDIENCE = 'parley-admin';
const SUBJECT = 'admin';
const ALGORITHM = 'HS256';
const MAX_TOKEN_CHARACTERS = 4096;
const TOKEN_PATTERN = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

export interface IssuedAdminToken {
  readonly token: string;
  /** Seconds. */
  readonly expires_in: number;
}

export interface AdminTokensOptions {
  readonly adminKey: AdminKeySource;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Default: 900. */
  readonly ttlSeconds?: number;
}

/** Whether a text has the form of a token; others need no cryptography. */
export function isTokenShaped(credential: string): boolean {
  return credential.length <= MAX_TOKEN_CHARACTERS && TOKEN_PATTERN.test(credential);
}

/** Replicas with the same admin key accept each other's tokens; replacing the key ends all of them. */
export class AdminTokens {
  readonly #adminKey: AdminKeySource;
  readonly #clock: Clock;
  readonly #ids: Ids;
  readonly #ttlSeconds: number;
  #derived: { readonly from: string; readonly key: Uint8Array } | null = null;

  constructor({ adminKey, clock, ids, ttlSeconds = 900 }: AdminTokensOptions) {
    this.#adminKey = adminKey;
    this.#clock = clock;
    this.#ids = ids;
    this.#ttlSeconds = ttlSeconds;
  }

  /** The caller has checked the admin key. */
  async issue(): Promise<IssuedAdminToken> {
    const issuedAt = Math.floor(this.#clock.now() / 1000);
    // Loaded when first needed: most servers start, and many run, without a token.
    const { SignJWT } = await import('jose');
    const token = await new SignJWT()
      .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setSubject(SUBJECT)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + this.#ttlSeconds)
      .setJti(this.#ids.next())
      .sign(this.#signingKey());
    return { token, expires_in: this.#ttlSeconds };
  }

  /** Whether it is a token of this server that has not expired. */
  async isValid(token: string): Promise<boolean> {
    const { errors, jwtVerify } = await import('jose');
    try {
      await jwtVerify(token, this.#signingKey(), {
        algorithms: [ALGORITHM],
        issuer: ISSUER,
        audience: AUDIENCE,
        subject: SUBJECT,
        requiredClaims: ['exp', 'iat', 'jti'],
        currentDate: new Date(this.#clock.now()),
      });
      return true;
    } catch (error) {
      if (error instanceof errors.JOSEError) return false;
      throw error;
    }
  }

  #signingKey(): Uint8Array {
    const from = this.#adminKey.current();
    if (this.#derived?.from !== from) {
      this.#derived = { from, key: new Uint8Array(hkdfSync('sha256', from, 'parley', 'admin-token v1', 32)) };
    }
    return this.#derived.key;
  }
}
