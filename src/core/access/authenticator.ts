/** From a credential to a principal. An API key seen lately costs one hash and one look-up in memory. */
import { AppError } from '../../protocol/errors.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../logger.ts';
import { AdminKeyCheck, type AdminKeySource } from './admin-key.ts';
import { type AdminTokens, isTokenShaped } from './admin-tokens.ts';
import type { ApiKeyRecord, ApiKeyStore } from './api-key-store.ts';
import { hashCredential, isApiKeyShaped } from './api-keys.ts';
import { type CachedKey, KeyCache, UnknownKeys } from './key-cache.ts';
import { KeyUses } from './key-uses.ts';
import { type AccessMetrics, NO_ACCESS_METRICS } from './metrics.ts';
import { ADMIN, ANONYMOUS, type Principal } from './principal.ts';

const UNKNOWN_TTL_MS = 2000;
const HOW = 'as `Authorization: Bearer <key>` or `x-api-key: <key>`';

export interface AuthenticatorOptions {
  /** `none`: everyone is ANONYMOUS. */
  readonly mode: 'key' | 'none';
  readonly store: ApiKeyStore;
  readonly adminKey: AdminKeySource;
  readonly adminTokens: AdminTokens;
  readonly clock: Clock;
  readonly metrics: AccessMetrics;
  readonly log: Logger;
  /** What another process changed of a key takes effect within this time. Default: 5000. */
  readonly cacheTtlMs?: number;
  /** API keys kept in memory, and as many unknown ones. Default: 10000. */
  readonly cacheMaxEntries?: number;
}

interface Lookup {
  readonly startedAtMs: number;
  readonly found: Promise<ApiKeyRecord | null>;
}

export class Authenticator {
  readonly #mode: 'key' | 'none';
  readonly #store: ApiKeyStore;
  readonly #adminKey: AdminKeyCheck;
  readonly #adminTokens: AdminTokens;
  readonly #clock: Clock;
  readonly #metrics: AccessMetrics;
  readonly #log: Logger;
  readonly #cacheTtlMs: number;
  readonly #cache: KeyCache;
  readonly #unknown: UnknownKeys;
  readonly #uses: KeyUses;
  /** Look-ups under way, so that many requests with one key make one. */
  readonly #lookups = new Map<string, Lookup>();
  /** Grows with each `forget`: what was read before it is not to be kept. */
  #generation = 0;

  constructor(options: AuthenticatorOptions) {
    const { cacheTtlMs = 5000, cacheMaxEntries = 10_000 } = options;
    this.#mode = options.mode;
    this.#store = options.store;
    this.#adminKey = new AdminKeyCheck(options.adminKey);
    this.#adminTokens = options.adminTokens;
    this.#clock = options.clock;
    this.#metrics = options.metrics;
    this.#log = options.log;
    this.#cacheTtlMs = cacheTtlMs;
    this.#cache = new KeyCache(cacheMaxEntries);
    this.#unknown = new UnknownKeys(cacheMaxEntries, Math.min(UNKNOWN_TTL_MS, cacheTtlMs));
    this.#uses = new KeyUses({ store: options.store, clock: options.clock, log: options.log });
  }

  /** Begins to store now and then when keys were last used. */
  start(): void {
    this.#uses.start();
  }

  /** Stores what is left of that. May be called twice, and without a start. */
  stop(): Promise<void> {
    return this.#uses.stop();
  }

  /**
   * Who presents this credential (undefined: none was sent). Throws or rejects with UNAUTHENTICATED, in the same words
   * for a key that never was, that is revoked, disabled or expired; with the store's error where it cannot be asked.
   */
  authenticate(credential: string | undefined): Principal | Promise<Principal> {
    return this.#principalOf(credential, true);
  }

  /** The same for who was let in before and still is: it counts as no new use of the key. */
  recheck(credential: string | undefined): Principal | Promise<Principal> {
    return this.#principalOf(credential, false);
  }

  #principalOf(credential: string | undefined, isUse: boolean): Principal | Promise<Principal> {
    const metrics = isUse ? this.#metrics : NO_ACCESS_METRICS;
    if (this.#mode === 'none') return ANONYMOUS;
    if (credential === undefined) {
      metrics.keyAuth('missing');
      throw new AppError(
        'UNAUTHENTICATED',
        `Authentication is required: send an API key, the admin key or an admin token ${HOW}`,
      );
    }
    const keyHash = hashCredential(credential);
    const known = this.#fromMemory(keyHash, isUse);
    if (known !== null) return known;
    if (this.#adminKey.matches(keyHash)) {
      metrics.adminAuth('success');
      return ADMIN;
    }
    if (isApiKeyShaped(credential)) return this.#readAndAdmit(keyHash, isUse);
    if (isTokenShaped(credential)) return this.#verifyToken(credential, metrics);
    return this.#refuseAdmin(metrics);
  }

  /**
   * The principal of the API key with this hash, as `hashCredential` gives it, for who signed in with that key. It counts
   * as no new use of the key. Throws or rejects as `authenticate` does.
   */
  byKeyHash(keyHash: string): Principal | Promise<Principal> {
    return this.#fromMemory(keyHash, false) ?? this.#readAndAdmit(keyHash, false);
  }

