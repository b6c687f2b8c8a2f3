/** What an ActivityStore must do; each database runs it. */
import { expect, test } from 'vitest';
import {
  type ActivitySpan,
  LONG_KEPT_MS,
  LONG_MS,
  type ReplicaReport,
  SHORT_KEPT_MS,
  SHORT_MS,
} from '../core/activity/activity-store.ts';
import { noCounts } from '../core/activity/counts.ts';
import { SqlActivityStore } from './activity-store.ts';
import type { Sql } from './sql.ts';

/** Late enough not to fit into 32 bits. */
const T0 = 1_800_000_000_000;

function report(fields: Partial<ReplicaReport> = {}): ReplicaReport {
  return {
    id: 'replica-a',
    name: "host's:8080",
    version: '1.2.3',
    startedAtMs: T0,
    endedAtMs: null,
    runningTasks: 3,
    queuedWrites: 4,
    ...fields,
  };
}

const span = (atMs: number, requests: number, lengthMs: ActivitySpan['lengthMs'] = SHORT_MS): ActivitySpan => ({
  lengthMs,
  atMs,
  counts: { ...noCounts(), requests },
});

/** @param open gives an empty, migrated database. */
export function activityStoreContract(open: () => Promise<Sql>): void {
  test('gives back the spans of all replicas, ascending, of one length and not from before', async () => {
    const store = new SqlActivityStore(await open());
    await store.save(report(), [span(T0 + SHORT_MS, 2), span(T0, 1), span(T0 - SHORT_MS, 9), span(T0, 8, LONG_MS)]);
    await store.save(report({ id: 'replica-b' }), [span(T0, 5)]);
    expect(await store.spans(SHORT_MS, T0)).toEqual([span(T0, 1), span(T0, 5), span(T0 + SHORT_MS, 2)]);
    expect(await store.spans(LONG_MS, T0)).toEqual([span(T0, 8, LONG_MS)]);
    expect(await store.spans(SHORT_MS, T0 + LONG_MS)).toEqual([]);
  });

  test('a span that is stored again is replaced: nothing counts twice', async () => {
    const store = new SqlActivityStore(await open());
    await store.save(report(), [span(T0, 1, LONG_MS)]);
    await store.save(report(), [span(T0, 4, LONG_MS)]);
    expect(await store.spans(LONG_MS, T0)).toEqual([span(T0, 4, LONG_MS)]);
  });

  test('[U1] replicas that are alive come before those that are not, however many of these started later', async () => {
    const sql = await open();
    const store = new SqlActivityStore(sql);
    const lease = (id: string, leftMs: number) =>
      sql.query(`insert into replicas (id, started_at, expires_at) values ($1, 0, ${sql.nowMs} + $2)`, [id, leftMs]);
    for (const [index, id] of ['old', 'older'].entries()) {
      await store.save(report({ id, startedAtMs: T0 - index }), []);
      await lease(id, 600_000);
    }
    // Killed; ended in order, with a lease that is not over; ended so long ago that its lease is gone.
    for (const [index, id] of ['killed', 'ended', 'gone'].entries()) {
      const endedAtMs = id === 'killed' ? null : T0 + 99;
      await store.save(report({ id, startedAtMs: T0 + 10 + index, endedAtMs }), []);
    }
    await lease('killed', -600_000);
    await lease('ended', 600_000);
    const ids = async (limit: number) => (await store.replicas(limit)).map(({ id }) => id);
    expect(await ids(10)).toEqual(['old', 'older', 'gone', 'ended', 'killed']);
    expect(await ids(2)).toEqual(['old', 'older']);
  });

  test('a replica is as it last said, the latest start first, with what is left of its leases', async () => {
    const sql = await open();
    const store = new SqlActivityStore(sql);
    await store.save(report(), []);
    await store.save(report({ id: 'replica-b', name: 'b:1', startedAtMs: T0 + 5 }), []);
    await store.save(report({ id: 'replica-c', startedAtMs: T0 + 2 }), []);
    await store.save(report({ endedAtMs: T0 + 9, runningTasks: 0, queuedWrites: 0 }), []);
    for (const [id, left] of [
      ['replica-b', 30_000],
      ['replica-c', -30_000],
    ] as const) {
      await sql.query(`insert into replicas (id, started_at, expires_at) values ($1, 0, ${sql.nowMs} + $2)`, [
        id,
        left,
      ]);
    }
    const [b, c, a, ...rest] = await store.replicas(10);
    expect(rest).toEqual([]);
    expect(a).toMatchObject({ ...report({ endedAtMs: T0 + 9, runningTasks: 0, queuedWrites: 0 }), leaseLeftMs: null });
    expect(b).toMatchObject(report({ id: 'replica-b', name: 'b:1', startedAtMs: T0 + 5 }));
    expect(c).toMatchObject({ id: 'replica-c', endedAtMs: null });
    expect(b?.leaseLeftMs).toBeLessThanOrEqual(30_000);
    expect(b?.leaseLeftMs).toBeGreaterThan(0);
    expect(c?.leaseLeftMs).toBeLessThanOrEqual(-30_000);
    expect(Math.abs((b?.seenAtMs ?? 0) - Date.now())).toBeLessThan(600_000);
    expect((await store.replicas(1)).map(({ id }) => id)).toEqual(['replica-b']);
  });

  test('forgets what is past its time, and not too much at once', async () => {
    const sql = await open();
    const store = new SqlActivityStore(sql);
    const nowMs = Date.now() + 1000;
    const short = [nowMs - SHORT_KEPT_MS - 2, nowMs - SHORT_KEPT_MS - 1, nowMs - SHORT_KEPT_MS];
    const long = [nowMs - LONG_KEPT_MS - 1, nowMs - LONG_KEPT_MS];
    await store.save(report(), [...short.map((at) => span(at, 1)), ...long.map((at) => span(at, 1, LONG_MS))]);
    await store.save(report({ id: 'replica-b' }), []);
    await sql.query("update replica_reports set seen_at = $1 where id = 'replica-b'", [nowMs - LONG_KEPT_MS - 1]);
    expect([await store.prune(nowMs, 1), await store.prune(nowMs, 10), await store.prune(nowMs, 10)]).toEqual([
      3, 1, 0,
    ]);
    expect((await store.spans(SHORT_MS, 0)).map(({ atMs }) => atMs)).toEqual(short.slice(2));
    expect((await store.spans(LONG_MS, 0)).map(({ atMs }) => atMs)).toEqual(long.slice(1));
    expect((await store.replicas(10)).map(({ id }) => id)).toEqual(['replica-a']);
  });
}
