/** What every TaskStore must do; each database runs it. This file: leases, and claims of tasks that nobody runs. */
import { expect, test } from 'vitest';
import { type StoreUnderTest, write } from '../../test/support/store-under-test.ts';
import { newTask, status } from '../../test/support/task-writes.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { type ClaimedTask, type ClaimQuery, QUEUED, RELEASED, type TaskHead } from '../core/tasks/store.ts';

const HOUR_MS = 3_600_000;
const idsOf = (heads: readonly TaskHead[]) => heads.map(({ id }) => id);
const claimedIds = (claimed: readonly ClaimedTask[]) => claimed.map(({ head }) => head.id);

function waiting(replicaId: string, over: Partial<ClaimQuery> = {}): ClaimQuery {
  return {
    replicaId,
    from: 'waiting',
    limit: 100,
    running: new Map(),
    maxPerOwner: 1000,
    exceptAgents: [],
    agents: [],
    overdueBeforeMs: Number.MAX_SAFE_INTEGER,
    ...over,
  };
}
const dead = (replicaId: string, over: Partial<ClaimQuery> = {}) => waiting(replicaId, { from: 'dead', ...over });

export function taskClaimsContract(open: () => Promise<StoreUnderTest>): void {
  test('[A10, A14] tasks of a replica that no longer renews are claimed, oldest first; those of a living one are not', async () => {
    const { store, other } = await open();
    await store.heartbeat('dead', 1);
    const first = await write(store, newTask({ lease: 'dead' }));
    const second = await write(store, newTask({ lease: 'dead' }));
    await write(store, newTask({ lease: null }));
    await other.heartbeat('alive', HOUR_MS);
    const mine = await write(other, newTask({ lease: 'alive' }));
    await waitFor('the lease to expire', 20_000, async () => (await other.readBacklog('alive', 10)).hasDead);
    expect(await other.claimTasks(waiting('alive'))).toEqual([]);
    expect(idsOf(await other.findLeased('dead', 1))).toEqual([first.id]);
    expect(await other.claimTasks(dead('alive', { limit: 1 }))).toEqual([
      { head: { ...first, leaseReplica: 'alive', leaseEpoch: 2, attempt: 2 }, from: 'dead' },
    ]);
    expect(claimedIds(await other.claimTasks(dead('alive')))).toEqual([second.id]);
    expect(await other.claimTasks(dead('alive'))).toEqual([]);
    expect(idsOf(await other.findLeased('alive', 10))).toEqual([first.id, second.id, mine.id]);
    expect((await other.readBacklog('alive', 10)).hasDead).toBe(false);
  });

  test('[A14] a renewed replica keeps its tasks, a retired one gives them back at once, and an ended task has no lease', async () => {
    const { store } = await open();
    await store.heartbeat('replica-1', HOUR_MS);
    await store.heartbeat('replica-1', HOUR_MS);
    const head = await write(store, newTask());
    const ended = await write(store, newTask());
    await write(store, status(ended, 'TASK_STATE_COMPLETED'));
    const before = await store.readBacklog('replica-1', 10);
    expect(before).toMatchObject({ queued: 0, hasWaiting: false, hasDead: false, otherReplicas: 0 });
    await store.retireReplica('replica-1');
    await store.retireReplica('replica-1');
    expect(await store.readHead(head, head.id)).toEqual({ ...head, leaseReplica: RELEASED });
    expect(await store.readBacklog('replica-1', 10)).toMatchObject({ queued: 0, hasWaiting: true, hasDead: false });
    await store.heartbeat('replica-1', HOUR_MS);
    // Given back in good order: another attempt, but however often, never more than the second.
    for (const attempt of [2, 2]) {
      const [claimed] = await store.claimTasks(waiting('replica-1'));
      expect(claimed).toMatchObject({ from: RELEASED, head: { id: head.id, leaseReplica: 'replica-1', attempt } });
      await store.retireReplica('replica-1');
    }
  });

  test('[O16] a heartbeat says how many others are alive, where others may be', async () => {
    const { store, other, isShared } = await open();
    expect(await store.heartbeat('replica-1', HOUR_MS)).toBe(0);
    expect(await other.heartbeat('replica-2', HOUR_MS)).toBe(isShared ? 1 : 0);
    if (!isShared) return;
    expect(await store.heartbeat('replica-1', HOUR_MS)).toBe(1);
    await other.heartbeat('replica-3', 1);
    await waitFor('its end', 20_000, async () => (await store.heartbeat('replica-1', HOUR_MS)) === 1);
    await other.retireReplica('replica-2');
    expect(await store.heartbeat('replica-1', HOUR_MS)).toBe(0);
  });

  test('[A14] a task that was taken over cannot be written by its former holder any more', async () => {
    const { store, other } = await open();
    const head = await write(store, newTask({ lease: 'gone' }));
    const [claimed] = await other.claimTasks(dead('replica-2'));
    expect(await store.commit([status(head, 'TASK_STATE_COMPLETED')])).toEqual([{ status: 'conflict' }]);
    if (claimed === undefined) throw new Error('nothing was claimed');
    await write(other, status(claimed.head, 'TASK_STATE_COMPLETED'));
  });

  test('a queued task is claimed with its attempt as it was; no claim gets one that runs, or has ended', async () => {
    const { store } = await open();
    await store.heartbeat('replica-1', HOUR_MS);
    const queued = await write(store, newTask({ lease: QUEUED }));
    await write(store, newTask());
    await write(store, status(await write(store, newTask({ lease: QUEUED })), 'TASK_STATE_CANCELED'));
    expect(await store.claimTasks(dead('replica-1'))).toEqual([]);
    expect(await store.claimTasks(waiting('replica-1'))).toEqual([
      { head: { ...queued, leaseReplica: 'replica-1', leaseEpoch: 2 }, from: QUEUED },
    ]);
    expect(await store.claimTasks(waiting('replica-1'))).toEqual([]);
  });

  test('a claim passes over agents that it is told and owners at their limit', async () => {
    const { store } = await open();
    const make = (ownerId: string, agentId: string) => write(store, newTask({ ownerId, agentId, lease: QUEUED }));
    const [a1, b1, a2, b2] = [await make('a', 'x'), await make('b', 'x'), await make('a', 'y'), await make('b', 'y')];
    const [b3] = [await make('b', 'x')];
    const claim = async (over: Partial<ClaimQuery>) => claimedIds(await store.claimTasks(waiting('r', over)));
    const held = (...entries: [string, number][]) => new Map<string, number>(entries);
    expect(await claim({ running: held(['a', 3], ['nobody', 9]), maxPerOwner: 3, limit: 1 })).toEqual([b1.id]);
    expect(await claim({ exceptAgents: ['x'], running: held(['b', 1]), maxPerOwner: 1 })).toEqual([a2.id]);
    expect(await claim({ exceptAgents: ['x', 'y'] })).toEqual([]);
    expect(await claim({ running: held(['b', 2]), maxPerOwner: 3 })).toEqual([a1.id, b2.id]);
    expect(await claim({})).toEqual([b3.id]);
  });

  test.each(['waiting', 'dead'] as const)('a claim of what is %s is fair: fewest running first', async (from) => {
    const { store } = await open();
    await store.heartbeat('r', HOUR_MS);
    const lease = from === 'dead' ? 'gone' : QUEUED;
    const make = async (ownerId: string) => (await write(store, newTask({ ownerId, lease }))).id;
    const a: string[] = [];
    for (let index = 0; index < 8; index++) a.push(await make('a'));
    const [b1, c1, b2, c2] = [await make('b'), await make('c'), await make('b'), await make('c')];
    const claim = async (limit: number, held: [string, number][] = []) =>
      claimedIds(await store.claimTasks(waiting('r', { from, limit, running: new Map(held) })));
    expect(await claim(3)).toEqual([a[0], b1, c1]);
    // With what runs: a has 1, b 2, c none.
    const held: [string, number][] = [
      ['a', 1],
      ['b', 2],
    ];
    expect(await claim(3, held)).toEqual([a[1], a[2], c2]);
    expect(await claim(2, [['b', 9]])).toEqual([a[3], a[4]]);
    expect(await claim(2, [['a', 5]])).toEqual([a[5], b2]);
    expect(await claim(10)).toEqual(a.slice(6));
  });

  test('of very many owners with work none is left out, and each gets one before any gets two', async () => {
    const { store } = await open();
    const owners = Array.from({ length: 250 }, (_, index) => `owner-${String(index).padStart(3, '0')}`);
    for (const _ of [1, 2])
      await Promise.all(owners.map((ownerId) => write(store, newTask({ ownerId, lease: QUEUED }))));
    const running = new Map<string, number>();
    for (let claims = 0; claims < 50; claims++) {
      const claimed = await store.claimTasks(waiting('r', { limit: 5, running }));
      expect(claimed.length).toBe(5);
      for (const { head } of claimed) running.set(head.ownerId, (running.get(head.ownerId) ?? 0) + 1);
    }
    expect(running.size).toBe(250);
  });

  test('where nothing runs owners get their turn one after the other, however long the backlog of one is', async () => {
    const { store } = await open();
    for (const ownerId of ['b', 'b', 'b', 'b', 'b', 'a', 'c', 'a']) {
      await write(store, newTask({ ownerId, lease: QUEUED }));
    }
    const owners: string[] = [];
    for (let claims = 0; claims < 8; claims++) {
      const [claimed] = await store.claimTasks(waiting('r', { limit: 1, maxPerOwner: 1 }));
      owners.push(claimed?.head.ownerId ?? 'nobody');
    }
    expect(owners).toEqual(['a', 'b', 'c', 'a', 'b', 'b', 'b', 'b']);
  });

  test('tasks of agents that the claimer does not have are left to others, until they are overdue', async () => {
    const { store } = await open();
    await store.heartbeat('r', HOUR_MS);
    const make = (agentId: string) => write(store, newTask({ agentId, lease: QUEUED }));
    const [known, unknown] = [await make('known'), await make('unknown')];
    const claim = async (over: Partial<ClaimQuery>) => claimedIds(await store.claimTasks(waiting('r', over)));
    const { statusAtMs } = unknown;
    expect(await claim({ agents: ['known'], overdueBeforeMs: statusAtMs })).toEqual([known.id]);
    expect(await claim({ agents: ['known'], overdueBeforeMs: statusAtMs + 1 })).toEqual([unknown.id]);
    const orphan = await write(store, newTask({ agentId: 'unknown', lease: 'gone' }));
    const { statusAtMs: orphanAtMs } = orphan;
    expect(await store.claimTasks(dead('r', { agents: ['known'], overdueBeforeMs: orphanAtMs }))).toEqual([]);
    const overdue = await store.claimTasks(dead('r', { agents: [], overdueBeforeMs: orphanAtMs + 1 }));
    expect(claimedIds(overdue)).toEqual([orphan.id]);
  });

  test('the backlog has the queued tasks of each owner, counted no further than is asked, and the other replicas', async () => {
    const { store } = await open();
    await store.heartbeat('replica-1', HOUR_MS);
    for (const ownerId of ['a', 'b', 'a']) await write(store, newTask({ ownerId, lease: QUEUED }));
    await write(store, newTask({ ownerId: 'c', lease: RELEASED }));
    const backlog = await store.readBacklog('replica-1', 100);
    expect(backlog).toEqual({
      queued: 3,
      queuedByOwner: new Map([
        ['a', 2],
        ['b', 1],
      ]),
      hasWaiting: true,
      hasDead: false,
      otherReplicas: 0,
    });
    expect((await store.readBacklog('replica-1', 2)).queued).toBe(2);
    expect((await store.readBacklog('replica-2', 2)).otherReplicas).toBe(1);
  });

  test('[A14] several claimers at once: none gets what another has, and nothing is left out', async () => {
    const { store, other } = await open();
    await store.heartbeat('replica-0', HOUR_MS);
    const ids = new Set<string>();
    for (let index = 0; index < 200; index++) ids.add((await write(store, newTask({ lease: QUEUED }))).id);
    const got: string[] = [];
    const claimer = async (index: number): Promise<void> => {
      for (;;) {
        const through = index % 2 === 0 ? store : other;
        const claimed = await through.claimTasks(waiting(`replica-${index}`, { limit: 7 }));
        if (claimed.length === 0) return;
        got.push(...claimedIds(claimed));
      }
    };
    await Promise.all(Array.from({ length: 8 }, (_, index) => claimer(index)));
    // Whoever found nothing may have met only rows that others had locked at that moment.
    await claimer(0);
    expect(got.length).toBe(ids.size);
    expect(new Set(got)).toEqual(ids);
  });

  test('[A14] a claim and a write of the same task at once: one of them wins, whole', async () => {
    const { store, other } = await open();
    await store.heartbeat('replica-1', HOUR_MS);
    for (let round = 0; round < 20; round++) {
      const head = await write(store, newTask({ lease: QUEUED }));
      const [claimed, [canceled]] = await Promise.all([
        store.claimTasks(waiting('replica-1')),
        other.commit([status(head, 'TASK_STATE_CANCELED')]),
      ]);
      expect(claimed.length).toBe(canceled?.status === 'written' ? 0 : 1);
      const after = await store.readHead(head, head.id);
      expect(after?.leaseReplica).toBe(claimed.length === 1 ? 'replica-1' : null);
    }
  });
}
