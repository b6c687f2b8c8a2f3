/** Making, listing, changing, rotating and revoking API keys. A key is shown once, when it is made. */
import { hash } from 'node:crypto';
import { AppError } from '../../protocol/errors.ts';
import { invalidParams } from '../../protocol/violations.ts';
import type { Clock } from '../clock.ts';
import type { Ids } from '../ids.ts';
import type { ApiKeyChanges, ApiKeyCursor, ApiKeyRecord, ApiKeyStore } from './api-key-store.ts';
import { ADMIN, ANONYMOUS, DEFAULT_SCOPES, type Scope } from './principal.ts';

const KEY_PREFIX = 'pk_';
const KEY_BYTES = 32;
const SHOWN_CHARACTERS = 8;
const KEY_PATTERN = /^pk_[A-Za-z0-9_-]{43}$/;

/** The longest time that a rotated key may go on working: 30 days. */
export const MAX_GRACE_SECONDS = 30 * 24 * 60 * 60;

/** `size` bytes that nobody can guess. */
export type RandomBytes = (size: number) => Uint8Array;

/** What is stored of a credential, and what it is looked up by: SHA-256 in base64url. */
export function hashCredential(credential: string): string {
  return hash('sha256', credential, 'base64url');
}

/** Whether a text has the form of an API key; others need no look-up. */
export function isApiKeyShaped(credential: string): boolean {
  return KEY_PATTERN.test(credential);
}

export interface NewApiKey {
  readonly name: string;
  /** Default: DEFAULT_SCOPES. */
  readonly scopes?: readonly Scope[];
  /** Default: null, all agents. */
  readonly agents?: readonly string[] | null;
  /** Default: null, never. */
  readonly expiresAtMs?: number | null;
  /** The principal that the key is for: one that has keys or tasks already. Default: a principal of its own. */
  readonly ownerId?: string;
}

/** The key itself is in this answer and nowhere else. */
export interface IssuedApiKey {
  readonly record: ApiKeyRecord;
  readonly key: string;
}

export interface ApiKeyPage {
  readonly keys: readonly ApiKeyRecord[];
  /** Where the next page begins; null: this is the last. */
  readonly next: ApiKeyCursor | null;
}

export interface ApiKeyServiceOptions {
  readonly store: ApiKeyStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly randomBytes: RandomBytes;
  /** Called after each change of an existing key, also when it is not certain that the change was stored. */
  readonly onChanged: (keyId: string) => void;
}

/** Who may call it is decided before (`key.read`, `key.write`); texts and lists have been checked by their schema. */
export class ApiKeyService {
  readonly #store: ApiKeyStore;
  readonly #clock: Clock;
  readonly #ids: Ids;
  readonly #randomBytes: RandomBytes;
  readonly #onChanged: (keyId: string) => void;

  constructor({ store, clock, ids, randomBytes, onChanged }: ApiKeyServiceOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#ids = ids;
    this.#randomBytes = randomBytes;
    this.#onChanged = onChanged;
  }

  /**
   * Throws INVALID_PARAMS for an expiry that is not in the future, for an owner that nothing belongs to, and for an admin
   * of some agents only.
   */
  async create({ name, scopes, agents, expiresAtMs, ownerId }: NewApiKey): Promise<IssuedApiKey> {
    const nowMs = this.#clock.now();
    requireFuture(expiresAtMs, nowMs);
    requireWholeAdmin(scopes ?? DEFAULT_SCOPES, agents ?? null);
    if (ownerId !== undefined) await this.#requireOwner(ownerId);
    const id = this.#ids.next();
    const { key, keyHash, prefix } = this.#newKey();
    const record: ApiKeyRecord = {
      id,
      ownerId: ownerId ?? `key:${id}`,
      name,
      keyHash,
      prefix,
      scopes: unique(scopes ?? DEFAULT_SCOPES),
      agents: agents === undefined || agents === null ? null : unique(agents),
      disabled: false,
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
      expiresAtMs: expiresAtMs ?? null,
      lastUsedAtMs: null,
      previousHash: null,
      previousExpiresAtMs: null,
    };
    await this.#store.insert(record);
    return { record, key };
  }

