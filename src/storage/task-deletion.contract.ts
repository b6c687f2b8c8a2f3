/** What every TaskStore must do; each database runs it. This file: deleting tasks that ended long ago. */
import { expect, test } from 'vitest';
import { ALL, type StoreUnderTest, write } from '../../test/support/store-under-test.ts';
import { chunks, type NewTask, newTask, status, T0 } from '../../test/support/task-writes.ts';
import type { TaskHead, TaskStore, TaskWrite } from '../core/tasks/store.ts';

const SOON = T0 + 1000;

/** A task with a message and an artifact, ended at SOON - 1. */
async function endedTask(store: TaskStore, options: NewTask = {}, atMs = SOON - 1): Promise<TaskHead> {
  return ending(store, newTask({ atMs: T0, ...options }), atMs);
}

/** The same with a push configuration, whose deliveries all wait. */
async function pushedTask(store: TaskStore, atMs = SOON - 1): Promise<TaskHead> {
  const created = newTask({ atMs: T0 });
  const secret = { keyId: 'key', envelope: 'sealed' };
  const { id } = created.head;
  const pushConfig = { uid: `uid-${id}`, id: 'c', version: '1.0' as const, host: 'h', secret, createdAtMs: T0 };
  return ending(store, { ...created, pushConfig }, atMs);
}

async function ending(store: TaskStore, created: TaskWrite, atMs: number): Promise<TaskHead> {
  const working = await write(store, status(await write(store, created), 'TASK_STATE_WORKING'));
  const streamed = await write(store, chunks(working, ['a', 'b']));
  return write(store, status(streamed, 'TASK_STATE_COMPLETED', { atMs, agentText: 'done' }));
}

/** Steps until all were looked at; answers how many were deleted. */
async function deleteAll(store: TaskStore, endedBeforeMs = SOON): Promise<number> {
  let sum = 0;
  for (;;) {
    const { deleted, isDone } = await store.deleteTasks(endedBeforeMs, 1000);
    sum += deleted;
    if (isDone) return sum;
  }
}

async function count(opened: StoreUnderTest, table: string): Promise<number> {
  const [row] = await opened.select(`select count(*) as n from ${table}`);
  return Number(row?.['n']);
}

const list = (store: TaskStore, head: TaskHead) =>
  store.listTasks({
    scope: head,
    contextId: undefined,
    state: undefined,
    statusFromMs: undefined,
    after: undefined,
    limit: 100,
    historyLength: 0,
    artifacts: false,
  });

