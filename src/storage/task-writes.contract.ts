/** What every TaskStore must do; each database runs it. This file: writes and deduplication. */
import { expect, test } from 'vitest';
import { ALL, poisoned, type StoreUnderTest, statuses, viewOf, write } from '../../test/support/store-under-test.ts';
import { chunks, dedupOf, newTask, status, T0 } from '../../test/support/task-writes.ts';

async function counts(open: StoreUnderTest): Promise<Record<string, number>> {
  const [row] = await open.select(`select (select count(*) from tasks) as tasks,
    (select count(*) from task_log) as log, (select count(*) from task_dedup) as dedup,
    (select coalesce(sum(n), 0) from task_counters) as counted`);
  return Object.fromEntries(Object.entries(row ?? {}).map(([name, value]) => [name, Number(value)]));
}

export function taskWriteContract(open: () => Promise<StoreUnderTest>): void {
  test('[A14, A10] what was written is read back whole, by others too, and after the database was opened again', async () => {
    const opened = await open();
    const { store, other } = opened;
    const first = newTask({ contextId: 'Ünï "quoted" \\ 名前 👩‍👩‍👧', text: 'emoji 👍🏽 and \u2028 and \u007f' });
    const created = await write(store, first);
    const working = status(created, 'TASK_STATE_WORKING', { agentText: 'on it' });
    const streaming = chunks(working.head, ['a', 'b'], 'id "with" quotes 🎉');
    const done = status(streaming.head, 'TASK_STATE_COMPLETED');
    for (const next of [working, streaming, done]) await write(store, next);

    const rows = [...first.rows, ...working.rows, ...streaming.rows, ...done.rows];
    const stored = { head: viewOf(done.head), rows: rows.filter((row) => row.content !== 'none') };
    expect(await store.readTask(created, created.id, ALL)).toMatchObject(stored);
    expect(await other.readTask(created, created.id, ALL)).toMatchObject(stored);
    expect(await other.readEvents(created.id, 0, 100)).toEqual(rows);

    const reopened = await opened.reopen();
    expect(await reopened.readTask(created, created.id, ALL)).toMatchObject(stored);
    expect(await reopened.readEvents(created.id, 0, 100)).toEqual(rows);
  });

  test('[A14] a write is refused when seq or lease epoch are not those that it builds on, and leaves nothing', async () => {
    const opened = await open();
    const { store } = opened;
    const head = await write(store, newTask());
    const before = await counts(opened);
    const stale = [
      { ...head, seq: head.seq + 1 },
      { ...head, seq: head.seq - 1 },
      { ...head, leaseEpoch: head.leaseEpoch + 1 },
      { ...head, id: 'no-such-task' },
    ];
    for (const wrong of stale) {
      const next = status(wrong, 'TASK_STATE_COMPLETED', { dedup: dedupOf('k') });
      expect(await store.commit([next])).toEqual([{ status: 'conflict' }]);
    }
    expect(await counts(opened)).toEqual(before);
    expect(await store.readHead(head, head.id)).toEqual(head);
    expect(await store.readDuplicate(dedupOf('k'))).toBeUndefined();
  });

  test('[A14] a task whose id is taken is a conflict and changes nothing of the one that has it', async () => {
    const opened = await open();
    const { store } = opened;
    const head = await write(store, newTask({ id: 'same' }));
    const before = await counts(opened);
    const others = [
      newTask({ id: 'same', ownerId: 'owner-2' }),
      newTask(),
      newTask({ id: 'same', dedup: dedupOf('k') }),
    ];
    expect(statuses(await store.commit(others))).toEqual(['conflict', 'written', 'conflict']);
    expect(await store.readHead(head, head.id)).toEqual(head);
    expect(await store.readDuplicate(dedupOf('k'))).toBeUndefined();
    expect(await counts(opened)).toMatchObject({ tasks: 2, counted: 2, log: Number(before['log']) + 1 });
  });

  test('[A14] of two writers who build on one head exactly one writes', async () => {
    const { store, other } = await open();
    const head = await write(store, newTask());
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        (index % 2 === 0 ? store : other).commit([status(head, 'TASK_STATE_WORKING', { atMs: T0 + 10_000 + index })]),
      ),
    );
    expect(statuses(results.flat()).filter((result) => result === 'written')).toHaveLength(1);
    expect(statuses(results.flat()).filter((result) => result === 'conflict')).toHaveLength(19);
    expect(await store.readEvents(head.id, 0, 10)).toHaveLength(2);
  });

  test('[A14] one write that the database refuses spoils none of the other 49 of its group', async () => {
    const opened = await open();
    const writes = Array.from({ length: 50 }, (_, index) => newTask({ dedup: dedupOf(`key-${index}`) }));
    const bad = poisoned(writes[31] ?? newTask());
    writes[31] = bad;
    const results = await opened.store.commit(writes);
    expect(results[31]).toMatchObject({ status: 'failed', cause: expect.any(Error) });
    expect(statuses(results.toSpliced(31, 1))).toEqual(Array.from({ length: 49 }, () => 'written'));
    expect(await opened.other.readHead(bad.head, bad.head.id)).toBeUndefined();
    expect(await opened.store.readDuplicate(dedupOf('key-31'))).toBeUndefined();
    expect(await counts(opened)).toEqual({ tasks: 49, log: 49, dedup: 49, counted: 49 });
  });

  test('[A14] results stand at the place of their writes, whatever came of each', async () => {
    const opened = await open();
    const { store } = opened;
    const a = await write(store, newTask({ dedup: dedupOf('taken') }));
    const b = await write(store, newTask());
    const results = await store.commit([
      poisoned(newTask()),
      status(a, 'TASK_STATE_WORKING'),
      newTask({ dedup: dedupOf('taken', { bodyHash: 'body-2' }) }),
      status({ ...b, seq: 9 }, 'TASK_STATE_WORKING'),
      newTask(),
    ]);
    expect(statuses(results)).toEqual(['failed', 'written', 'duplicate', 'conflict', 'written']);
    expect(results[2]).toEqual({ status: 'duplicate', taskId: a.id, sameBody: false });
    expect(await counts(opened)).toMatchObject({ tasks: 3, log: 4, dedup: 1, counted: 3 });
  });

  test('[A14] a group of nothing is written', async () => {
    expect(await (await open()).store.commit([])).toEqual([]);
  });

  test('[A14] a lease is passed on without an event', async () => {
    const { store } = await open();
    const head = await write(store, newTask());
    const taken = { ...head, leaseReplica: 'replica-2', leaseEpoch: 2, attempt: 2 };
    await write(store, { before: head, head: taken, rows: [], discard: null, dedup: null });
    expect(await store.readHead(head, head.id)).toEqual(taken);
    expect(await store.commit([status(head, 'TASK_STATE_WORKING')])).toEqual([{ status: 'conflict' }]);
  });

  test('[A14] a restart discards what came in between as content but for messages of the user, and as events nothing', async () => {
    const { store } = await open();
    const first = newTask();
    const asked = status(await write(store, first), 'TASK_STATE_INPUT_REQUIRED', { agentText: 'which?' });
    const answered = status(await write(store, asked), 'TASK_STATE_WORKING', { userText: 'that one' });
    const streamed = chunks(await write(store, answered), ['lost']);
    const told = status(await write(store, streamed), 'TASK_STATE_WORKING', { agentText: 'half way' });
    const more = status(await write(store, told), 'TASK_STATE_WORKING', { userText: 'hurry' });
    const restart = status(await write(store, more), 'TASK_STATE_WORKING');
    const discard = { afterSeq: answered.head.seq, beforeSeq: restart.head.seq };
    await write(store, { ...restart, discard });
    const again = chunks(restart.head, ['kept']);
    await write(store, again);

    const task = await store.readTask(first.head, first.head.id, ALL);
    expect(task?.rows).toEqual([...first.rows, ...asked.rows, ...answered.rows, ...more.rows, ...again.rows]);
    expect((await store.readEvents(first.head.id, 0, 100)).map((row) => row.seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test('[A14] a restart that loses its compare-and-swap discards nothing', async () => {
    const { store } = await open();
    const head = await write(store, newTask());
    const streamed = await write(store, chunks(head, ['a']));
    const stale = status({ ...streamed, leaseEpoch: 7 }, 'TASK_STATE_WORKING');
    expect(await store.commit([{ ...stale, discard: { afterSeq: 1, beforeSeq: 3 } }])).toEqual([
      { status: 'conflict' },
    ]);
    expect((await store.readTask(head, head.id, ALL))?.rows).toHaveLength(2);
  });

  test('[A14] bodies of a megabyte, many in one group, are kept to the letter', async () => {
    const { store, other } = await open();
    const text = '"ä👍\\\n'.repeat(2 ** 20 / 8);
    const writes = Array.from({ length: 12 }, (_, index) => newTask({ text: `${index}${text}` }));
    expect(statuses(await store.commit(writes))).toEqual(Array.from({ length: 12 }, () => 'written'));
    for (const { head, rows } of writes.slice(10))
      expect((await other.readTask(head, head.id, ALL))?.rows).toEqual(rows);
  });
}

export function deduplicationContract(open: () => Promise<StoreUnderTest>): void {
  const duplicate = (taskId: string, sameBody = true) => ({ status: 'duplicate', taskId, sameBody });

  test('[A7, A14] a repeated key is a duplicate of the first task, and tells whether the body is the same', async () => {
    const { store, other } = await open();
    const first = await write(store, newTask({ dedup: dedupOf('k') }));
    const changed = { bodyHash: 'body-2' };
    expect(await other.commit([newTask({ dedup: dedupOf('k') })])).toEqual([duplicate(first.id)]);
    expect(await other.commit([newTask({ dedup: dedupOf('k', changed) })])).toEqual([duplicate(first.id, false)]);
    expect(await other.readDuplicate(dedupOf('k'))).toEqual({ taskId: first.id, sameBody: true });
    expect(await other.readDuplicate(dedupOf('k', changed))).toEqual({ taskId: first.id, sameBody: false });
    expect(await other.readDuplicate(dedupOf('another'))).toBeUndefined();
  });

  test('[A7, A14] within a group the second of a key is a duplicate of the first', async () => {
    const opened = await open();
    const writes = ['a', 'b', 'a', 'a', 'b'].map((key) => newTask({ dedup: dedupOf(key) }));
    const [a, b] = writes.map(({ head }) => head.id);
    expect(await opened.store.commit(writes)).toEqual([
      { status: 'written' },
      { status: 'written' },
      duplicate(a ?? ''),
      duplicate(a ?? ''),
      duplicate(b ?? ''),
    ]);
    expect(await counts(opened)).toEqual({ tasks: 2, log: 2, dedup: 2, counted: 2 });
  });

  test('[A7, A14] a key whose first write comes to nothing goes to the next one of the group', async () => {
    const { store } = await open();
    const bad = poisoned(newTask({ dedup: dedupOf('k') }));
    const good = newTask({ dedup: dedupOf('k') });
    expect(statuses(await store.commit([bad, good]))).toEqual(['failed', 'written']);
    expect(await store.readDuplicate(dedupOf('k'))).toEqual({ taskId: good.head.id, sameBody: true });
  });

  test('[A7, A14] 200 creates with one key, at once from two stores, make exactly one task', async () => {
    const opened = await open();
    const results = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        (index % 2 === 0 ? opened.store : opened.other).commit([newTask({ dedup: dedupOf('one-key') })]),
      ),
    );
    expect(statuses(results.flat()).filter((result) => result === 'written')).toHaveLength(1);
    const [first] = await opened.select('select id from tasks');
    const duplicates = results.flat().filter((result) => result.status === 'duplicate');
    expect(duplicates).toEqual(Array.from({ length: 199 }, () => duplicate(String(first?.['id']))));
    expect(await counts(opened)).toEqual({ tasks: 1, log: 1, dedup: 1, counted: 1 });
  });

  test('[A7, A14] groups from two stores with the same keys in opposite order make one task per key', async () => {
    const opened = await open();
    const keys = Array.from({ length: 30 }, (_, index) => `key-${index}`);
    const group = (order: readonly string[]) => order.map((key) => newTask({ dedup: dedupOf(key) }));
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        index % 2 === 0 ? opened.store.commit(group(keys)) : opened.other.commit(group(keys.toReversed())),
      ),
    );
    expect(statuses(results.flat()).filter((result) => result === 'written')).toHaveLength(30);
    expect(statuses(results.flat()).filter((result) => result === 'duplicate')).toHaveLength(210);
    expect(await counts(opened)).toEqual({ tasks: 30, log: 30, dedup: 30, counted: 30 });
  });

  test('[A7, A14] a key binds until the moment at which it expires, and is then free for another body too', async () => {
    const { store } = await open();
    const first = await write(store, newTask({ dedup: dedupOf('k', { expiresAtMs: T0 + 10 }) }));
    const at = (nowMs: number) => dedupOf('k', { nowMs, expiresAtMs: nowMs + 10, bodyHash: 'body-2' });
    expect(await store.commit([newTask({ dedup: at(T0 + 9) })])).toEqual([duplicate(first.id, false)]);
    expect(await store.readDuplicate(at(T0 + 10))).toBeUndefined();
    const second = newTask({ dedup: at(T0 + 10) });
    const third = newTask({ dedup: at(T0 + 10) });
    expect(await store.commit([second, third])).toEqual([{ status: 'written' }, duplicate(second.head.id)]);
    expect(await store.readDuplicate(at(T0 + 19))).toEqual({ taskId: second.head.id, sameBody: true });
  });

  test('[A7, A14] the key of a next message is bound with it, and repeated is a duplicate, not a conflict', async () => {
    const { store } = await open();
    const asked = await write(store, status(await write(store, newTask()), 'TASK_STATE_INPUT_REQUIRED'));
    const next = status(asked, 'TASK_STATE_WORKING', { userText: 'go on', dedup: dedupOf('k') });
    expect(await store.commit([next])).toEqual([{ status: 'written' }]);
    expect(await store.commit([next])).toEqual([duplicate(asked.id)]);
    expect(await store.readEvents(asked.id, 0, 10)).toHaveLength(3);
  });

  test('[A7, A14] a conflict takes no key away from the message that has it, of the same task and of another', async () => {
    const { store } = await open();
    const asked = await write(store, status(await write(store, newTask()), 'TASK_STATE_INPUT_REQUIRED'));
    const options = { userText: 'go on', dedup: dedupOf('k') };
    await write(store, status(asked, 'TASK_STATE_WORKING', options));
    const another = dedupOf('another');
    expect(await store.commit([status(asked, 'TASK_STATE_WORKING', { ...options, dedup: another })])).toEqual([
      { status: 'conflict' },
    ]);
    expect(await store.readDuplicate(another)).toBeUndefined();
    expect(await store.readDuplicate(options.dedup)).toEqual({ taskId: asked.id, sameBody: true });

    // An expired row that the losing write would have replaced does not come to life in its name.
    const late = dedupOf('k', { nowMs: T0 + 90_000, expiresAtMs: T0 + 99_000 });
    expect(await store.commit([status(asked, 'TASK_STATE_WORKING', { dedup: late })])).toEqual([
      { status: 'conflict' },
    ]);
    expect(await store.readDuplicate(late)).toBeUndefined();
  });
}
