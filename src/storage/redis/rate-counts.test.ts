/** Rate limits counted in Redis: the contract, and a Redis that is flushed, stands still, or dies. */
import { createClient } from '@redis/client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { OwnServer } from '../../../test/support/own-server.ts';
import { redisSkipped, startRedis } from '../../../test/support/redis.ts';
import { sharedLimiters } from '../../../test/support/shared-limiters.ts';
import { waitFor } from '../../../test/support/wait-for.ts';
import { rateLimiterContract, takeFrom } from '../../core/limits/rate-limiter.contract.ts';
import { silentLogger } from '../../core/logger.ts';
import { systemClock as clock } from '../../ops/runtime.ts';
import { openRedis } from './open.ts';

const TIMEOUT_MS = 150;

describe.skipIf(redisSkipped !== undefined)('rate limits on Redis', () => {
  let server: OwnServer;
  let admin: ReturnType<typeof createClient>;
  const cleanUps: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server?.destroy());
  beforeEach(async () => {
    admin = createClient({ url: server.url });
    admin.on('error', () => undefined);
    await admin.connect();
    await admin.flushAll();
  });
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
    admin.destroy();
  });

  async function open(timeoutMs?: number) {
    const replica = async () => {
      const redis = await openRedis({ url: server.url, clock, logger: silentLogger });
      cleanUps.push(async () => redis.close());
      return redis.rateCounts;
    };
    return sharedLimiters([await replica(), await replica()], (cleanUp) => cleanUps.push(cleanUp), timeoutMs);
  }

  rateLimiterContract(open);

  test('[A8] every key ends by itself', async () => {
    const [a] = (await open()).replicas(5);
    for (const key of ['x', 'y']) await takeFrom(a, key);
    const keys = await admin.keys('*');
    expect(keys.sort()).toEqual(['parley:rate:requests x', 'parley:rate:requests y']);
    for (const key of keys) expect(await admin.pTTL(key)).toBeGreaterThan(50_000);
  });

  test('[A8, O23] flushed under load, scripts and all, it fails no request, and counting goes on from there', async () => {
    const limiters = await open();
    const [a, b] = limiters.replicas(10_000);
    const load = Array.from({ length: 8 }, async (_, client) => {
      for (let index = 0; index < 150; index++) {
        expect((await takeFrom(client % 2 === 0 ? a : b, `caller-${client % 3}`)).isAllowed).toBe(true);
      }
    });
    const flushes = (async () => {
      for (let index = 0; index < 10; index++) {
        await admin.flushAll();
        await admin.scriptFlush();
      }
    })();
    await Promise.all([...load, flushes]);
    await admin.flushAll();
    expect((await takeFrom(a, 'caller-0')).told[1]).toBe(9999);
    expect((await takeFrom(b, 'caller-0')).told[1]).toBe(9998);
    expect([limiters.areUp, limiters.fallbacks]).toEqual([true, 0]);
  });

  test('[A8] a Redis that stands still fails no request and holds none up for long; then it is used again', async () => {
    const limiters = await open(TIMEOUT_MS);
    const [a, b] = limiters.replicas(2);
    expect((await takeFrom(a, 'caller')).isAllowed).toBe(true);
    server.pause();
    try {
      const askedAt = performance.now();
      const answers = await Promise.all([a, b].map((limiter) => takeFrom(limiter, 'caller')));
      expect(performance.now() - askedAt).toBeLessThan(TIMEOUT_MS + 5000);
      expect(answers.map(({ isAllowed }) => isAllowed)).toEqual([true, true]);
      // What is known of the minute still counts.
      expect([(await takeFrom(a, 'caller')).isAllowed, (await takeFrom(b, 'caller')).isAllowed]).toEqual([false, true]);
      expect([limiters.areUp, limiters.fallbacks]).toEqual([false, 2]);
    } finally {
      server.resume();
    }
    await waitFor('both to count together again', 20_000, () => limiters.areUp);
    expect([(await takeFrom(a, 'next')).told[1], (await takeFrom(b, 'next')).told[1]]).toEqual([1, 0]);
  });

  test('[A8, O23] a Redis that dies fails no request; the next one, empty, is used as soon as it is there', async () => {
    const limiters = await open(TIMEOUT_MS);
    const [a, b] = limiters.replicas(2);
    await takeFrom(a, 'caller');
    await server.kill();
    for (const limiter of [a, b]) expect((await takeFrom(limiter, 'caller')).isAllowed).toBe(true);
    await waitFor('both to notice', 20_000, async () => {
      for (const limiter of [a, b]) await takeFrom(limiter, 'more');
      return limiters.fallbacks === 2;
    });
    await server.start();
    await waitFor('both to count together again', 20_000, () => limiters.areUp);
    expect([(await takeFrom(a, 'next')).told[1], (await takeFrom(b, 'next')).told[1]]).toEqual([1, 0]);
  });

  test('[A8] a start without Redis waits for it no longer than a second, and counts alone until it comes', async () => {
    await server.kill();
    const askedAt = performance.now();
    const limiters = await open(TIMEOUT_MS);
    expect(performance.now() - askedAt).toBeLessThan(10_000);
    const [a] = limiters.replicas(1);
    expect([(await takeFrom(a, 'x')).isAllowed, (await takeFrom(a, 'x')).isAllowed]).toEqual([true, false]);
    await server.start();
    await waitFor('it to be used', 20_000, () => limiters.areUp);
  });
});
