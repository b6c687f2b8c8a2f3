/**
 * Sessions of people: a key is exchanged for a random value that a cookie keeps. A session is never more than its key:
 * each use asks again for the principal of that key, so that it ends when the key is revoked, disabled, expired, rotated,
 * or, for the admin, replaced.
 */
import { timingSafeEqual } from 'node:crypto';
import { AppError } from '../../protocol/errors.ts';
import type { Clock } from '../clock.ts';
import type { Ids } from '../ids.ts';
import type { Logger } from '../logger.ts';
import type { AdminKeySource } from './admin-key.ts';
import { hashCredential, isApiKeyShaped, type RandomBytes } from './api-keys.ts';
import { type Authenticator, invalidCredential } from './authenticator.ts';
import { ADMIN, type Principal } from './principal.ts';
import type { SessionRecord, SessionStore } from './session-store.ts';

const TOKEN_BYTES = 32;
const TOKEN_PATTERN = /^[A-Za-z0-9_-]{43}$/;
const MAX_USER_AGENT = 200;
/** How old what is known of a session may be: what another process ends takes effect within this time. */
const CACHE_TTL_MS = 5000;
const CACHE_ENTRIES = 1000;
/** `lastSeenAtMs` is stored this often at most. */
const TOUCH_EVERY_MS = 60_000;
const MAX_LISTED = 500;

export interface SessionLimits {
  readonly idleMs: number;
  readonly maxAgeMs: number;
  /** Sessions of one owner; signing in once more ends the oldest. */
  readonly maxPerOwner: number;
}

export interface SessionsOptions {
  readonly store: SessionStore;
  readonly authenticator: Authenticator;
  readonly adminKey: AdminKeySource;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly randomBytes: RandomBytes;
  readonly limits: SessionLimits;
  readonly log: Logger;
  /** Called when a session of this process was ended by somebody. */
  readonly onEnded: (sessionId: string) => void;
}

/** A session that is in force now. */
export interface OpenSession {
  readonly id: string;
  readonly record: SessionRecord;
  readonly principal: Principal;
  /** What a request that changes something must repeat; made from the cookie, so that nothing needs to be stored. */
  readonly csrfToken: string;
}

interface CachedSession {
  record: SessionRecord;
  readonly csrfToken: string;
  checkedAtMs: number;
  touchedAtMs: number;
}

export class Sessions {
  readonly #options: SessionsOptions;
  readonly #cache = new Map<string, CachedSession>();

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  /** Throws UNAUTHENTICATED for what is neither the admin key nor an API key in force: a token prolongs nothing. */
  async signIn(key: string, userAgent: string): Promise<{ readonly token: string; readonly session: OpenSession }> {
    const { clock, ids, randomBytes, limits } = this.#options;
    const principal = await this.#principalOfKey(key);
    const nowMs = clock.now();
    const token = Buffer.from(randomBytes(TOKEN_BYTES)).toString('base64url');
    const isAdminKey = principal === ADMIN;
    const record: SessionRecord = {
      tokenHash: hashCredential(token),
      id: ids.next(),
      kind: isAdminKey ? 'admin' : 'key',
      ownerId: principal.ownerId,
      keyId: principal.keyId,
      credential: isAdminKey ? this.#adminBinding(token) : hashCredential(key),
      userAgent: userAgent.replace(/\p{Cc}/gu, ' ').slice(0, MAX_USER_AGENT),
      createdAtMs: nowMs,
      lastSeenAtMs: nowMs,
      expiresAtMs: nowMs + limits.maxAgeMs,
    };
    for (const { id, tokenHash } of await this.#store(record, nowMs)) this.#forget(id, tokenHash);
    const { csrfToken } = this.#remember(token, record);
    return { token, session: { id: record.id, record, principal, csrfToken } };
  }

  /** Answers which sessions have made room. A database that takes nothing, as on a full disk, is no fault of the key. */
  async #store(record: SessionRecord, nowMs: number): Promise<readonly Pick<SessionRecord, 'id' | 'tokenHash'>[]> {
    const { store, limits } = this.#options;
    try {
      await store.prune(nowMs, nowMs - limits.idleMs);
      return await store.insert(record, limits.maxPerOwner);
    } catch (cause) {
      const told =
        'The key is good, but the session could not be stored: the database takes nothing now; try again later';
      throw new AppError('UNAVAILABLE', told, { cause, retryAfterSeconds: 5 });
    }
  }

