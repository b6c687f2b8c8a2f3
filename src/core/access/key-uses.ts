/** When keys were last used: gathered in memory, stored now and then in one statement for many. */
import type { Clock } from '../clock.ts';
import type { Logger } from '../logger.ts';
import type { ApiKeyStore } from './api-key-store.ts';
import type { CachedKey } from './key-cache.ts';

const FLUSH_INTERVAL_MS = 30_000;
/** With so many waiting, they are stored at once. */
const FULL_BATCH = 1000;
/** More are not remembered while the database does not take them. */
const MAX_WAITING = 10_000;

export class KeyUses {
  readonly #store: ApiKeyStore;
  readonly #clock: Clock;
  readonly #log: Logger;
  #waiting: CachedKey[] = [];
  #flushing: Promise<void> | null = null;
  #cancelTimer: (() => void) | null = null;

  constructor({ store, clock, log }: { store: ApiKeyStore; clock: Clock; log: Logger }) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
  }

  start(): void {
    this.#cancelTimer ??= this.#clock.every(FLUSH_INTERVAL_MS, () => void this.#flush());
  }

  async stop(): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    await this.#flushing;
    await this.#flush();
  }

  /** Its `lastUsedAtMs` is read when it is stored. */
  add(entry: CachedKey): void {
    if (this.#waiting.length >= MAX_WAITING) return;
    entry.isTouched = true;
    this.#waiting.push(entry);
    if (this.#waiting.length >= FULL_BATCH) void this.#flush();
  }

  /** Never rejects. A use that could not be stored is forgotten: the next one says the same. */
  #flush(): Promise<void> {
    if (this.#flushing !== null || this.#waiting.length === 0) return this.#flushing ?? Promise.resolve();
    const usedAtMs = new Map<string, number>();
    for (const entry of this.#waiting) {
      entry.isTouched = false;
      usedAtMs.set(entry.record.id, Math.max(entry.lastUsedAtMs, usedAtMs.get(entry.record.id) ?? 0));
    }
    this.#waiting = [];
    this.#flushing = this.#store
      .touchLastUsed([...usedAtMs].map(([id, at]) => ({ id, usedAtMs: at })))
      .catch((err: unknown) => this.#log.warn({ err }, 'the last use of API keys could not be stored'))
      .finally(() => {
        this.#flushing = null;
      });
    return this.#flushing;
  }
}
