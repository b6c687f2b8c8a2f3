/** Rate limits over fixed windows of one minute, in this process, with a bound on how many buckets there are. */
import { AppError } from '../../protocol/errors.ts';
import type { Clock } from '../clock.ts';

const WINDOW_MS = 60_000;

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
  readonly maxBuckets: number;
  readonly clock: Clock;
  readonly metrics: RateLimitMetrics;
  /** Names the limit in metrics. */
  readonly endpoint: string;
}

interface Bucket {
  used: number;
  readonly resetsAtMs: number;
}

/**
 * Request N+1 of a window is refused. The window begins with a caller's first request. When there are as many buckets
 * as allowed the oldest one makes room, which can only let somebody through, and is counted.
 */
export class RateLimiter {
  readonly #options: RateLimiterOptions;
  readonly #buckets = new Map<string, Bucket>();

  constructor(options: RateLimiterOptions) {
    this.#options = options;
  }

  get bucketCount(): number {
    return this.#buckets.size;
  }

  /** Counts a request and says so in RateLimit headers; throws RATE_LIMITED when it is one too many. */
  take(key: string, answer: HeaderSink): void {
    const { perMinute, clock } = this.#options;
    const bucket = this.#bucket(key);
    const resetSeconds = Math.max(1, Math.ceil((bucket.resetsAtMs - clock.now()) / 1000));
    const isAllowed = bucket.used < perMinute;
    if (isAllowed) bucket.used++;
    answer.header('ratelimit-limit', String(perMinute));
    answer.header('ratelimit-remaining', String(perMinute - bucket.used));
    answer.header('ratelimit-reset', String(resetSeconds));
    if (!isAllowed) throw this.#refusal(resetSeconds);
  }

  /** Counts something that is not to happen often, without refusing it. */
  count(key: string): void {
    this.#bucket(key).used++;
  }

  /** Throws RATE_LIMITED when `count` was called too often. */
  refuseIfExhausted(key: string): void {
    const leftMs = this.exhaustedForMs(key);
    if (leftMs > 0) throw this.#refusal(Math.ceil(leftMs / 1000));
  }

  /** How long `refuseIfExhausted` will refuse; 0: it does not. */
  exhaustedForMs(key: string): number {
    const bucket = this.#buckets.get(key);
    if (bucket === undefined || bucket.used < this.#options.perMinute) return 0;
    return Math.max(0, bucket.resetsAtMs - this.#options.clock.now());
  }

  #refusal(resetSeconds: number): AppError {
    const { perMinute, metrics, endpoint } = this.#options;
    metrics.rateLimited(endpoint);
    return new AppError('RATE_LIMITED', `Too many requests: ${perMinute} a minute are allowed`, {
      retryAfterSeconds: resetSeconds,
    });
  }

  #bucket(key: string): Bucket {
    const now = this.#options.clock.now();
    const known = this.#buckets.get(key);
    if (known !== undefined && known.resetsAtMs > now) return known;
    // Deleted first, so that the map stays in the order in which windows end.
    this.#buckets.delete(key);
    this.#makeRoom(now);
    const bucket = { used: 0, resetsAtMs: now + WINDOW_MS };
    this.#buckets.set(key, bucket);
    return bucket;
  }

  #makeRoom(now: number): void {
    for (const [key, bucket] of this.#buckets) {
      const isSpent = bucket.resetsAtMs <= now;
      if (!isSpent && this.#buckets.size < this.#options.maxBuckets) return;
      this.#buckets.delete(key);
      if (!isSpent) this.#options.metrics.bucketEvicted();
    }
  }
}