  /** null: what is known of the key, if anything, is too old. */
  #fromMemory(keyHash: string, isUse: boolean): Principal | null {
    const entry = this.#cache.get(keyHash);
    if (entry === undefined) return null;
    const ageMs = this.#clock.now() - entry.checkedAtMs;
    // A negative age: the clock was set back, and nothing is known of how old the entry is.
    if (ageMs < 0 || ageMs >= this.#cacheTtlMs) return null;
    entry.wasUsed = true;
    if (ageMs * 2 >= this.#cacheTtlMs && !entry.isRefreshing) this.#refreshAhead(keyHash, entry);
    return this.#admit(keyHash, entry, isUse);
  }

  /** Whether this is an API key that has opened something here lately. */
  isKnown(credential: string | undefined): boolean {
    return credential !== undefined && this.#cache.get(hashCredential(credential)) !== undefined;
  }

  /** Whether this is the admin key itself: a token, or an API key with the scope `admin`, gets no new token. */
  isAdminKey(credential: string | undefined): boolean {
    const isRight = credential !== undefined && this.#adminKey.matches(hashCredential(credential));
    this.#metrics.adminAuth(isRight ? 'success' : 'failure');
    return isRight;
  }

  /** To be called when this process has changed a key: it is read again before it is believed again. */
  forget(keyId: string): void {
    this.#generation++;
    this.#lookups.clear();
    this.#cache.deleteKey(keyId);
  }

  async #verifyToken(token: string, metrics: AccessMetrics): Promise<Principal> {
    if (!(await this.#adminTokens.isValid(token))) return this.#refuseAdmin(metrics);
    metrics.adminAuth('success');
    return ADMIN;
  }

  async #readAndAdmit(keyHash: string, isUse: boolean): Promise<Principal> {
    if (this.#unknown.has(keyHash, this.#clock.now())) return this.#refuseKey(isUse);
    const entry = await this.#read(keyHash);
    return entry === null ? this.#refuseKey(isUse) : this.#admit(keyHash, entry, isUse);
  }

  #refreshAhead(keyHash: string, entry: CachedKey): void {
    entry.isRefreshing = true;
    this.#read(keyHash).catch((err: unknown) => {
      entry.isRefreshing = false;
      this.#log.warn({ err, keyId: entry.record.id }, 'an API key could not be read again');
    });
  }

  /** Reads the key, and keeps what it reads unless a key was changed meanwhile. */
  async #read(keyHash: string): Promise<CachedKey | null> {
    const generation = this.#generation;
    const { startedAtMs, found } = this.#lookUp(keyHash);
    const record = await found;
    const isKeepable = generation === this.#generation;
    if (record === null) {
      if (isKeepable) {
        this.#cache.delete(keyHash);
        this.#unknown.add(keyHash, this.#clock.now());
      }
      return null;
    }
    const known = isKeepable ? this.#cache.get(keyHash) : undefined;
    if (known === undefined) {
      const entry = cachedKey(record, startedAtMs);
      if (isKeepable) this.#cache.set(keyHash, entry);
      return entry;
    }
    // The same principal object for as long as nothing changed: others may keep what they know of it by identity.
    if (known.record.updatedAtMs !== record.updatedAtMs) known.principal = principalOf(record);
    known.record = record;
    known.checkedAtMs = startedAtMs;
    known.isRefreshing = false;
    return known;
  }

  #lookUp(keyHash: string): Lookup {
    const underWay = this.#lookups.get(keyHash);
    if (underWay !== undefined) return underWay;
    const startedAtMs = this.#clock.now();
    const found = this.#store.findByHash(keyHash, startedAtMs).finally(() => {
      if (this.#lookups.get(keyHash) === lookup) this.#lookups.delete(keyHash);
    });
    const lookup: Lookup = { startedAtMs, found };
    this.#lookups.set(keyHash, lookup);
    return lookup;
  }

  /** What depends on the time is checked at each call, also for a key from memory. */
  #admit(keyHash: string, entry: CachedKey, isUse: boolean): Principal {
    const nowMs = this.#clock.now();
    const { record } = entry;
    const isCurrent = record.keyHash === keyHash;
    const untilMs = isCurrent ? record.expiresAtMs : earlier(record.expiresAtMs, record.previousExpiresAtMs ?? 0);
    if (record.disabled || (untilMs !== null && nowMs >= untilMs)) return this.#refuseKey(isUse);
    if (isUse) {
      entry.lastUsedAtMs = nowMs;
      if (!entry.isTouched) this.#uses.add(entry);
      this.#metrics.keyAuth('success');
    }
    return entry.principal;
  }

  #refuseKey(isUse: boolean): never {
    if (isUse) this.#metrics.keyAuth('failure');
    throw invalidCredential();
  }

  #refuseAdmin(metrics: AccessMetrics): never {
    metrics.adminAuth('failure');
    throw invalidCredential();
  }
}

/** One answer for every credential that does not open anything. */
export function invalidCredential(): AppError {
  return new AppError(
    'UNAUTHENTICATED',
    `The credential is not valid: send an API key, the admin key or an admin token ${HOW}`,
  );
}

const earlier = (a: number | null, b: number): number => (a === null ? b : Math.min(a, b));

function cachedKey(record: ApiKeyRecord, checkedAtMs: number): CachedKey {
  const principal = principalOf(record);
  const uses = { wasUsed: false, lastUsedAtMs: checkedAtMs, isTouched: false };
  return { record, principal, checkedAtMs, isRefreshing: false, ...uses };
}

function principalOf({ id, ownerId, name, scopes, agents }: ApiKeyRecord): Principal {
  return {
    kind: 'key',
    ownerId,
    name,
    keyId: id,
    scopes: new Set(scopes),
    agents: agents === null ? null : new Set(agents),
  };
}
