/** Rate limits over fixed windows of one minute: counted in this process, or together with the other replicas. */
import { AppError } from '../../protocol/errors.ts';
import type { Clock } from '../clock.ts';
import { LocalCounts } from './local-counts.ts';
import type { SharedCounts } from './shared-counts.ts';

export const WINDOW_MS = 60_000;

export interface RateLimitMetrics {
  rateLimited(endpoint: string): void;
  /** A bucket was dropped to make room for another. */
  bucketEvicted(): void;
}

/** Where the RateLimit headers of an answer go. */
export interface HeaderSink {
  header(name: string, value: string): unknown;
}

export interface RateLimiterOptions {
  readonly perMinute: number;
  /** Callers that this process remembers. */
  readonly maxBuckets: number;
  readonly clock: Clock;
  readonly metrics: RateLimitMetrics;
  /** Names the limit in metrics, and keeps its counts apart from those of others. */
  readonly endpoint: string;
  /** null: this process is the only one. */
  readonly shared: SharedCounts | null;
  /** Replicas that are known to be alive, this one included: what each may allow while it counts alone is a share of the limit. */
  readonly replicas: () => number;
  /** A minute, but for tests that cannot turn the clock of a server. */
  readonly windowMs?: number;
}

/**
 * Request N+1 of a window is refused, on whichever replica. The window begins with a caller's first request. A caller
 * that is known to have used it up is refused without asking anybody.
 */
export class RateLimiter {
  readonly #options: RateLimiterOptions;
  readonly #here: LocalCounts;

  constructor(options: RateLimiterOptions) {
    const { maxBuckets, clock, metrics, windowMs = WINDOW_MS } = options;
    this.#options = options;
    this.#here = new LocalCounts({ windowMs, maxBuckets, clock, onEvicted: () => metrics.bucketEvicted() });
  }

  get bucketCount(): number {
    return this.#here.size;
  }

  /**
   * Counts a request and says so in RateLimit headers; throws, or rejects with, RATE_LIMITED when it is one too many.
   * A promise only where others must be asked.
   */
  take(key: string, answer: HeaderSink): void | Promise<void> {
    const { perMinute, shared } = this.#options;
    const isSpent = (this.#here.find(key)?.used ?? 0) >= perMinute;
    if (shared === null || !shared.isUp || isSpent) return this.#takeHere(key, answer);
    return this.#takeShared(shared, key, answer);
  }

  /** While replicas cannot count together each takes it that the others allow as much as it does; one request is allowed always. */
  #takeHere(key: string, answer: HeaderSink): void {
    const { perMinute, clock, replicas } = this.#options;
    const bucket = this.#here.open(key);
    const n = replicas();
    const isAllowed = bucket.used === 0 || bucket.used + n <= perMinute;
    bucket.used = isAllowed ? Math.min(bucket.used + n, perMinute) : perMinute;
    this.#tell(answer, bucket.used, bucket.endsAtMs - clock.now(), isAllowed);
  }

  async #takeShared(shared: SharedCounts, key: string, answer: HeaderSink): Promise<void> {
    const { perMinute, endpoint } = this.#options;
    const count = await shared.add(`${endpoint} ${key}`);
    if (count === null) {
      this.#takeHere(key, answer);
      return;
    }
    const { endsInMs } = count;
    const used = Math.min(count.used, perMinute);
    this.#here.set(key, used, endsInMs);
    this.#tell(answer, used, endsInMs, count.used <= perMinute);
  }

  #tell(answer: HeaderSink, used: number, leftMs: number, isAllowed: boolean): void {
    const { perMinute } = this.#options;
    const resetSeconds = Math.max(1, Math.ceil(leftMs / 1000));
    answer.header('ratelimit-limit', String(perMinute));
    answer.header('ratelimit-remaining', String(perMinute - used));
    answer.header('ratelimit-reset', String(resetSeconds));
    if (!isAllowed) throw this.#refusal(resetSeconds);
  }

  /**
   * Counts something that is not to happen often, without refusing it. Nobody waits for the others: this replica knows
   * what they counted as soon as they have answered. Alone it takes it that each of them counted as much as it did.
   */
  count(key: string): void {
    const { shared, endpoint, replicas } = this.#options;
    const bucket = this.#here.open(key);
    if (shared?.isUp !== true) {
      bucket.used += replicas();
      return;
    }
    bucket.used++;
    void shared.add(`${endpoint} ${key}`).then((count) => {
      const known = this.#here.find(key);
      if (count !== null) this.#here.set(key, Math.max(count.used, known?.used ?? 0), count.endsInMs);
      else if (known !== undefined) known.used += replicas() - 1;
    });
  }

  /** Throws RATE_LIMITED when `count` was called too often. */
  refuseIfExhausted(key: string): void {
    const leftMs = this.exhaustedForMs(key);
    if (leftMs > 0) throw this.#refusal(Math.ceil(leftMs / 1000));
  }

  /** How long `refuseIfExhausted` will refuse; 0: it does not. */
  exhaustedForMs(key: string): number {
    const bucket = this.#here.find(key);
    if (bucket === undefined || bucket.used < this.#options.perMinute) return 0;
    return bucket.endsAtMs - this.#options.clock.now();
  }

  #refusal(resetSeconds: number): AppError {
    const { perMinute, metrics, endpoint } = this.#options;
    metrics.rateLimited(endpoint);
    return new AppError('RATE_LIMITED', `Too many requests: ${perMinute} a minute are allowed`, {
      retryAfterSeconds: resetSeconds,
    });
  }
}