  #principalOfKey(key: string): Principal | Promise<Principal> {
    const { authenticator } = this.#options;
    if (isApiKeyShaped(key)) return authenticator.authenticate(key);
    if (authenticator.isAdminKey(key)) return ADMIN;
    throw invalidCredential();
  }

  /** Who has this cookie. Throws UNAUTHENTICATED, with `session` in its metadata, for one that opens nothing (any more). */
  async open(token: string): Promise<OpenSession> {
    const session = await this.recheck(token);
    this.#touch(session.record.tokenHash);
    return session;
  }

  /** The same for who was let in before and still is: it counts as no use of the session. */
  async recheck(token: string): Promise<OpenSession> {
    const known = await this.#known(token);
    if (known === null) throw sessionEnded();
    const { record, csrfToken } = known;
    if (endOf(record, this.#options.limits) <= this.#options.clock.now()) throw sessionEnded();
    const principal = await this.#principalOf(token, record);
    return { id: record.id, record, principal, csrfToken };
  }

  /** Whether this cookie has opened something here lately. */
  isKnown(token: string): boolean {
    return this.#cache.has(hashCredential(token));
  }

  async #known(token: string): Promise<CachedSession | null> {
    if (!TOKEN_PATTERN.test(token)) return null;
    const tokenHash = hashCredential(token);
    const cached = this.#cache.get(tokenHash);
    const nowMs = this.#options.clock.now();
    const ageMs = cached === undefined ? -1 : nowMs - cached.checkedAtMs;
    if (cached !== undefined && ageMs >= 0 && ageMs < CACHE_TTL_MS) return cached;
    const record = await this.#options.store.find(tokenHash);
    if (record === null) {
      this.#cache.delete(tokenHash);
      return null;
    }
    return this.#remember(token, record);
  }

  #remember(token: string, stored: SessionRecord): CachedSession {
    const checkedAtMs = this.#options.clock.now();
    const before = this.#cache.get(stored.tokenHash);
    const lastSeenAtMs = Math.max(stored.lastSeenAtMs, before?.record.lastSeenAtMs ?? 0);
    const record = { ...stored, lastSeenAtMs };
    const touchedAtMs = stored.lastSeenAtMs;
    const entry = { record, csrfToken: csrfTokenOf(token), checkedAtMs, touchedAtMs };
    this.#cache.delete(stored.tokenHash);
    if (this.#cache.size >= CACHE_ENTRIES) {
      const oldest = this.#cache.keys().next();
      if (oldest.done !== true) this.#cache.delete(oldest.value);
    }
    this.#cache.set(stored.tokenHash, entry);
    return entry;
  }

  async #principalOf(token: string, record: SessionRecord): Promise<Principal> {
    if (record.kind === 'admin') {
      if (isSame(record.credential, this.#adminBinding(token))) return ADMIN;
      throw sessionEnded();
    }
    try {
      return await this.#options.authenticator.byKeyHash(record.credential);
    } catch (error) {
      throw error instanceof AppError && error.code === 'UNAUTHENTICATED' ? sessionEnded() : error;
    }
  }

  /** Bound to the admin key in force; without the cookie the database gives no means of trying keys. */
  #adminBinding(token: string): string {
    return hashCredential(`parley session ${token} ${hashCredential(this.#options.adminKey.current())}`);
  }

  #touch(tokenHash: string): void {
    const { clock, store, log } = this.#options;
    const entry = this.#cache.get(tokenHash);
    if (entry === undefined) return;
    const nowMs = clock.now();
    entry.record = { ...entry.record, lastSeenAtMs: Math.max(nowMs, entry.record.lastSeenAtMs) };
    if (nowMs - entry.touchedAtMs < TOUCH_EVERY_MS) return;
    entry.touchedAtMs = nowMs;
    store
      .touch(tokenHash, nowMs)
      .catch((err: unknown) => log.warn({ err }, 'the use of a session could not be stored'));
  }

  /** Sessions in force, newest first; ownerId null: of everybody. */
  async list(ownerId: string | null): Promise<readonly { record: SessionRecord; name: string }[]> {
    const { store, clock, limits } = this.#options;
    const nowMs = clock.now();
    const records = await store.list(ownerId, MAX_LISTED);
    const listed = await Promise.all(
      records
        .filter((record) => endOf(record, limits) > nowMs)
        .map(async (record) => {
          const name = await this.#nameOf(record);
          return name === null ? [] : [{ record, name }];
        }),
    );
    return listed.flat();
  }

  /** Of the key that it was opened with; null: that opens nothing any more. */
  async #nameOf({ kind, credential }: SessionRecord): Promise<string | null> {
    if (kind === 'admin') return ADMIN.name;
    try {
      return (await this.#options.authenticator.byKeyHash(credential)).name;
    } catch (error) {
      if (error instanceof AppError && error.code === 'UNAUTHENTICATED') return null;
      throw error;
    }
  }

  /** Ends a session, of this owner or (null) of anybody. Throws NOT_FOUND. */
  async end(id: string, ownerId: string | null): Promise<void> {
    const { store } = this.#options;
    const record = await store.findById(id);
    if (record === null || (ownerId !== null && record.ownerId !== ownerId) || !(await store.delete(id))) {
      throw new AppError('NOT_FOUND', `There is no session ${id}`);
    }
    this.#forget(id, record.tokenHash);
  }

  /** Another process has ended this session: it is looked up again before it is believed again. */
  forget(id: string): void {
    for (const [tokenHash, { record }] of this.#cache) if (record.id === id) this.#cache.delete(tokenHash);
  }

  #forget(id: string, tokenHash: string): void {
    this.#cache.delete(tokenHash);
    this.#options.onEnded(id);
  }

  /** When the session ends if it is not used again. */
  endOf(record: SessionRecord): number {
    return endOf(record, this.#options.limits);
  }
}

function endOf({ lastSeenAtMs, expiresAtMs }: SessionRecord, { idleMs }: SessionLimits): number {
  return Math.min(lastSeenAtMs + idleMs, expiresAtMs);
}

/** Whoever sends it back has read an answer of this server, which pages of others cannot. */
function csrfTokenOf(token: string): string {
  return hashCredential(`parley csrf ${token}`);
}

/** Takes the same time wherever they differ. */
export function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function sessionEnded(): AppError {
  return new AppError('UNAUTHENTICATED', 'You are signed out: the session has ended, or its key was; sign in again', {
    metadata: { session: 'ended' },
  });
}

/** Whether this is the error of a cookie whose session has ended, or never was. */
export function isSessionOver(error: unknown): boolean {
  return error instanceof AppError && error.code === 'UNAUTHENTICATED' && error.metadata['session'] !== undefined;
}
