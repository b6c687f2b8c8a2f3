/** The server's signing keys: made at the first start, shared by all replicas, rotated with overlap. */
import { createHash, generateKeyPairSync, type KeyPairKeyObjectResult } from 'node:crypto';
import type { CryptoKey, JSONWebKeySet, JWK, JWSHeaderParameters } from 'jose';
import { AppError } from '../../protocol/errors.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../logger.ts';
import type { SealedSecret, Sealer } from '../secrets/sealer.ts';
import type { DetachedSignature, Signer } from './signer.ts';
import type { SigningKeyRecord, SigningKeyStore } from './signing-key-store.ts';

const ALGORITHM = 'ES256';
/** What another replica changed is seen within this time. */
export const REFRESH_MS = 30_000;
/** Longer than caches keep the published keys (JWKS_MAX_AGE_SECONDS) and replicas need to see a new one. */
export const DEFAULT_ACTIVATION_SECONDS = 600;
export const JWKS_MAX_AGE_SECONDS = 300;

export type SigningKeyStatus = 'current' | 'upcoming' | 'previous' | 'retired';

export interface SigningKeyInfo {
  readonly kid: string;
  readonly algorithm: string;
  readonly status: SigningKeyStatus;
  readonly createdAtMs: number;
  readonly activeFromMs: number;
  readonly retiredAtMs: number | null;
}

export interface SigningKeysOptions {
  readonly store: SigningKeyStore;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly logger: Logger;
}

const placeOf = (kid: string) => ({ table: 'signing_keys', column: 'private_key', row: kid });

export class SigningKeys implements Signer {
  readonly #store: SigningKeyStore;
  readonly #sealer: Sealer;
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** By generation. */
  #records: readonly SigningKeyRecord[] = [];
  #published: JSONWebKeySet = { keys: [] };
  /** By kid. Opening and importing a key costs more than signing with it. */
  readonly #imported = new Map<string, Promise<CryptoKey>>();
  #stopRefreshing: (() => void) | null = null;

