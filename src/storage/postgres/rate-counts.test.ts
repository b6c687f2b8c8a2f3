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
import { rateLimiterContract, takeFrom } from '../../core/limits/rate-limiter.contract.ts';
import { PostgresRateCounts } from './rate-counts.ts';

async function open(timeoutMs?: number) {
  const { url, database } = await newMigratedDatabase();
  const counts = [new PostgresRateCounts(database), new PostgresRateCounts(connect(url))] as const;
  return { database, url, counts, limiters: sharedLimiters(counts, undoAfterTest, timeoutMs) };
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

  test('[A8] a database that does not answer in time fails no request: each replica counts alone until it does', async () => {
    const { url, limiters } = await open(150);
    const [a, b] = limiters.replicas(3);
    expect((await takeFrom(a, 'caller')).isAllowed).toBe(true);
    const other = connect(url);
    await other.transaction(async (session) => {
      await session.query('lock table rate_windows in access exclusive mode');
      const answers = await Promise.all([takeFrom(a, 'caller'), takeFrom(b, 'caller')]);
      expect(answers.map(({ isAllowed }) => isAllowed)).toEqual([true, true]);
      expect(limiters.fallbacks).toBe(2);
      expect(limiters.areUp).toBe(false);
      for (let index = 0; index < 2; index++) expect((await takeFrom(a, 'caller')).isAllowed).toBe(true);
      expect((await takeFrom(a, 'caller')).isAllowed).toBe(false);
    });
    await waitFor('both to count together again', 20_000, () => limiters.areUp);
    expect(limiters.fallbacks).toBe(2);
    const [c, d] = [await takeFrom(a, 'another'), await takeFrom(b, 'another')];
    expect([c.told[1], d.told[1]]).toEqual([2, 1]);
  });
});
