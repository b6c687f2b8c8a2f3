/** What every PushStore must do, and what TaskStore.commit does for it; each database runs it. */
import { expect, test } from 'vitest';
import type { StoreUnderTest } from '../../test/support/store-under-test.ts';
import { write } from '../../test/support/store-under-test.ts';
import { chunks, newTask, status, T0 } from '../../test/support/task-writes.ts';
import type { NewPushConfig } from '../core/push/push-config.ts';
import type { ClaimedDelivery, ClaimRequest, PushAttempt, PushStore } from '../core/push/push-store.ts';
import type { TaskHead } from '../core/tasks/store.ts';

export interface PushStoreUnderTest extends StoreUnderTest {
  readonly push: PushStore;
  /** Of another replica. */
  readonly otherPush: PushStore;
}

export const CLAIM: ClaimRequest = {
  limit: 100,
  leaseMs: 60_000,
  maxPerHost: 100,
  maxPerOwner: 100,
  busyHosts: [],
  busyOwners: [],
};
const ALL = { ownerId: undefined, agentId: undefined, agentIds: undefined, taskId: undefined, state: undefined };
const FAILED: PushAttempt = { atMs: T0, durationMs: 12, status: 500, error: 'status_5xx' };

let made = 0;
export function configOf(fields: Partial<NewPushConfig> = {}): NewPushConfig {
  made++;
  const uid = `uid-${String(made).padStart(6, '0')}`;
  return {
    uid,
    id: `config-${made}`,
    version: '1.0',
    host: 'receiver.example',
    secret: { keyId: 'k1', envelope: `enc:v1:${made}` },
    createdAtMs: T0,
    ...fields,
  };
}

const seqs = (claims: readonly ClaimedDelivery[]) => claims.map(({ seq }) => seq);

