/** Rate limiters of two replicas that count together in a real server, for the contract suite. */

import type { RateCounts } from '../../src/core/limits/rate-counts.ts';
import type { LimitersUnderTest } from '../../src/core/limits/rate-limiter.contract.ts';
import { RateLimiter, WINDOW_MS } from '../../src/core/limits/rate-limiter.ts';
import { SharedCounts } from '../../src/core/limits/shared-counts.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { systemClock as clock } from '../../src/ops/runtime.ts';

const rateMetrics = { rateLimited: () => undefined, bucketEvicted: () => undefined };

export interface SharedLimiters extends LimitersUnderTest {
  /** Times that one of them began to count alone. */
  readonly fallbacks: number;
  readonly areUp: boolean;
}

/**
 * @param counts of two replicas, each with connections of its own
 * @param known how many replicas each takes to be alive
 */
export function sharedLimiters(
  counts: readonly [RateCounts, RateCounts],
  undoAfterTest: (cleanUp: () => Promise<void>) => void,
  timeoutMs = 5000,
  known = 1,
): SharedLimiters {
  let fallbacks = 0;
  const all: SharedCounts[] = [];
  return {
    get fallbacks() {
      return fallbacks;
    },
    get areUp() {
      return all.every(({ isUp }) => isUp);
    },
    replicas(perMinute, { windowMs = WINDOW_MS, endpoint = 'requests' } = {}) {
      const limiterOn = (store: RateCounts): RateLimiter => {
        const metrics = { countingAlone: () => void fallbacks++ };
        const options = { counts: store, name: 'test', windowMs, timeoutMs, clock, logger: silentLogger, metrics };
        const shared = new SharedCounts(options);
        all.push(shared);
        undoAfterTest(async () => shared.stop());
        return new RateLimiter({
          perMinute,
          maxBuckets: 1000,
          clock,
          metrics: rateMetrics,
          endpoint,
          shared,
          replicas: () => known,
          windowMs,
        });
      };
      return [limiterOn(counts[0]), limiterOn(counts[1])];
    },
    now: () => Date.now(),
    tick: () => undefined,
  };
}
