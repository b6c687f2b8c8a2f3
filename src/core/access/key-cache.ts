/** API keys seen lately, by hash: bounded, each with the moment from which it must be read again. */
import type { ApiKeyRecord } from './api-key-store.ts';
import type { Principal } from './principal.ts';

export interface CachedKey {
  record: ApiKeyRecord;
  principal: Principal;
  /** When the read that this rests on began. */
  checkedAtMs: number;
  isRefreshing: boolean;
  /** Found here since the last look for something to evict. */
  wasUsed: boolean;
  lastUsedAtMs: number;
  /** Waits for its last use to be stored. */
  isTouched: boolean;
}

/** Drops what was not used lately when it is full: about least recently used, without work on the hot path. */
export class KeyCache {
  readonly #entries = new Map<string, CachedKey>();
  readonly #maxEntries: number;

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(keyHash: string): CachedKey | undefined {
    return this.#entries.get(keyHash);
  }

  set(keyHash: string, entry: CachedKey): void {
    if (!this.#entries.has(keyHash) && this.#entries.size >= this.#maxEntries) this.#evictOne();
    this.#entries.set(keyHash, entry);
  }

  delete(keyHash: string): void {
    this.#entries.delete(keyHash);
  }

  /** Drops what is known of a key: its current and its previous hash. */
  deleteKey(keyId: string): void {
    for (const [keyHash, { record }] of this.#entries) if (record.id === keyId) this.#entries.delete(keyHash);
  }

  /** Goes round from the oldest: what was used since gets a second chance at the end. */
  #evictOne(): void {
    for (const [keyHash, entry] of this.#entries) {
      this.#entries.delete(keyHash);
      if (!entry.wasUsed) return;
      entry.wasUsed = false;
      this.#entries.set(keyHash, entry);
    }
  }
}

/** Hashes that belong to no key, for a short while, so that a wrong key in a loop does not reach the database. */
export class UnknownKeys {
  readonly #untilMs = new Map<string, number>();
  readonly #maxEntries: number;
  readonly #ttlMs: number;

  constructor(maxEntries: number, ttlMs: number) {
    this.#maxEntries = maxEntries;
    this.#ttlMs = ttlMs;
  }

  get size(): number {
    return this.#untilMs.size;
  }

  has(keyHash: string, nowMs: number): boolean {
    const untilMs = this.#untilMs.get(keyHash);
    if (untilMs === undefined) return false;
    // A clock that was set back must not make it last longer.
    if (nowMs < untilMs && nowMs >= untilMs - this.#ttlMs) return true;
    this.#untilMs.delete(keyHash);
    return false;
  }

  add(keyHash: string, nowMs: number): void {
    if (this.#untilMs.size >= this.#maxEntries) {
      const oldest = this.#untilMs.keys().next();
      if (oldest.done !== true) this.#untilMs.delete(oldest.value);
    }
    this.#untilMs.set(keyHash, nowMs + this.#ttlMs);
  }
}
