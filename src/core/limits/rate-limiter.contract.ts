/** What rate limits do wherever they are counted: in memory, in PostgreSQL, in Redis. */
import { expect, test } from 'vitest';
import { waitFor } from '../../../test/support/wait-for.ts';
import { AppError } from '../../protocol/errors.ts';
import type { RateLimiter } from './rate-limiter.ts';

export interface LimitersUnderTest {
  /** The limiters of two replicas; what counts in memory has one. */
  replicas(
    perMinute: number,
    options?: { readonly windowMs?: number; readonly endpoint?: string },
  ): readonly [RateLimiter, RateLimiter];
  now(): number;
  /** Lets a little time pass, where it does not pass by itself. */
  tick(): void;
}

/** `[limit, remaining, reset]` as told, and whether the request may go on; else when to come again. */
export async function takeFrom(
  limiter: RateLimiter,
  key: string,
): Promise<{ isAllowed: boolean; told: number[]; retryAfterSeconds?: number | undefined }> {
  const headers: Record<string, string> = {};
  const sink = { header: (name: string, value: string) => void (headers[name] = value) };
  const told = () => ['ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset'].map((name) => Number(headers[name]));
  try {
    await limiter.take(key, sink);
    return { isAllowed: true, told: told() };
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'RATE_LIMITED') throw error;
    return { isAllowed: false, told: told(), retryAfterSeconds: error.retryAfterSeconds };
  }
}

export function rateLimiterContract(open: () => Promise<LimitersUnderTest>): void {
  test('[A8] N requests are allowed on all replicas together, and each is told how many are left', async () => {
    const [a, b] = (await open()).replicas(5);
    const answers = [];
    for (const limiter of [a, b, b, a, b, a, b, a]) answers.push(await takeFrom(limiter, 'caller'));
    expect(answers.map(({ isAllowed }) => isAllowed)).toEqual([true, true, true, true, true, false, false, false]);
    expect(answers.map(({ told }) => told.slice(0, 2))).toEqual([
      [5, 4],
      [5, 3],
      [5, 2],
      [5, 1],
      [5, 0],
      [5, 0],
      [5, 0],
      [5, 0],
    ]);
    for (const { isAllowed, told, retryAfterSeconds } of answers) {
      expect(retryAfterSeconds).toBe(isAllowed ? undefined : told[2]);
      expect(told[2]).toBeGreaterThan(50);
      expect(told[2]).toBeLessThanOrEqual(60);
    }
  });

  test('[A8] of many at once on two replicas exactly N are allowed', async () => {
    const [a, b] = (await open()).replicas(37);
    const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => takeFrom(i % 3 === 0 ? a : b, 'caller')));
    const left = answers.flatMap(({ isAllowed, told }) => (isAllowed ? [told[1] ?? -1] : []));
    expect(left.sort((x, y) => x - y)).toEqual(Array.from({ length: 37 }, (_, i) => i));
  });

  test('[A8] callers, routes and limits are counted apart, whatever they are called', async () => {
    const limiters = await open();
    const [a, b] = limiters.replicas(1);
    const keys = [
      'a',
      'b',
      'a GET /x',
      "it's; drop table",
      '{"a"}',
      'ä€😀',
      'x'.repeat(9000),
      `${'x'.repeat(9000)}y`,
      '',
    ];
    for (const key of keys) expect([key, (await takeFrom(a, key)).isAllowed]).toEqual([key, true]);
    for (const key of keys) expect([key, (await takeFrom(b, key)).isAllowed]).toEqual([key, false]);
    const [other] = limiters.replicas(1, { endpoint: 'another' });
    expect((await takeFrom(other, 'a')).isAllowed).toBe(true);
  });

  test('[A8] a window begins with the first request, is not prolonged by refused ones, and a new one is whole', async () => {
    const limiters = await open();
    const windowMs = 1500;
    const [a, b] = limiters.replicas(2, { windowMs });
    const beganMs = limiters.now();
    expect((await takeFrom(a, 'caller')).isAllowed).toBe(true);
    const knownMs = limiters.now();
    expect((await takeFrom(b, 'caller')).isAllowed).toBe(true);
    await waitFor('the window to end', 20_000, async () => {
      limiters.tick();
      return (await takeFrom(a, 'caller')).isAllowed;
    });
    expect(limiters.now()).toBeLessThan(knownMs + windowMs + 1000);
    // A server's clock may tick by a millisecond more than ours.
    expect(limiters.now()).toBeGreaterThanOrEqual(beganMs + windowMs - 5);
    // For b the last window ends later than for a by as long as its answer took.
    await waitFor('the window to end for the other one', 20_000, async () => (await takeFrom(b, 'caller')).isAllowed);
    expect((await takeFrom(b, 'caller')).isAllowed).toBe(false);
  });

  test('[A8] failures on several replicas are added up: at most one more on each than are allowed in all', async () => {
    const [a, b] = (await open()).replicas(4);
    const left = () => [a, b].filter((limiter) => limiter.exhaustedForMs('address') === 0);
    let attempts = 0;
    while (attempts < 8 && left().length > 0) {
      for (const limiter of left()) {
        limiter.count('address');
        // A replica learns of the others with the answer to its own failure, and answers come in the order of what was asked.
        await takeFrom(limiter, `after ${++attempts}`);
      }
    }
    expect(attempts).toBeGreaterThanOrEqual(4);
    expect(attempts).toBeLessThanOrEqual(6);
    expect(() => a.refuseIfExhausted('address')).toThrow('Too many requests: 4 a minute are allowed');
    expect(b.exhaustedForMs('address')).toBeLessThanOrEqual(60_000);
    expect(b.exhaustedForMs('elsewhere')).toBe(0);
  });
}