export function taskDeletionContract(open: () => Promise<StoreUnderTest>): void {
  test('[A10, A14] a task that ended before is gone wholly: head, log, push configurations, deliveries, captured frames, counters', async () => {
    const opened = await open();
    const { store, other } = opened;
    const old = await pushedTask(store);
    const kept = await pushedTask(store, SOON);
    // As given up.
    await opened.select(`update push_deliveries set state = 1`);
    await opened.select(`update push_configs set dead = pending, pending = 0`);
    for (const { id } of [old, kept]) {
      await opened.select(`insert into captured_frames (capture_id, exchange_id, n, task_id, owner_id, agent_id, at,
          direction, kind, transport, line, headers, body, body_bytes, is_cut, is_decoded)
        values ('c', 'e', 1, '${id}', 'o', 'a', 1, 'in', 'request', 'REST', 'POST /', '[]', '{}', 2, 0, 0)`);
    }
    expect(await deleteAll(store)).toBe(1);

    expect(await opened.select('select task_id from captured_frames')).toEqual([{ task_id: kept.id }]);
    expect(await other.readHead(old, old.id)).toBeUndefined();
    expect(await other.readTask(old, old.id, ALL)).toBeUndefined();
    expect(await other.readEvents(old.id, 0, 10)).toEqual([]);
    expect(await list(other, kept)).toMatchObject({ totalSize: 1, tasks: [{ head: { id: kept.id } }] });
    expect(await other.readEvents(kept.id, 0, 10)).toHaveLength(kept.seq);
    expect(await count(opened, 'task_log')).toBe(kept.seq);
    expect(await opened.select('select uid from push_configs')).toEqual([{ uid: `uid-${kept.id}` }]);
    expect(await count(opened, 'push_deliveries')).toBe(kept.seq);
    expect(await deleteAll(store)).toBe(0);
    expect((await list(store, kept)).totalSize).toBe(1);
  });

  test('[A11] one with push notifications that are still to be sent stays until they are delivered or given up', async () => {
    const opened = await open();
    const { store } = opened;
    const pushed = await pushedTask(store);
    await endedTask(store);
    expect(await deleteAll(store)).toBe(1);
    expect(await store.readHead(pushed, pushed.id)).toBeDefined();
    expect(await count(opened, 'push_deliveries')).toBe(pushed.seq);
    await opened.select(`update push_configs set pending = pending - 1`);
    expect(await deleteAll(store)).toBe(0);
    await opened.select(`update push_configs set pending = 0`);
    expect(await deleteAll(store)).toBe(1);
    expect(await count(opened, 'push_deliveries')).toBe(0);
  });

  test('[A10] one that runs, waits for somebody, or whose lease is to be taken over stays, however old it is', async () => {
    const { store } = await open();
    const submitted = await write(store, newTask({ atMs: T0 }));
    const free = async () => write(store, newTask({ atMs: T0, lease: null }));
    const working = await write(store, status(await free(), 'TASK_STATE_WORKING'));
    const asking = await write(store, status(await free(), 'TASK_STATE_INPUT_REQUIRED'));
    const asked = await write(store, status(await free(), 'TASK_STATE_AUTH_REQUIRED'));
    const orphan = await write(store, newTask({ atMs: T0, lease: 'dead' }));
    await endedTask(store);
    expect(await deleteAll(store, T0 + 1_000_000_000)).toBe(1);
    for (const head of [submitted, working, asking, asked, orphan]) {
      expect(await store.readHead(head, head.id)).toEqual(head);
    }
  });

  test('[A14] each owner, agent and state loses what it had in the counters, and what was never listed loses nothing', async () => {
    const opened = await open();
    const { store } = opened;
    const kept = await write(store, newTask({ atMs: T0 }));
    for (let index = 0; index < 3; index++) await endedTask(store);
    for (let index = 0; index < 2; index++) await endedTask(store, { ownerId: 'owner-2', agentId: 'other' });
    const hidden = await write(store, newTask({ atMs: T0, listed: false }));
    await write(store, status(hidden, 'TASK_STATE_FAILED', { atMs: SOON - 1 }));
    const last = await endedTask(store, {}, SOON);
    expect(await deleteAll(store)).toBe(6);
    expect(await count(opened, 'task_log')).toBe(kept.seq + last.seq);
    const counters = await opened.select(
      `select owner_id, agent_id, state, cast(sum(n) as integer) as n from task_counters
        group by owner_id, agent_id, state having sum(n) <> 0 order by state`,
    );
    expect(counters).toEqual(
      [last, kept].map(({ ownerId, agentId, state }) => ({ owner_id: ownerId, agent_id: agentId, state, n: 1 })),
    );
  });

  test('[A14] a step looks at no more than so many tasks, deletes a bounded number, and comes round to each', async () => {
    const { store } = await open();
    for (let index = 0; index < 10; index++) await endedTask(store);
    await write(store, newTask());
    const steps = [];
    for (let step = 0; step < 4; step++) steps.push(await store.deleteTasks(SOON, 4));
    expect(steps).toEqual([
      { deleted: 4, isDone: false },
      { deleted: 4, isDone: false },
      { deleted: 2, isDone: true },
      { deleted: 0, isDone: true },
    ]);
    // Too much for one step: a million characters, 400 rows.
    for (let index = 0; index < 5; index++) await endedTask(store, { text: 'x'.repeat(400_000) });
    await write(store, newTask());
    expect(await store.deleteTasks(SOON, 1000)).toEqual({ deleted: 2, isDone: false });
    expect(await deleteAll(store)).toBe(3);
    for (let index = 0; index < 100; index++) await endedTask(store);
    await write(store, newTask());
    expect(await store.deleteTasks(SOON, 1000)).toEqual({ deleted: 80, isDone: false });
  });

  test('[A14] a long log goes in several steps; nothing of it can be read from the first one on', async () => {
    const opened = await open();
    const { store } = opened;
    const working = await write(store, status(await write(store, newTask({ atMs: T0 })), 'TASK_STATE_WORKING'));
    const long = await write(
      store,
      chunks(
        working,
        Array.from({ length: 2500 }, () => 'x'),
      ),
    );
    await write(store, status(long, 'TASK_STATE_COMPLETED', { atMs: SOON - 1 }));
    const heavy = await endedTask(store, { text: 'x'.repeat(3_000_000) });
    const kept = await endedTask(store, {}, SOON);
    expect(await deleteAll(store)).toBe(2);
    expect(await store.readEvents(long.id, 0, 10)).toEqual([]);
    expect(await store.readEvents(heavy.id, 0, 10)).toEqual([]);
    const left = [await count(opened, 'task_log')];
    while (await store.removeLogs()) left.push(await count(opened, 'task_log'));
    expect(left[0]).toBe(2503 + heavy.seq + kept.seq);
    expect(left.at(-1)).toBe(kept.seq);
    for (const [index, rows] of left.entries()) expect((left[index - 1] ?? rows) - rows).toBeLessThanOrEqual(400);
    expect(left.length).toBeGreaterThan(5);
    expect(await count(opened, 'log_removals')).toBe(0);
    expect(await store.readEvents(kept.id, 0, 10)).toHaveLength(kept.seq);
  });

  test('[A10, A14] a task that is made when the newest ones were deleted has a log of its own, and nothing of theirs', async () => {
    const opened = await open();
    const { store } = opened;
    const working = await write(store, status(await write(store, newTask({ atMs: T0 })), 'TASK_STATE_WORKING'));
    const long = chunks(
      working,
      Array.from({ length: 2500 }, () => 'x'),
    );
    await write(store, status(await write(store, long), 'TASK_STATE_COMPLETED', { atMs: SOON - 1 }));
    const newest = await endedTask(store);
    let deleted = 0;
    for (let round = 0; deleted < 2 && round < 10; round++) {
      deleted += (await store.deleteTasks(SOON, 1000)).deleted;
      const task = await store.readHead(newest, newest.id);
      if (task === undefined) break;
      await store.removeLogs();
    }
    for (let index = 0; index < 3; index++) {
      const made = await write(store, newTask());
      expect((await store.readTask(made, made.id, ALL))?.rows).toHaveLength(1);
      expect(await store.readEvents(made.id, 0, 10)).toHaveLength(1);
    }
    while (await store.removeLogs()) continue;
    expect(await count(opened, 'task_log')).toBe(3 + (deleted === 2 ? 0 : newest.seq));
    expect(await store.readHead(newest, newest.id)).toBeUndefined();
  });

  test('[A14] two replicas that delete at once delete each task once', async () => {
    const opened = await open();
    const { store, other } = opened;
    for (let index = 0; index < 60; index++) await endedTask(store);
    const kept = await endedTask(store, {}, SOON);
    const deleted = (await Promise.all([deleteAll(store), deleteAll(other)])).reduce((a, b) => a + b, 0);
    // What one had locked while the other came by is met on the next round.
    expect(deleted + (await deleteAll(store))).toBe(60);
    expect((await list(store, kept)).totalSize).toBe(1);
    expect(await count(opened, 'tasks')).toBe(1);
    expect(await count(opened, 'task_log')).toBe(kept.seq);
  });
}