  constructor({ store, sealer, clock, logger }: SigningKeysOptions) {
    this.#store = store;
    this.#sealer = sealer;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Reads the keys, makes the first one where there is none, and begins to look for what other replicas change. */
  async start(): Promise<void> {
    await this.load();
    this.#stopRefreshing ??= this.#clock.every(REFRESH_MS, () => {
      this.#refresh().catch((err: unknown) => this.#logger.warn({ err }, 'signing keys could not be read again'));
    });
  }

  /** As `start`, for a command: looks once. */
  async load(): Promise<void> {
    await this.#refresh();
    while (this.#records.every(({ retiredAtMs }) => retiredAtMs !== null)) {
      if (await this.#add(this.#clock.now())) this.#logger.info({ kid: this.currentKid() }, 'signing key made');
    }
  }

  /** May be called twice. */
  stop(): void {
    this.#stopRefreshing?.();
    this.#stopRefreshing = null;
  }

  /** The key that signs now. */
  currentKid(): string {
    return this.#current().kid;
  }

  async sign(
    payload: Uint8Array,
    header: Omit<JWSHeaderParameters, 'alg' | 'kid'>,
    kid = this.currentKid(),
  ): Promise<DetachedSignature> {
    const key = await this.#keyOf(kid);
    const { FlattenedSign } = await import('jose');
    const jws = await new FlattenedSign(payload).setProtectedHeader({ alg: ALGORITHM, kid, ...header }).sign(key);
    return { protected: jws.protected ?? '', signature: jws.signature };
  }

  publicKeys(): JSONWebKeySet {
    return this.#published;
  }

  /** All keys, the newest first. */
  list(): readonly SigningKeyInfo[] {
    return this.#records.map((record) => this.#infoOf(record)).toReversed();
  }

  /**
   * Makes a key, which is published at once and signs in `activateInSeconds`. Throws CONFLICT where another replica did
   * the same at this moment, or where the last one made does not sign yet.
   */
  async rotate(activateInSeconds = DEFAULT_ACTIVATION_SECONDS): Promise<SigningKeyInfo> {
    await this.#refresh();
    const nowMs = this.#clock.now();
    const newest = this.#records.findLast(({ retiredAtMs }) => retiredAtMs === null);
    if (newest !== undefined && newest.activeFromMs > nowMs) {
      const when = new Date(newest.activeFromMs).toISOString();
      throw new AppError('CONFLICT', `The key ${newest.kid} was made and signs from ${when} on; rotate after that`);
    }
    const made = await this.#add(nowMs + activateInSeconds * 1000);
    if (made === null) throw new AppError('CONFLICT', 'Another replica has just made a key; list the keys');
    this.#logger.info({ kid: made.kid, activateInSeconds }, 'signing key rotated');
    return this.#infoOf(made);
  }

  /** Stops publishing a key: what it signed is not valid any more. Throws NOT_FOUND, and CONFLICT for the key that signs. */
  async retire(kid: string): Promise<SigningKeyInfo> {
    await this.#refresh();
    const record = this.#records.find((entry) => entry.kid === kid);
    if (record === undefined || record.retiredAtMs !== null) {
      throw new AppError('NOT_FOUND', `There is no signing key ${kid}, or it is retired`);
    }
    if (record.kid === this.currentKid()) {
      throw new AppError('CONFLICT', `The key ${kid} is the one that signs; rotate first`);
    }
    await this.#store.retire(kid, this.#clock.now());
    this.#imported.delete(kid);
    await this.#refresh();
    this.#logger.info({ kid }, 'signing key retired');
    return this.#infoOf(this.#records.find((entry) => entry.kid === kid) ?? record);
  }

  async #refresh(): Promise<void> {
    this.#records = await this.#store.list();
    const published = this.#records.filter(({ retiredAtMs }) => retiredAtMs === null).toReversed();
    this.#published = { keys: published.map(publicJwk) };
    const kids = new Set(published.map(({ kid }) => kid));
    for (const kid of this.#imported.keys()) if (!kids.has(kid)) this.#imported.delete(kid);
  }

  /** null: another replica was faster. */
  async #add(activeFromMs: number): Promise<SigningKeyRecord | null> {
    const { kid, privateKey, publicKey } = newKeyPair();
    const record: SigningKeyRecord = {
      kid,
      generation: (this.#records.at(-1)?.generation ?? 0) + 1,
      algorithm: ALGORITHM,
      publicKey: JSON.stringify(publicKey),
      privateKey: this.#sealer.seal(JSON.stringify(privateKey), placeOf(kid)),
      createdAtMs: this.#clock.now(),
      activeFromMs,
      retiredAtMs: null,
    };
    const isMade = await this.#store.insert(record);
    await this.#refresh();
    return isMade ? record : null;
  }

  #current(): SigningKeyRecord {
    const nowMs = this.#clock.now();
    const usable = this.#records.filter(({ retiredAtMs }) => retiredAtMs === null);
    // A clock that was set back must not leave the server without a key.
    const current = usable.findLast(({ activeFromMs }) => activeFromMs <= nowMs) ?? usable[0];
    if (current === undefined) throw new AppError('UNAVAILABLE', 'There is no signing key');
    return current;
  }

  #infoOf(record: SigningKeyRecord): SigningKeyInfo {
    const { kid, algorithm, generation, createdAtMs, activeFromMs, retiredAtMs } = record;
    const current = this.#current();
    const isNewer = generation > current.generation;
    const status =
      retiredAtMs !== null ? 'retired' : current.kid === kid ? 'current' : isNewer ? 'upcoming' : 'previous';
    return { kid, algorithm, status, createdAtMs, activeFromMs, retiredAtMs };
  }

  #keyOf(kid: string): Promise<CryptoKey> {
    const known = this.#imported.get(kid);
    if (known !== undefined) return known;
    const sealed = this.#records.find((record) => record.kid === kid)?.privateKey ?? null;
    if (sealed === null) throw new AppError('UNAVAILABLE', 'The signing key is not there any more');
    const imported = this.#import(kid, sealed);
    this.#imported.set(kid, imported);
    imported.catch(() => this.#imported.delete(kid));
    return imported;
  }

  async #import(kid: string, sealed: SealedSecret): Promise<CryptoKey> {
    const jwk = JSON.parse(this.#sealer.open(sealed, placeOf(kid))) as JWK;
    // Loaded when it is needed: a server that starts has nothing to sign yet.
    const { importJWK } = await import('jose');
    const key = await importJWK(jwk, ALGORITHM);
    if (key instanceof Uint8Array) throw new AppError('DECRYPTION_FAILED', 'A stored secret cannot be opened');
    return key;
  }
}

/** On a command line an id that begins with `-` would be read as an option: one in 64 pairs is not taken. */
export function newKeyPair(generate: () => KeyPairKeyObjectResult = generateP256) {
  for (;;) {
    const { privateKey, publicKey } = generate();
    const { kty, crv, x, y } = publicKey.export({ format: 'jwk' });
    // RFC 7638: these members, in this order.
    const kid = createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
    if (!kid.startsWith('-'))
      return { kid, privateKey: privateKey.export({ format: 'jwk' }), publicKey: { kty, crv, x, y } };
  }
}

const generateP256 = (): KeyPairKeyObjectResult => generateKeyPairSync('ec', { namedCurve: 'P-256' });

function publicJwk({ kid, algorithm, publicKey }: SigningKeyRecord): JWK {
  return { ...(JSON.parse(publicKey) as JWK), kid, alg: algorithm, use: 'sig' };
}
