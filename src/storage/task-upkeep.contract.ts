/** What every TaskStore must do; each database runs it. This file: retention, forgetting. */

import { expect, test } from 'vitest';
import { ALL, type StoreUnderTest, viewOf, write } from '../../test/support/store-under-test.ts';
import { chunks, dedupOf, newTask, status, T0 } from '../../test/support/task-writes.ts';
import type { TaskHead, TaskStore } from '../core/tasks/store.ts';

const HOUR_MS = 3_600_000;

export function taskUpkeepContract(open: () => Promise<StoreUnderTest>): void {
  async function endedTask(store: TaskStore, endedAtMs: number): Promise<TaskHead> {
    const working = await write(store, status(await write(store, newTask({ atMs: T0 })), 'TASK_STATE_WORKING'));
    const streamed = await write(store, chunks(working, ['a', 'b']));
    return write(store, status(streamed, 'TASK_STATE_COMPLETED', { atMs: endedAtMs, agentText: 'done' }));
  }

  test('[A14] trimming removes what is no content, of tasks that ended before, and says where the log begins now', async () => {
    const { store, other } = await open();
    const old = await endedTask(store, T0 + 100);
    const recent = await endedTask(store, T0 + 200);
    const running = await write(store, status(await write(store, newTask({ atMs: T0 })), 'TASK_STATE_WORKING'));
    const before = await store.readTask(old, old.id, ALL);
    expect(await store.trimLogs(T0 + 200, 100)).toBe(1);

    const trimmed = { ...old, firstSeq: old.seq + 1 };
    expect(await other.readHead(old, old.id)).toEqual(trimmed);
    expect(await other.readTask(old, old.id, ALL)).toMatchObject({ head: viewOf(trimmed), rows: before?.rows });
    expect((await other.readEvents(old.id, 0, 10)).map(({ seq }) => seq)).toEqual([1, 3, 4, 5]);
    for (const head of [recent, running]) {
      expect(await store.readHead(head, head.id)).toEqual(head);
      expect(await store.readEvents(head.id, 0, 10)).toHaveLength(head.seq);
    }
    expect(await store.trimLogs(T0 + 200, 100)).toBe(0);
    expect(await other.trimLogs(T0 + 300, 100)).toBe(1);
  });

  test('[A14] trimming removes what a restart discarded', async () => {
    const { store } = await open();
    const first = newTask({ atMs: T0 });
    const streamed = await write(store, chunks(await write(store, first), ['lost']));
    const restart = status(streamed, 'TASK_STATE_WORKING');
    await write(store, { ...restart, discard: { afterSeq: 1, beforeSeq: restart.head.seq } });
    const ended = await write(store, status(restart.head, 'TASK_STATE_FAILED'));
    expect(await store.trimLogs(T0 + HOUR_MS, 10)).toBe(1);
    expect(await store.readEvents(ended.id, 0, 10)).toEqual(first.rows);
  });

  test('[A14] trimming looks at no more than so many tasks per call, and comes round to each', async () => {
    const { store } = await open();
    for (let index = 0; index < 10; index++) await endedTask(store, T0 + 100);
    await write(store, newTask());
    const trimmed: number[] = [];
    for (let call = 0; call < 4; call++) trimmed.push(await store.trimLogs(T0 + HOUR_MS, 4));
    expect(trimmed).toEqual([4, 4, 2, 0]);
    // One that ends after the walk went by is met on the next round.
    await endedTask(store, T0 + 100);
    let late = 0;
    for (let call = 0; call < 4; call++) late += await store.trimLogs(T0 + HOUR_MS, 4);
    expect(late).toBe(1);
  });

  test('[A14] keys past their time are forgotten, slice by slice, and no others', async () => {
    const opened = await open();
    const { store } = opened;
    for (let index = 0; index < 20; index++) {
      const expiresAtMs = index % 2 === 0 ? T0 + 10 : T0 + 20;
      await write(store, newTask({ dedup: dedupOf(`key-${index}`, { expiresAtMs }) }));
    }
    expect(await store.pruneDeduplication(T0 + 9, 100)).toBe(0);
    let pruned = 0;
    for (let call = 0; call < 5; call++) {
      const now = await store.pruneDeduplication(T0 + 10, 6);
      expect(now).toBeLessThanOrEqual(6);
      pruned += now;
    }
    expect(pruned).toBe(10);
    expect(await opened.select(`select key from task_dedup where expires_at <= ${T0 + 10}`)).toEqual([]);
    expect(await opened.select('select key from task_dedup')).toHaveLength(10);
    const rest = [await store.pruneDeduplication(T0 + 20, 100), await store.pruneDeduplication(T0 + 20, 100)];
    expect((rest[0] ?? 0) + (rest[1] ?? 0)).toBe(10);
  });
}
