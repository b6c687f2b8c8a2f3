/** The rate limiter with a turned clock: windows, headers, the bound on buckets. */
import { beforeEach, describe, expect, test } from 'vitest';
import { thrownBy } from '../../../test/support/thrown-by.ts';
import { type TurnedClock, turnedClock } from '../../../test/support/turned-clock.ts';
import { rateLimiterContract } from './rate-limiter.contract.ts';
import { RateLimiter } from './rate-limiter.ts';

let clock: TurnedClock;
let refused: string[];
let evictions: number;

beforeEach(() => {
  clock = turnedClock();
  refused = [];
  evictions = 0;
});

function limiter(perMinute: number, maxBuckets = 1000): RateLimiter {
  const metrics = {
    rateLimited: (endpoint: string) => void refused.push(endpoint),
    bucketEvicted: () => void evictions++,
  };
  return new RateLimiter({
    perMinute,
    maxBuckets,
    clock,
    metrics,
    endpoint: 'requests',
    shared: null,
    replicas: () => 1,
  });
}

describe('in memory', () => {
  rateLimiterContract(async () => ({
    replicas(perMinute, { windowMs, endpoint = 'requests' } = {}) {
      const metrics = { rateLimited: () => undefined, bucketEvicted: () => undefined };
      const one = new RateLimiter({
        perMinute,
        maxBuckets: 1000,
        clock,
        metrics,
        endpoint,
        shared: null,
        replicas: () => 1,
        ...(windowMs === undefined ? {} : { windowMs }),
      });
      return [one, one];
    },
    now: () => clock.now(),
    tick: () => clock.turn(50),
  }));
});

class Reply {
  readonly headers: Record<string, string> = {};

  header(name: string, value: string): this {
    this.headers[name] = value;
    return this;
  }
}

/** The RateLimit headers (limit, remaining, reset) of one request. Throws when it is refused. */
function take(limits: RateLimiter, key: string): string[] {
  const reply = new Reply();
  void limits.take(key, reply);
  return Object.values(reply.headers);
}

function takeAll(limits: RateLimiter, key: string, count: number): void {
  for (let index = 0; index < count; index++) take(limits, key);
}

describe('a window', () => {
  test('[A8] lets N requests through, says how many are left, and refuses request N+1', () => {
    const limits = limiter(3);
    expect([take(limits, 'a'), take(limits, 'a'), take(limits, 'a')]).toEqual([
      ['3', '2', '60'],
      ['3', '1', '60'],
      ['3', '0', '60'],
    ]);
    const reply = new Reply();
    const error = thrownBy(() => void limits.take('a', reply));
    expect([error.code, error.message, error.retryAfterSeconds]).toEqual([
      'RATE_LIMITED',
      'Too many requests: 3 a minute are allowed',
      60,
    ]);
    expect(reply.headers).toEqual({ 'ratelimit-limit': '3', 'ratelimit-remaining': '0', 'ratelimit-reset': '60' });
    expect(refused).toEqual(['requests']);
  });

  test('[A8] begins with the first request and is over after a minute, not before', () => {
    const limits = limiter(1);
    take(limits, 'a');
    clock.turn(59_001);
    expect(thrownBy(() => take(limits, 'a')).retryAfterSeconds).toBe(1);
    clock.turn(998);
    expect(thrownBy(() => take(limits, 'a')).retryAfterSeconds).toBe(1);
    clock.turn(1);
    expect(take(limits, 'a')).toEqual(['1', '0', '60']);
  });

  test('[A8] waiting as long as Retry-After says is always enough', () => {
    const limits = limiter(2);
    take(limits, 'a');
    clock.turn(12_345);
    take(limits, 'a');
    const { retryAfterSeconds = 0 } = thrownBy(() => take(limits, 'a'));
    clock.turn(retryAfterSeconds * 1000);
    expect(take(limits, 'a')[1]).toBe('1');
  });

  test('[A8] refused requests do not prolong it', () => {
    const limits = limiter(1);
    take(limits, 'a');
    for (let second = 0; second < 59; second++) {
      clock.turn(1000);
      expect(thrownBy(() => take(limits, 'a')).code).toBe('RATE_LIMITED');
    }
    clock.turn(1000);
    expect(take(limits, 'a')[1]).toBe('0');
  });

  test('[A8] of one key says nothing about another', () => {
    const limits = limiter(2);
    takeAll(limits, 'a', 2);
    expect(thrownBy(() => take(limits, 'a')).code).toBe('RATE_LIMITED');
    expect(take(limits, 'b')).toEqual(['2', '1', '60']);
  });
});

describe('buckets', () => {
  test('[A8] are never more than configured; the oldest makes room, and each that does is counted', () => {
    const limits = limiter(10, 100);
    for (let index = 0; index < 5000; index++) {
      take(limits, `caller-${index}`);
      expect(limits.bucketCount).toBeLessThanOrEqual(100);
    }
    expect([limits.bucketCount, evictions]).toEqual([100, 4900]);
    // The newest are still counted: an eviction only ever lets somebody through.
    expect(take(limits, 'caller-4999')[1]).toBe('8');
    expect(take(limits, 'caller-0')[1]).toBe('9');
  });

  test('[A8] whose window is over make room without being counted as evicted', () => {
    const limits = limiter(10, 100);
    for (let index = 0; index < 100; index++) take(limits, `early-${index}`);
    clock.turn(60_000);
    for (let index = 0; index < 100; index++) take(limits, `late-${index}`);
    expect([limits.bucketCount, evictions]).toEqual([100, 0]);
  });

  test('[A8] that began again are not the oldest any more', () => {
    const limits = limiter(10, 2);
    take(limits, 'a');
    clock.turn(30_000);
    take(limits, 'b');
    clock.turn(30_000);
    takeAll(limits, 'a', 2);
    // `b` is now the oldest, and goes.
    take(limits, 'c');
    expect(evictions).toBe(1);
    expect([take(limits, 'a')[1]]).toEqual(['7']);
  });

  test('[A8] a caller whose window is over while others wait for room gets a new one', () => {
    const limits = limiter(1, 1);
    take(limits, 'a');
    take(limits, 'b');
    expect([evictions, limits.bucketCount]).toEqual([1, 1]);
    clock.turn(60_000);
    expect(take(limits, 'b')[1]).toBe('0');
    expect([evictions, limits.bucketCount]).toEqual([1, 1]);
  });
});

describe('counting without refusing', () => {
  test('[A8] refuses from N counts on, until the window is over', () => {
    const limits = limiter(3);
    for (let index = 0; index < 3; index++) {
      limits.refuseIfExhausted('address');
      limits.count('address');
    }
    const error = thrownBy(() => limits.refuseIfExhausted('address'));
    expect([error.code, error.message, error.retryAfterSeconds]).toEqual([
      'RATE_LIMITED',
      'Too many requests: 3 a minute are allowed',
      60,
    ]);
    limits.refuseIfExhausted('elsewhere');
    clock.turn(60_000);
    limits.refuseIfExhausted('address');
    expect(refused).toEqual(['requests']);
  });

  test('[A8] asking makes no bucket', () => {
    const limits = limiter(3);
    limits.refuseIfExhausted('address');
    expect(limits.bucketCount).toBe(0);
  });
});