  /** Newest first. `limit` is at least 1. */
  async list(limit: number, after: ApiKeyCursor | null): Promise<ApiKeyPage> {
    const found = await this.#store.list(limit + 1, after);
    const keys = found.slice(0, limit);
    const last = keys.at(-1);
    const hasMore = found.length > limit && last !== undefined;
    return { keys, next: hasMore ? { createdAtMs: last.createdAtMs, id: last.id } : null };
  }

  /** Throws NOT_FOUND. */
  async get(id: string): Promise<ApiKeyRecord> {
    return (await this.#store.find(id)) ?? notFound(id);
  }

  /** Changes what `changes` names. Throws NOT_FOUND, or INVALID_PARAMS as `create` does. */
  async update(id: string, changes: ApiKeyChanges): Promise<ApiKeyRecord> {
    const nowMs = this.#clock.now();
    requireFuture(changes.expiresAtMs, nowMs);
    if (changes.scopes !== undefined || changes.agents !== undefined) {
      const before = await this.get(id);
      requireWholeAdmin(changes.scopes ?? before.scopes, changes.agents === undefined ? before.agents : changes.agents);
    }
    const tidy: ApiKeyChanges = {
      ...changes,
      ...(changes.scopes === undefined ? {} : { scopes: unique(changes.scopes) }),
      ...(changes.agents === undefined || changes.agents === null ? {} : { agents: unique(changes.agents) }),
    };
    return (await this.#changing(id, () => this.#store.update(id, tidy, nowMs))) ?? notFound(id);
  }

  /** The key stops working at once; its principal, and what belongs to it, stay. Throws NOT_FOUND. */
  async revoke(id: string): Promise<void> {
    if (!(await this.#changing(id, () => this.#store.delete(id)))) notFound(id);
  }

  /**
   * A new key for the same principal with the same rights and the same expiry. The old one stops at once, or after
   * `graceSeconds` (at most MAX_GRACE_SECONDS); one that was still in its grace stops at once. Throws NOT_FOUND, and
   * CONFLICT when another rotation came in between.
   */
  async rotate(id: string, graceSeconds = 0): Promise<IssuedApiKey> {
    const { keyHash: fromHash } = await this.get(id);
    const nowMs = this.#clock.now();
    const { key, keyHash, prefix } = this.#newKey();
    const previousExpiresAtMs = graceSeconds > 0 ? nowMs + graceSeconds * 1000 : null;
    const rotation = { keyHash, prefix, previousExpiresAtMs };
    const record = await this.#changing(id, () => this.#store.rotate(id, fromHash, rotation, nowMs));
    if (record === null) {
      throw new AppError('CONFLICT', `The API key ${id} was rotated or revoked at the same time; nothing was changed`);
    }
    return { record, key };
  }

  async #changing<T>(id: string, change: () => Promise<T>): Promise<T> {
    try {
      return await change();
    } finally {
      this.#onChanged(id);
    }
  }

  async #requireOwner(ownerId: string): Promise<void> {
    if (ownerId === ADMIN.ownerId || ownerId === ANONYMOUS.ownerId || (await this.#store.ownerExists(ownerId))) return;
    throw invalidParams([
      { field: 'ownerId', description: 'is no principal that has a key or a task; leave it out to make a new one' },
    ]);
  }

  #newKey(): { key: string; keyHash: string; prefix: string } {
    const key = `${KEY_PREFIX}${Buffer.from(this.#randomBytes(KEY_BYTES)).toString('base64url')}`;
    return { key, keyHash: hashCredential(key), prefix: key.slice(0, SHOWN_CHARACTERS) };
  }
}

const unique = <T>(values: readonly T[]): readonly T[] => [...new Set(values)];

function requireFuture(expiresAtMs: number | null | undefined, nowMs: number): void {
  if (expiresAtMs === undefined || expiresAtMs === null || expiresAtMs > nowMs) return;
  throw invalidParams([{ field: 'expiresAt', description: 'must be in the future' }]);
}

/** Whoever makes keys can make one for all agents: an admin of some of them would be no restriction. */
function requireWholeAdmin(scopes: readonly Scope[], agents: readonly string[] | null): void {
  if (agents === null || !scopes.includes('admin')) return;
  throw invalidParams([{ field: 'agents', description: 'must be null (all agents) for a key with the scope admin' }]);
}

function notFound(id: string): never {
  throw new AppError('NOT_FOUND', `There is no API key ${id}`);
}
