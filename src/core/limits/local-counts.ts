/** What this process counted of each caller's window, with a bound on how many callers there are. */
import type { Clock } from '../clock.ts';

export interface LocalCount {
  used: number;
  readonly endsAtMs: number;
}

export interface LocalCountsOptions {
  readonly windowMs: number;
  readonly maxBuckets: number;
  readonly clock: Clock;
  /** A bucket was dropped to make room for another. */
  readonly onEvicted: () => void;
}

/** When there are as many buckets as allowed the oldest one makes room, which can only let somebody through. */
export class LocalCounts {
  readonly #options: LocalCountsOptions;
  readonly #buckets = new Map<string, LocalCount>();

  constructor(options: LocalCountsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** undefined: nothing is known of this caller's window, or it is over. */
  find(key: string): LocalCount | undefined {
    const known = this.#buckets.get(key);
    if (known === undefined) return undefined;
    const leftMs = known.endsAtMs - this.#options.clock.now();
    // A clock that was set back would keep the window open for as long again: nobody waits longer than a window.
    return leftMs > 0 && leftMs <= this.#options.windowMs ? known : undefined;
  }

  /** The window that the caller is in; a new one where there is none. */
  open(key: string): LocalCount {
    return this.find(key) ?? this.#put(key, { used: 0, endsAtMs: this.#options.clock.now() + this.#options.windowMs });
  }

  /** What all replicas counted takes the place of what this one did. */
  set(key: string, used: number, endsInMs: number): void {
    this.#put(key, { used, endsAtMs: this.#options.clock.now() + endsInMs });
  }

  #put(key: string, bucket: LocalCount): LocalCount {
    // Deleted first, so that the map stays in the order in which buckets were made.
    this.#buckets.delete(key);
    this.#makeRoom();
    this.#buckets.set(key, bucket);
    return bucket;
  }

  #makeRoom(): void {
    const { clock, maxBuckets, onEvicted } = this.#options;
    const now = clock.now();
    for (const [key, bucket] of this.#buckets) {
      const isSpent = bucket.endsAtMs <= now;
      if (!isSpent && this.#buckets.size < maxBuckets) return;
      this.#buckets.delete(key);
      if (!isSpent) onEvicted();
    }
  }
}
