/** What every TaskStore must do; each database runs it. This file: reads, lists and the counters behind them. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ALL, type StoreUnderTest, statuses, viewOf, write } from '../../test/support/store-under-test.ts';
import { chunks, newTask, status, T0 } from '../../test/support/task-writes.ts';
import { TRANSITIONS } from '../core/tasks/states.ts';
import {
  type ContentQuery,
  type ListQuery,
  PAGE_MAX_CHARS,
  type TaskHead,
  type TaskStore,
  type TaskWrite,
} from '../core/tasks/store.ts';
import { TASK_STATES } from '../protocol/v1/types.ts';

const SCOPE = { ownerId: 'owner-1', agentId: 'echo' };

function listQuery(fields: Partial<ListQuery> = {}): ListQuery {
  const none = { contextId: undefined, state: undefined, statusFromMs: undefined, after: undefined };
  return { scope: SCOPE, ...none, historyLength: 0, artifacts: false, limit: 100, ...fields };
}

const idsOf = async (store: TaskStore, fields: Partial<ListQuery> = {}) =>
  (await store.listTasks(listQuery(fields))).tasks.map(({ head }) => head.id);

export function taskReadContract(open: () => Promise<StoreUnderTest>): void {
  test('[A9, O16] the positions of many tasks come in one answer, of those that are there, whoever has them', async () => {
    const { store, other } = await open();
    const first = await write(store, newTask());
    const second = await write(store, chunks(await write(store, newTask()), ['a', 'b']));
    const unasked = await write(store, newTask());
    const ids = [first.id, second.id, 'no\'such"task', ...Array.from({ length: 3000 }, (_, index) => `none-${index}`)];
    const expected = new Map([first, second].map(({ id, seq }) => [id, seq]));
    expect(await other.readSeqs(ids)).toEqual(expected);
    expect(expected.has(unasked.id)).toBe(false);
    expect(await other.readSeqs([])).toEqual(new Map());
  });

  test('[A6, A14] no read gives anything of another owner, nor of another agent of the same owner', async () => {
    const { store } = await open();
    const head = await write(store, newTask());
    const strangers = [
      { ...SCOPE, ownerId: 'owner-2' },
      { ...SCOPE, agentId: 'geo' },
      { ownerId: 'echo', agentId: 'owner-1' },
      { ...SCOPE, ownerId: 'OWNER-1' },
      { ...SCOPE, ownerId: '%' },
    ];
    for (const scope of strangers) {
      expect(await store.readHead(scope, head.id)).toBeUndefined();
      expect(await store.readTask(scope, head.id, ALL)).toBeUndefined();
      for (const contextId of [undefined, head.contextId]) {
        const result = await store.listTasks(listQuery({ scope, contextId }));
        expect(result).toEqual({ tasks: [], totalSize: 0 });
      }
    }
    expect(await store.readHead(SCOPE, head.id)).toEqual(head);
    expect(await store.readHead(SCOPE, 'no-such-task')).toBeUndefined();
    expect(await store.readTask(SCOPE, 'no-such-task', ALL)).toBeUndefined();
    expect(await store.readEvents('no-such-task', 0, 10)).toEqual([]);
  });

  test('[A14] content is as much as was asked for: messages, artifacts, both, neither', async () => {
    const { store } = await open();
    const first = newTask();
    const asked = status(await write(store, first), 'TASK_STATE_INPUT_REQUIRED', { agentText: 'which?' });
    const streamed = chunks(await write(store, asked), ['x', 'y']);
    // One row that holds two messages: the user's, and the answer that it caused.
    const both = status(await write(store, streamed), 'TASK_STATE_WORKING', { userText: 'that', agentText: 'thanks' });
    const done = status(await write(store, both), 'TASK_STATE_COMPLETED');
    await write(store, done);

    const messages = [...first.rows, ...asked.rows, ...both.rows];
    const everything = [...first.rows, ...asked.rows, ...streamed.rows, ...both.rows];
    const expected: [ContentQuery, readonly unknown[]][] = [
      [{ historyLength: undefined, artifacts: true }, everything],
      [{ historyLength: undefined, artifacts: false }, messages],
      [{ historyLength: 0, artifacts: true }, streamed.rows],
      [{ historyLength: 0, artifacts: false }, []],
      [{ historyLength: 1, artifacts: false }, both.rows],
      [{ historyLength: 1, artifacts: true }, [...streamed.rows, ...both.rows]],
      [{ historyLength: 100, artifacts: true }, everything],
    ];
    for (const [query, rows] of expected) {
      const task = await store.readTask(SCOPE, first.head.id, query);
      const { tasks } = await store.listTasks(listQuery(query));
      const stored = { head: viewOf(done.head), rows };
      expect({ query, task, tasks }).toMatchObject({ query, task: stored, tasks: [stored] });
    }
    const two = await store.readTask(SCOPE, first.head.id, { historyLength: 2, artifacts: false });
    expect(messages.slice(-2)).toEqual(two?.rows.slice(-2));
  });

  test('[A14] a message that waits for the kind of its answer is content and no event', async () => {
    const { store } = await open();
    const waiting = newTask({ listed: false });
    const head = await write(store, waiting);
    const stored = { head: viewOf(head), rows: waiting.rows };
    expect(await store.readTask(SCOPE, head.id, ALL)).toMatchObject(stored);
    expect(await store.readTask(SCOPE, head.id, { historyLength: 1, artifacts: false })).toMatchObject(stored);
    expect(await store.readEvents(head.id, 0, 10)).toEqual([]);
    expect(await store.listTasks(listQuery())).toEqual({ tasks: [], totalSize: 0 });
  });

  test('[A9, A14] events are read from any position, in pages, without gap, duplicate or event of a neighbour', async () => {
    const { store } = await open();
    const heads = [await write(store, newTask()), await write(store, newTask()), await write(store, newTask())];
    const texts = Array.from({ length: 30 }, (_, index) => `chunk ${index}`);
    for (const head of heads) await write(store, chunks(head, texts));
    const id = heads[1]?.id ?? '';
    const all = await store.readEvents(id, 0, 1000);
    expect(all.map((row) => row.seq)).toEqual(Array.from({ length: 31 }, (_, index) => index + 1));
    expect(await store.readEvents(id, 12, 7)).toEqual(all.slice(12, 19));
    expect(await store.readEvents(id, -1, 3)).toEqual(all.slice(0, 3));
    expect(await store.readEvents(id, 31, 7)).toEqual([]);
    expect(await store.readEvents(id, 5_000_000, 7)).toEqual([]);
  });

  test('[A3, A14] a list is by status time, newest first, then by id, and every filter counts what it shows', async () => {
    const { store } = await open();
    const a = await write(store, newTask({ id: 'a', atMs: T0, contextId: 'c1' }));
    const b = await write(store, newTask({ id: 'b', atMs: T0 + 5, contextId: 'c1' }));
    await write(store, newTask({ id: 'B', atMs: T0 + 5, contextId: 'c2' }));
    await write(store, newTask({ id: 'd', atMs: T0 + 3, contextId: 'c2', agentId: 'geo' }));
    await write(store, status(b, 'TASK_STATE_COMPLETED', { atMs: T0 + 5 }));
    expect(await idsOf(store)).toEqual(['b', 'B', 'a']);
    await write(store, status(a, 'TASK_STATE_WORKING', { atMs: T0 + 9 }));
    expect(await idsOf(store)).toEqual(['a', 'b', 'B']);

    const filters: [Partial<ListQuery>, string[]][] = [
      [{ contextId: 'c1' }, ['a', 'b']],
      [{ contextId: 'c2' }, ['B']],
      [{ state: 'TASK_STATE_COMPLETED' }, ['b']],
      [{ state: 'TASK_STATE_WORKING' }, ['a']],
      [{ state: 'TASK_STATE_FAILED' }, []],
      [{ statusFromMs: T0 + 5 }, ['a', 'b', 'B']],
      [{ statusFromMs: T0 + 6 }, ['a']],
      [{ contextId: 'c1', state: 'TASK_STATE_COMPLETED', statusFromMs: T0 }, ['b']],
      [{ contextId: 'c1', state: 'TASK_STATE_WORKING', statusFromMs: T0 + 10 }, []],
    ];
    for (const [filter, ids] of filters) {
      const { tasks, totalSize } = await store.listTasks(listQuery(filter));
      const shown = tasks.map(({ head }) => head.id);
      expect({ filter, shown, totalSize }).toEqual({ filter, shown: ids, totalSize: ids.length });
    }
    const after = { statusAtMs: T0 + 5, id: 'b' };
    expect(await store.listTasks(listQuery({ after, limit: 1 }))).toMatchObject({
      tasks: [{ head: { id: 'B' } }],
      totalSize: 3,
    });
    expect(await idsOf(store, { after, contextId: 'c1' })).toEqual([]);
  });

  test('[A14] a page ends where its content would be too much for one answer, and the next one goes on after it', async () => {
    const { store } = await open();
    const text = 'x'.repeat(PAGE_MAX_CHARS / 2);
    const ids: string[] = [];
    for (let index = 0; index < 4; index++) ids.unshift((await write(store, newTask({ text }))).id);
    const content = { historyLength: undefined, limit: 100 };

    const first = await store.listTasks(listQuery(content));
    expect(first.tasks.map(({ head }) => head.id)).toEqual(ids.slice(0, 2));
    expect([first.isCut, first.totalSize]).toEqual([true, 4]);
    const { statusAtMs = 0, id = '' } = first.tasks.at(-1)?.head ?? {};
    expect(await idsOf(store, { ...content, after: { statusAtMs, id } })).toEqual(ids.slice(2));

    const heads = await store.listTasks(listQuery({ limit: 100 }));
    expect(heads.tasks.map(({ head }) => head.id)).toEqual(ids);
    expect(heads.isCut ?? false).toBe(false);
  });

  test('[A3, A14] pages show each task that did not change once, whatever is created and changed meanwhile', async () => {
    const { store, other } = await open();
    const heads: TaskHead[] = [];
    // Many of one time, so that pages end between equals.
    for (let group = 0; group < 8; group++) {
      const writes = Array.from({ length: 15 }, () => newTask({ atMs: T0 + group, contextId: 'c' }));
      expect(new Set(statuses(await store.commit(writes)))).toEqual(new Set(['written']));
      heads.push(...writes.map(({ head }) => head));
    }
    const changed = new Set<string>();
    for (const filter of [{}, { contextId: 'c' }, { statusFromMs: T0 }, { state: 'TASK_STATE_SUBMITTED' as const }]) {
      const seen: string[] = [];
      let after: ListQuery['after'];
      for (let page = 0; ; page++) {
        const { tasks } = await other.listTasks(listQuery({ ...filter, after, limit: 7 }));
        seen.push(...tasks.map(({ head }) => head.id));
        const last = tasks.at(-1);
        if (last === undefined) break;
        after = { statusAtMs: last.head.statusAtMs, id: last.head.id };
        await write(store, newTask({ atMs: T0 + 1000 + page, contextId: 'c' }));
        const mover = heads.find(({ id }) => !changed.has(id) && !seen.includes(id));
        if (mover === undefined) continue;
        changed.add(mover.id);
        await write(store, status(mover, 'TASK_STATE_WORKING', { atMs: T0 + 2000 + page }));
      }
      expect(seen).toHaveLength(new Set(seen).size);
      const still = heads.filter(({ id }) => !changed.has(id)).map(({ id }) => id);
      expect(still.filter((id) => !seen.includes(id))).toEqual([]);
    }
  });

  test('[A14] the counters are what counting gives, after 2,000 random operations from two stores', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(operation, { minLength: 1, maxLength: 16 }), { minLength: 60, maxLength: 60 }),
        async (groups) => {
          const opened = await open();
          const model = new Model();
          for (const [index, group] of groups.entries()) {
            const writes = model.writesOf(group);
            const results = await (index % 3 === 0 ? opened.other : opened.store).commit(writes);
            expect(statuses(results)).toEqual(model.applied(writes));
          }
          const counted = await opened.select(`select owner_id, agent_id, state, sum(n) as n from task_counters
          group by owner_id, agent_id, state having sum(n) <> 0 order by 1, 2, 3`);
          const truth = await opened.select(`select owner_id, agent_id, state, count(*) as n from tasks where listed = 1
          group by owner_id, agent_id, state order by 1, 2, 3`);
          expect(counted.map((row) => ({ ...row, n: Number(row['n']) }))).toEqual(
            truth.map((row) => ({ ...row, n: Number(row['n']) })),
          );
          for (const state of [undefined, ...TASK_STATES]) {
            const { tasks, totalSize } = await opened.store.listTasks(listQuery({ state, limit: 10_000 }));
            const count = model.count(state);
            expect({ state, totalSize, shown: tasks.length }).toEqual({ state, totalSize: count, shown: count });
          }
        },
      ),
      { numRuns: 4, endOnFailure: true },
    );
  });

  test('[A14] a task of 10,000 events takes each write, and gives each page, as one of a few events does', async () => {
    const { store } = await open();
    const texts = Array.from({ length: 100 }, () => 'x'.repeat(100));
    let large = await write(store, newTask());
    for (let round = 0; round < 70; round++) large = await write(store, chunks(large, texts));
    const once = async (before: TaskHead) => {
      const start = performance.now();
      const head = await write(store, chunks(before, texts));
      await store.readEvents(head.id, head.seq - 50, 100);
      await store.readHead(head, head.id);
      return { head, ms: performance.now() - start };
    };
    // In turn, so that whatever else the machine does meets both.
    const ratios: number[] = [];
    for (let round = 0; round < 30; round++) {
      const small = await once(await write(store, newTask()));
      const next = await once(large);
      large = next.head;
      ratios.push(next.ms / small.ms);
    }
    // Generous: a cost that grows with the task would make it many times as much.
    expect(ratios.toSorted((a, b) => a - b)[Math.floor(ratios.length / 2)]).toBeLessThan(2.5);
    expect((await store.readTask(large, large.id, ALL))?.rows).toHaveLength(10_001);
  });
}

interface Operation {
  readonly kind: 'create' | 'status' | 'announce' | 'stale' | 'chunk';
  readonly pick: number;
  readonly owner: number;
  readonly agent: number;
  readonly isListed: boolean;
}

const operation: fc.Arbitrary<Operation> = fc.record({
  kind: fc.constantFrom('create', 'create', 'status', 'status', 'status', 'announce', 'stale', 'chunk'),
  pick: fc.nat(1_000_000),
  owner: fc.nat(2),
  agent: fc.nat(1),
  isListed: fc.boolean(),
});

/** What the store should hold. */
class Model {
  readonly #heads = new Map<string, TaskHead>();

