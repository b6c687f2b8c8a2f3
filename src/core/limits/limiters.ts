/** The rate limits of a server, and where they are counted. */
import type { Clock } from '../clock.ts';
import type { Logger } from '../logger.ts';
import type { RateCounts } from './rate-counts.ts';
import { RateLimiter, type RateLimitMetrics, WINDOW_MS } from './rate-limiter.ts';
import { SharedCounts, type SharedCountsMetrics } from './shared-counts.ts';

export interface LimiterSettings {
  /** 0: no limit. */
  readonly perMinute: number;
  /** 0: no limit. */
  readonly failedAuthPerMinute: number;
  readonly maxBuckets: number;
  readonly sharedTimeoutMs: number;
}

export interface LimitersOptions {
  readonly settings: LimiterSettings;
  /** Where replicas count together; null: this process is the only one. */
  readonly counts: { readonly store: RateCounts; readonly name: string } | null;
  /** Replicas that are known to be alive, this one included. */
  readonly replicas: () => number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: RateLimitMetrics & SharedCountsMetrics;
}

export interface Limiters {
  /** Requests of one principal to one route; null: not limited. */
  readonly requests: RateLimiter | null;
  /** Failed attempts of one address; null: not limited. */
  readonly failures: RateLimiter | null;
  /** Whether requests are counted together with the other replicas now. */
  readonly isShared: boolean;
  /** May be called twice. */
  stop(): void;
}

/** Whether anything is counted at all. */
export function isLimiting({ perMinute, failedAuthPerMinute }: LimiterSettings): boolean {
  return perMinute > 0 || failedAuthPerMinute > 0;
}

export function createLimiters({ settings, counts, replicas, clock, logger, metrics }: LimitersOptions): Limiters {
  const { maxBuckets, sharedTimeoutMs: timeoutMs } = settings;
  const shared =
    counts === null || !isLimiting(settings)
      ? null
      : new SharedCounts({
          counts: counts.store,
          name: counts.name,
          windowMs: WINDOW_MS,
          timeoutMs,
          clock,
          logger,
          metrics,
        });
  const limiter = (perMinute: number, endpoint: string): RateLimiter | null =>
    perMinute === 0 ? null : new RateLimiter({ perMinute, maxBuckets, clock, metrics, endpoint, shared, replicas });
  return {
    requests: limiter(settings.perMinute, 'requests'),
    failures: limiter(settings.failedAuthPerMinute, 'failed-authentications'),
    get isShared() {
      return shared?.isUp === true;
    },
    stop: () => shared?.stop(),
  };
}