/** @param open gives stores on an empty, migrated database. */
export function pushStoreContract(open: () => Promise<PushStoreUnderTest>): void {
  async function taskWithConfig(under: PushStoreUnderTest, config = configOf(), owner = 'owner-1'): Promise<TaskHead> {
    const head = await write(under.store, newTask({ ownerId: owner }));
    expect(await under.push.putConfig(head, head.id, config, 10)).toBe('stored');
    return head;
  }

  async function deliverAll(push: PushStore): Promise<number[]> {
    const sent: number[] = [];
    let claims = await push.claim(CLAIM);
    while (claims.length > 0) {
      const results = await push.settle(claims.map((claim) => ({ kind: 'delivered', claim, keepMs: 60_000 })));
      sent.push(...seqs(claims));
      claims = results.flatMap((result) => (result.status === 'settled' && result.next !== null ? [result.next] : []));
    }
    return sent;
  }

  test('[A11] a configuration gets every event after it was made, in order, and none of before', async () => {
    const under = await open();
    let head = await write(under.store, newTask());
    await under.push.putConfig(head, head.id, configOf(), 10);
    head = await write(under.store, status(head, 'TASK_STATE_WORKING'));
    head = await write(under.store, chunks(head, ['a', 'b']));
    expect(await under.push.queuedOf('owner-1')).toBe(3);
    expect(await under.push.queued()).toBe(3);
    expect(await deliverAll(under.push)).toEqual([2, 3, 4]);
    expect(await under.push.queued()).toBe(0);
    await write(under.store, status(head, 'TASK_STATE_COMPLETED'));
    expect(await deliverAll(under.otherPush)).toEqual([5]);
    expect(await under.select('select * from push_configs')).toEqual([]);
  });

  test('[A11] one that comes with the first message gets the first event too, also when all ends in that commit', async () => {
    const under = await open();
    const config = configOf();
    const created = newTask();
    expect(await under.store.commit([{ ...created, pushConfig: config }])).toEqual([
      { status: 'written', hasDeliveries: true },
    ]);
    expect(await under.push.findConfig(created.head, created.head.id, config.id)).toMatchObject({ uid: config.uid });
    const second = newTask();
    const ended = status(second.head, 'TASK_STATE_COMPLETED');
    const whole = { ...ended, before: null, rows: [...second.rows, ...ended.rows], pushConfig: configOf() };
    expect(await under.store.commit([whole])).toEqual([{ status: 'written', hasDeliveries: true }]);
    expect(await under.push.listConfigs(second.head, second.head.id, '', 10)).toEqual([]);
    expect((await under.push.listDeliveries({ ...ALL, taskId: second.head.id }, null, 10)).deliveries).toHaveLength(2);
  });

  test('[A11] a write that is refused leaves no configuration and no delivery', async () => {
    const under = await open();
    const head = await taskWithConfig(under);
    await write(under.store, status(head, 'TASK_STATE_WORKING'));
    const stale = { ...status(head, 'TASK_STATE_COMPLETED'), pushConfig: configOf() };
    expect(await under.store.commit([stale])).toEqual([{ status: 'conflict' }]);
    const spoiled = newTask();
    const poisoned = { ...spoiled, rows: [...spoiled.rows, ...spoiled.rows], pushConfig: configOf() };
    expect(await under.store.commit([poisoned])).toMatchObject([{ status: 'failed' }]);
    expect(await under.select('select id from push_configs')).toHaveLength(1);
    expect(await under.push.queued()).toBe(1);
  });

  test('[A11] tasks without configurations, in the same commit, get no deliveries', async () => {
    const under = await open();
    const head = await taskWithConfig(under);
    const other = await write(under.store, newTask());
    const results = await under.store.commit([
      status(other, 'TASK_STATE_WORKING'),
      status(head, 'TASK_STATE_WORKING'),
      newTask(),
    ]);
    expect(results).toEqual([{ status: 'written' }, { status: 'written', hasDeliveries: true }, { status: 'written' }]);
    expect(await under.push.queued()).toBe(1);
  });

  test('[A6] [A11] configurations are found by the owner and agent of their task only', async () => {
    const under = await open();
    const config = configOf();
    const head = await taskWithConfig(under, config);
    for (const scope of [
      { ownerId: 'other', agentId: head.agentId },
      { ownerId: head.ownerId, agentId: 'other' },
    ]) {
      expect(await under.push.findConfig(scope, head.id, config.id)).toBeUndefined();
      expect(await under.push.listConfigs(scope, head.id, '', 10)).toBeUndefined();
      expect(await under.push.putConfig(scope, head.id, configOf(), 10)).toBe('no-task');
      expect(await under.push.removeConfig(scope, head.id, config.id)).toBe(false);
    }
    expect(await under.push.findConfig(head, head.id, config.id)).toEqual({
      uid: config.uid,
      id: config.id,
      secret: config.secret,
    });
  });

  test('[A11] pages of configurations are in the order of their ids; the limit per task holds, replacing is free', async () => {
    const under = await open();
    const head = await write(under.store, newTask());
    for (const id of ['c', 'a', 'b/x:y']) {
      expect(await under.push.putConfig(head, head.id, configOf({ id }), 3)).toBe('stored');
    }
    expect(await under.push.putConfig(head, head.id, configOf({ id: 'd' }), 3)).toBe('too-many');
    const replacement = configOf({ id: 'a', version: '0.3' });
    expect(await under.push.putConfig(head, head.id, replacement, 3)).toBe('stored');
    const first = await under.push.listConfigs(head, head.id, '', 2);
    expect(first?.map(({ id, uid }) => [id, uid === replacement.uid])).toEqual([
      ['a', true],
      ['b/x:y', false],
    ]);
    expect((await under.push.listConfigs(head, head.id, 'b/x:y', 2))?.map(({ id }) => id)).toEqual(['c']);
    expect((await under.store.readHead(head, head.id))?.hasPushConfigs).toBe(true);
  });

  test('[A11] what is deleted sends nothing more, not even what waits, and deleting twice is one deletion', async () => {
    const under = await open();
    const config = configOf();
    const head = await taskWithConfig(under, config);
    const working = await write(under.store, status(head, 'TASK_STATE_WORKING'));
    const [claim] = await under.push.claim(CLAIM);
    if (claim === undefined) throw new Error('nothing to send');
    expect(await under.push.removeConfig(head, head.id, config.id)).toBe(true);
    expect(await under.push.removeConfig(head, head.id, config.id)).toBe(true);
    expect(await under.push.settle([{ kind: 'delivered', claim, keepMs: null }])).toEqual([{ status: 'lost' }]);
    expect(await under.store.commit([status(working, 'TASK_STATE_COMPLETED')])).toEqual([{ status: 'written' }]);
    expect(await under.select('select * from push_deliveries')).toEqual([]);
    expect(await under.store.readHead(head, head.id)).not.toHaveProperty('hasPushConfigs');
  });

  test('[A11] what waits of a task that has ended can be withdrawn too', async () => {
    const under = await open();
    const config = configOf();
    const head = await taskWithConfig(under, config);
    await write(under.store, status(head, 'TASK_STATE_COMPLETED'));
    expect(await under.push.removeConfig(head, head.id, config.id)).toBe(true);
    expect(await under.push.claim(CLAIM)).toEqual([]);
    expect(await under.select('select * from push_deliveries')).toEqual([]);
  });

  test('[A11] a finished task takes a configuration, which is forgotten after its time', async () => {
    const under = await open();
    const head = await write(under.store, status(await write(under.store, newTask()), 'TASK_STATE_COMPLETED'));
    const config = configOf();
    expect(await under.push.putConfig(head, head.id, config, 10)).toBe('stored');
    expect(await under.push.prune(null, T0, 10)).toBe(0);
    expect(await under.push.findConfig(head, head.id, config.id)).toBeDefined();
    await under.push.prune(null, T0 + 1, 10);
    expect(await under.push.findConfig(head, head.id, config.id)).toBeUndefined();
  });

  test('[A11] only the first delivery of a configuration is claimed, by one holder, until its lease is over', async () => {
    const under = await open();
    const head = await taskWithConfig(under);
    await write(under.store, chunks(await write(under.store, status(head, 'TASK_STATE_WORKING')), ['a', 'b']));
    const claims = await under.push.claim(CLAIM);
    expect(claims).toMatchObject([
      { seq: 2, taskId: head.id, attempts: 0, firstAttemptAtMs: null, ownerId: 'owner-1' },
    ]);
    expect(claims[0]?.body).toContain('TASK_STATE_WORKING');
    expect(await under.otherPush.claim(CLAIM)).toEqual([]);
    const [claim] = claims;
    if (claim === undefined) throw new Error('nothing to send');
    expect(await under.push.settle([{ kind: 'released', claim }])).toEqual([{ status: 'settled', next: null }]);
    const [taken] = await under.otherPush.claim({ ...CLAIM, leaseMs: 0 });
    // That lease is over already: whoever comes next has the right to send, and the first holder has lost it.
    const [again] = await under.push.claim(CLAIM);
    if (taken === undefined || again === undefined) throw new Error('nothing to send');
    expect([taken.seq, again.seq]).toEqual([2, 2]);
    expect(await under.otherPush.settle([{ kind: 'delivered', claim: taken, keepMs: null }])).toEqual([
      { status: 'lost' },
    ]);
    expect(await under.push.settle([{ kind: 'delivered', claim: again, keepMs: 1000 }])).toMatchObject([
      { status: 'settled', next: { seq: 3 } },
    ]);
  });

  test('[A11] a retry waits for its time with all that is behind it; a dead letter lets them go on', async () => {
    const under = await open();
    const head = await taskWithConfig(under);
    await write(under.store, chunks(head, ['a', 'b']));
    const [first] = await under.push.claim(CLAIM);
    if (first === undefined) throw new Error('nothing to send');
    await under.push.settle([{ kind: 'retry', claim: first, attempt: FAILED, delayMs: 3_600_000 }]);
    expect(await under.push.claim(CLAIM)).toEqual([]);
    const [waiting, behind] = (await under.push.listDeliveries(ALL, null, 10)).deliveries;
    expect(waiting).toMatchObject({ seq: 2, attempts: 1, state: 'pending', history: [FAILED], reason: null });
    expect(waiting?.nextAttemptAtMs).toBeGreaterThan(first.nowMs + 3_500_000);
    expect(behind).toMatchObject({ seq: 3, attempts: 0, nextAttemptAtMs: null });

    const other = await taskWithConfig(under);
    await write(under.store, chunks(other, ['a', 'b']));
    const [second] = await under.push.claim(CLAIM);
    if (second === undefined) throw new Error('nothing to send');
    const [settled] = await under.push.settle([
      { kind: 'dead', claim: second, attempt: FAILED, reason: 'gone', keepMs: 1000 },
    ]);
    expect(settled).toMatchObject({ status: 'settled', next: { seq: 3, taskId: other.id } });
    const dead = await under.push.listDeliveries({ ...ALL, state: 'dead' }, null, 10);
    expect(dead.deliveries).toMatchObject([{ seq: 2, reason: 'gone', taskId: other.id, history: [FAILED] }]);
    expect(await under.push.stats()).toMatchObject({ pending: 3, dead: 1 });
  });

  test('[A11] dead letters wait again, or are forgotten, alone or all of them, by their owner only', async () => {
    const under = await open();
    const config = configOf();
    const head = await taskWithConfig(under, config);
    await write(under.store, status(await write(under.store, chunks(head, ['a', 'b'])), 'TASK_STATE_COMPLETED'));
    for (let left = 3; left > 0; left--) {
      const [claim] = await under.push.claim(CLAIM);
      if (claim === undefined) throw new Error('nothing to send');
      await under.push.settle([{ kind: 'dead', claim, attempt: FAILED, reason: 'retries_exhausted', keepMs: null }]);
    }
    expect(await under.push.claim(CLAIM)).toEqual([]);
    const key = { uid: config.uid, seq: 3 };
    expect(await under.push.redeliver(key, 'somebody')).toBe(false);
    expect(await under.push.discard(key, 'somebody')).toBe(false);
    expect(await under.push.findDelivery(key, 'somebody')).toBeUndefined();
    expect(await under.push.redeliver(key, 'owner-1')).toBe(true);
    expect(await under.push.redeliver(key, undefined)).toBe(false);
    expect(await under.push.findDelivery(key, 'owner-1')).toMatchObject({ state: 'pending', attempts: 0 });
    expect(await under.push.discard({ ...key, seq: 2 }, undefined)).toBe(true);
    expect(await under.push.redeliverAll({ ...ALL, ownerId: 'somebody' }, 10)).toBe(0);
    expect(await under.push.redeliverAll({ ...ALL, agentIds: ['other'] }, 10)).toBe(0);
    expect(await under.push.redeliverAll({ ...ALL, agentIds: [head.agentId] }, 10)).toBe(1);
    expect(await deliverAll(under.push)).toEqual([3, 4]);
    expect(await under.select('select * from push_configs')).toEqual([]);
  });

  test('[A11] old dead letters are forgotten, and with the last one the configuration of an ended task', async () => {
    const under = await open();
    const head = await taskWithConfig(under);
    await write(under.store, status(head, 'TASK_STATE_COMPLETED'));
    const [claim] = await under.push.claim(CLAIM);
    if (claim === undefined) throw new Error('nothing to send');
    await under.push.settle([{ kind: 'dead', claim, attempt: FAILED, reason: 'gone', keepMs: null }]);
    expect(await under.push.prune(claim.nowMs - 1, T0, 10)).toBe(0);
    expect(await under.push.prune(claim.nowMs + 3_600_000, T0, 10)).toBe(1);
    expect(await under.select('select * from push_configs')).toEqual([]);
  });

  test('[A11] one claim takes no more of a host, or of an owner, than it may, and none of those that are busy', async () => {
    const under = await open();
    for (const [host, owner] of [
      ['a', 'one'],
      ['a', 'one'],
      ['a', 'two'],
      ['b', 'two'],
      ['b', 'two'],
      ['c', 'three'],
    ] as const) {
      const head = await taskWithConfig(under, configOf({ host }), owner);
      await write(under.store, status(head, 'TASK_STATE_WORKING'));
    }
    const claim = async (request: Partial<ClaimRequest>) => {
      const claims = await under.push.claim({ ...CLAIM, ...request });
      await under.push.settle(claims.map((one) => ({ kind: 'released', claim: one })));
      return claims.map(({ host }) => host).sort();
    };
    expect(await claim({ maxPerHost: 1 })).toEqual(['a', 'b', 'c']);
    expect(await claim({ maxPerOwner: 1 })).toHaveLength(3);
    expect(await claim({ busyHosts: ['a', 'c'] })).toEqual(['b', 'b']);
    expect(await claim({ busyOwners: ['two', 'three'] })).toEqual(['a', 'a']);
    expect(await claim({ limit: 2 })).toHaveLength(2);
    expect(await claim({})).toHaveLength(6);
  });

  test('[A11] pages of deliveries go through all of them once, newest configurations first', async () => {
    const under = await open();
    for (let index = 0; index < 3; index++) {
      const head = await taskWithConfig(under, configOf(), index === 1 ? 'owner-2' : 'owner-1');
      await write(under.store, chunks(head, ['a', 'b', 'c']));
    }
    const seen: string[] = [];
    let next = null;
    do {
      const page = await under.push.listDeliveries(ALL, next, 2);
      seen.push(...page.deliveries.map(({ id }) => id));
      ({ next } = page);
    } while (next !== null);
    expect(new Set(seen).size).toBe(9);
    expect((await under.push.listDeliveries({ ...ALL, ownerId: 'owner-2' }, null, 10)).deliveries).toHaveLength(3);
  });

  test('[A11] the log of an ended task is trimmed only when nothing of it is to be sent any more', async () => {
    const under = await open();
    const head = await taskWithConfig(under);
    const ended = await write(under.store, status(head, 'TASK_STATE_COMPLETED'));
    expect(await under.store.trimLogs(ended.statusAtMs + 1, 100)).toBe(0);
    expect(await deliverAll(under.push)).toEqual([2]);
    expect(await under.store.trimLogs(ended.statusAtMs + 1, 100)).toBe(1);
  });

  test('[A11] while configurations come and go, each gets every event from the one after it was made', async () => {
    const under = await open();
    let head = await write(under.store, newTask());
    const ids: string[] = [];
    const known = new Map<string, number>();
    // Made while events are committed: where each one comes in between is not known, only that it loses nothing.
    for (let round = 0; round < 30; round++) {
      const config = configOf();
      ids.push(config.uid);
      const before = head.seq;
      const [, next] = await Promise.all([
        (round % 2 === 0 ? under.otherPush : under.push).putConfig(head, head.id, config, 100),
        write(under.store, chunks(head, ['x'])),
      ]);
      head = next;
      known.set(config.uid, before);
    }
    const perConfig = new Map<string, number[]>();
    let next = null;
    do {
      const page = await under.push.listDeliveries(ALL, next, 200);
      for (const { id } of page.deliveries) {
        const [uid = '', seq = ''] = id.split('.');
        perConfig.set(uid, [...(perConfig.get(uid) ?? []), Number(seq)]);
      }
      ({ next } = page);
    } while (next !== null);
    for (const uid of ids) {
      const events = perConfig.get(uid) ?? [];
      const first = events[0] ?? head.seq + 1;
      const before = known.get(uid) ?? 0;
      expect([before + 1, before + 2]).toContain(first);
      expect(events).toEqual(Array.from({ length: head.seq - first + 1 }, (_, index) => first + index));
    }
  });
}