  /** At most one write per task, as the port wants it. */
  writesOf(group: readonly Operation[]): TaskWrite[] {
    const writes = new Map<string, TaskWrite>();
    for (const one of group) {
      const next = this.#writeOf(one);
      if (next !== null && !writes.has(next.head.id)) writes.set(next.head.id, next);
    }
    return [...writes.values()];
  }

  #writeOf({ kind, pick, owner, agent, isListed }: Operation): TaskWrite | null {
    const heads = [...this.#heads.values()];
    const head = heads[pick % Math.max(heads.length, 1)];
    if (kind === 'create' || head === undefined) {
      const agentId = agent === 0 ? 'echo' : 'geo';
      return newTask({ ownerId: `owner-${owner}`, agentId, listed: isListed });
    }
    if (kind === 'chunk') return chunks(head, ['x']);
    const states = TRANSITIONS[head.state];
    const state = states[pick % Math.max(states.length, 1)];
    if (state === undefined) return null;
    const next = status(head, state);
    if (kind === 'announce') return { ...next, head: { ...next.head, listed: true } };
    return kind === 'stale' ? { ...next, before: { ...head, leaseEpoch: 99 } } : next;
  }

  /** Takes in what was written; answers what should have become of each write. */
  applied(writes: readonly TaskWrite[]): string[] {
    return writes.map(({ head, before }) => {
      if (before?.leaseEpoch === 99) return 'conflict';
      this.#heads.set(head.id, head);
      return 'written';
    });
  }

  count(state: string | undefined): number {
    return [...this.#heads.values()].filter(
      (head) =>
        head.listed &&
        head.ownerId === SCOPE.ownerId &&
        head.agentId === 'echo' &&
        (state ?? head.state) === head.state,
    ).length;
  }
}
