/** Rate limits counted in PostgreSQL: the contract, what is left behind, and a database that does not answer. */
import { describe, expect, test } from 'vitest';
import {
  connect,
  newMigratedDatabase,
  postgresSkipped,
  undoAfterTest,
} from '../../../test/support/postgres-database.ts';
import { sharedLimiters } from '../../../test/support/shared-limiters.ts';
import { waitFor } from '../../../test/support/wait-for.ts';
import type { RateAdd, RateCount } from '../../core/limits/rate-counts.ts';
import { rateLimiterContract, takeFrom } from '../../core/limits/rate-limiter.contract.ts';
import { silentLogger } from '../../core/logger.ts';
import { systemClock } from '../../ops/runtime.ts';
import { openPostgres } from './open.ts';
import { PostgresRateCounts } from './rate-counts.ts';

async function open(timeoutMs?: number, known?: number) {
  const { url, database } = await newMigratedDatabase();
  const other = connect(url);
  const counts = [new PostgresRateCounts(database, database), new PostgresRateCounts(other, other)] as const;
  return { database, url, counts, limiters: sharedLimiters(counts, undoAfterTest, timeoutMs, known) };
}

describe.skipIf(postgresSkipped !== undefined)('rate limits on PostgreSQL', () => {
  rateLimiterContract(async () => (await open()).limiters);

  test('[A8] windows that are over are forgotten, so many at a time, and no others', async () => {
    const { database, counts } = await open();
    const [store] = counts;
    await store.add(
      Array.from({ length: 10 }, (_, index) => ({ key: `old-${index}`, n: 1 })),
      1,
    );
    await store.add([{ key: 'current', n: 3 }], 60_000);
    await waitFor('the windows to end', 20_000, async () => {
      const [row] = await database.query<{ n: number }>(
        'select count(*) as n from rate_windows where ends_at <= (extract(epoch from now()) * 1000)::bigint',
      );
      return row?.n === 10;
    });
    expect([await store.prune(6), await store.prune(6), await store.prune(6)]).toEqual([6, 4, 0]);
    expect(await store.add([{ key: 'current', n: 1 }], 60_000)).toMatchObject([{ used: 4 }]);
  });

  test('[A8] requests of one turn share a statement, and none waits for the disk', async () => {
    const { database, counts } = await open();
    const [store] = counts;
    let statements = 0;
    const counting = {
      add: (...values: Parameters<PostgresRateCounts['add']>) => {
        statements++;
        return store.add(...values);
      },
      prune: (limit: number) => store.prune(limit),
    };
    const [limiter] = sharedLimiters([counting, counting], undoAfterTest).replicas(1000);
    const answers = await Promise.all(
      Array.from({ length: 500 }, (_, index) => takeFrom(limiter, index % 2 === 0 ? 'caller' : `caller-${index}`)),
    );
    expect(answers.every(({ isAllowed }) => isAllowed)).toBe(true);
    expect(statements).toBe(1);
    const [row] = await database.query(
      `select (select used from rate_windows where key = 'requests caller') as used, relpersistence as persistence
       from pg_class where relname = 'rate_windows'`,
    );
    expect(row).toEqual({ used: 250, persistence: 'u' });
  });

  test('[A8] a database that does not answer in time fails no request: each replica counts alone, up to its share', async () => {
    const { url, limiters } = await open(150, 2);
    const [a, b] = limiters.replicas(11);
    expect((await takeFrom(a, 'caller')).isAllowed).toBe(true);
    const other = connect(url);
    await other.transaction(async (session) => {
      await session.query('lock table rate_windows in access exclusive mode');
      const alone = [];
      for (const limiter of [a, b]) {
        for (let index = 0; index < 11; index++) alone.push((await takeFrom(limiter, 'caller')).isAllowed);
      }
      // Half of what is left to those who know of the first one, half of all to those who do not.
      expect(alone.slice(0, 11).filter(Boolean).length).toBe(5);
      expect(alone.slice(11).filter(Boolean).length).toBe(5);
      expect(limiters.fallbacks).toBe(2);
      expect(limiters.areUp).toBe(false);
    });
    await waitFor('both to count together again', 20_000, () => limiters.areUp);
    expect(limiters.fallbacks).toBe(2);
    const [c, d] = [await takeFrom(a, 'another'), await takeFrom(b, 'another')];
    expect([c.told[1], d.told[1]]).toEqual([10, 9]);
  });

  test('[A8] while failures cannot be added up each replica allows its share of them, the one that noticed first too', async () => {
    const { url, limiters } = await open(150, 2);
    const [a, b] = limiters.replicas(8, { endpoint: 'failed-authentications' });
    const other = connect(url);
    await other.transaction(async (session) => {
      await session.query('lock table rate_windows in access exclusive mode');
      // The first failure on each is on its way to the database when that is given up.
      for (const limiter of [a, b]) limiter.count('address');
      await waitFor('both to count alone', 20_000, () => limiters.fallbacks === 2);
      for (const limiter of [a, b]) {
        let failures = 1;
        for (; limiter.exhaustedForMs('address') === 0; failures++) limiter.count('address');
        expect(failures).toBe(4);
      }
    });
  });

  test('[A8] a count does not wait for other work on the database', async () => {
    const { url } = await newMigratedDatabase();
    const pool = { size: 1, overflow: 0, acquireTimeoutMs: 20_000 };
    const storage = openPostgres({ url, pool, clock: systemClock, logger: silentLogger });
    undoAfterTest(async () => storage.close());
    const blocking = connect(url);
    await blocking.transaction(async (session) => {
      await session.query('lock table tasks in access exclusive mode');
      const held = storage.tasks.readHead({ ownerId: 'owner', agentId: 'agent' }, 'task');
      expect(await storage.rateCounts?.add([{ key: 'caller', n: 1 }], 60_000)).toMatchObject([{ used: 1 }]);
      await session.query('select 1');
      void held;
    });
  });

  test('[A8] an answer that is there is read, however late this process comes to it', async () => {
    let asked = 0;
    const busy = {
      add: (adds: readonly RateAdd[]) => {
        const untilMs = Date.now() + 100;
        while (Date.now() < untilMs) asked += 0;
        asked++;
        return new Promise<RateCount[]>((resolve) => {
          setImmediate(() => resolve(adds.map(({ n }) => ({ used: n, endsInMs: 60_000 }))));
        });
      },
      prune: async () => 0,
    };
    const limiters = sharedLimiters([busy, busy], undoAfterTest, 50);
    const [limiter] = limiters.replicas(1000);
    const first = takeFrom(limiter, 'caller');
    // Waits for the first answer all the time that it takes.
    await waitFor('the first to be under way', 20_000, () => asked === 1);
    await Promise.all([first, takeFrom(limiter, 'caller')]);
    expect(limiters.fallbacks).toBe(0);
    expect(asked).toBe(2);
  });
});
