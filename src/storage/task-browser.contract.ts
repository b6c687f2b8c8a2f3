/** What a TaskBrowser must do; each database runs it, on tasks that its TaskStore has written. */
import { describe, expect, test } from 'vitest';
import { write } from '../../test/support/store-under-test.ts';
import { chunks, newTask, status, T0 } from '../../test/support/task-writes.ts';
import type { BrowseQuery } from '../core/tasks/browser.ts';
import { RATE_SAMPLES } from '../core/tasks/event-rate.ts';
import { QUEUED, RELEASED, type TaskHead, type TaskStore } from '../core/tasks/store.ts';
import type { TaskState } from '../protocol/v1/types.ts';
import type { Sql } from './sql.ts';
import { SqlTaskBrowser, waitingSql } from './task-browser.ts';
import { listSql } from './task-list.ts';

export interface BrowserUnderTest {
  readonly sql: Sql;
  readonly store: TaskStore;
  /** The plan of a statement with these values, as text. */
  readonly explain: (sql: string, values: readonly (string | number | null)[]) => Promise<string>;
  /** Updates what the planner knows of the tables. */
  readonly analyze: () => Promise<void>;
}

const ALL: BrowseQuery = {
  ownerId: null,
  agentIds: null,
  states: null,
  contextId: null,
  statusFromMs: null,
  statusBeforeMs: null,
  after: null,
  limit: 100,
};

const OWNERS = ['owner-1', 'owner-2', 'owner-3'];
const AGENTS = ['echo', 'geo', 'intake'];
const ENDS: readonly TaskState[] = [
  'TASK_STATE_COMPLETED',
  'TASK_STATE_FAILED',
  'TASK_STATE_INPUT_REQUIRED',
  'TASK_STATE_COMPLETED',
  'TASK_STATE_WORKING',
];
const pick = <T>(list: readonly T[], index: number): T => {
  const item = list[index % list.length];
  if (item === undefined) throw new Error('an empty list');
  return item;
};

/** Tasks of every owner, agent and state, some at the same time. */
async function fill(store: TaskStore, count: number): Promise<TaskHead[]> {
  const heads: TaskHead[] = [];
  for (let start = 0; start < count; start += 500) {
    const created = Array.from({ length: Math.min(500, count - start) }, (_, offset) => {
      const index = start + offset;
      return newTask({
        ownerId: pick(OWNERS, index),
        agentId: pick(AGENTS, Math.floor(index / 3)),
        contextId: `context-of-${index < 1000 ? index % 7 : index}`,
        atMs: T0 + Math.floor(index / 2),
        text: `text ${index}`,
      });
    });
    await store.commit(created);
    const ended = created.map(({ head }, offset) => {
      const index = start + offset;
      return status(head, pick(ENDS, Math.floor(index / 9)), { atMs: T0 + 100_000 + Math.floor(index / 2) });
    });
    await store.commit(ended);
    heads.push(...ended.map(({ head }) => head));
  }
  return heads;
}

const newestFirst = (heads: readonly TaskHead[]): TaskHead[] =>
  heads.toSorted((a, b) => b.statusAtMs - a.statusAtMs || (a.id < b.id ? 1 : -1));

export function taskBrowserContract(open: () => Promise<BrowserUnderTest>): void {
  test('[U1] tells of tasks in view: some of their events with times, however many there are', async () => {
    const { sql, store } = await open();
    const browser = new SqlTaskBrowser(sql);
    const short = await write(store, chunks(await write(store, newTask({ agentId: 'geo' })), ['a', 'b']));
    const texts = Array.from({ length: 99 }, (_, index) => `chunk ${index}`);
    const long = await write(store, chunks(await write(store, newTask()), texts));
    const unlisted = await write(store, newTask({ listed: false }));
    const ids = [short.id, long.id, unlisted.id, 'no-such-task'];
    const glances = new Map((await browser.glances(ids)).map((glance) => [glance.id, glance]));
    expect([...glances.keys()].toSorted()).toEqual([short.id, long.id]);
    const { ownerId, agentId, state, statusAtMs } = short;
    expect(glances.get(short.id)).toMatchObject({ ownerId, agentId, state, statusAtMs, seq: 3 });
    const seqsOf = (id: string) => glances.get(id)?.samples.map(({ seq }) => seq) ?? [];
    expect(seqsOf(short.id)).toEqual([1, 2, 3]);
    expect(seqsOf(long.id)).toHaveLength(RATE_SAMPLES);
    expect(seqsOf(long.id).filter((_seq, index) => index % 4 === 0)).toEqual([1, 25, 50, 75, 100]);
    const [middle] = await browser.events(long.id, 49, 1);
    expect(glances.get(long.id)?.samples.find(({ seq }) => seq === 50)?.atMs).toBe(middle?.atMs);
    // What is left of a log that was trimmed says nothing of the rate.
    await sql.query('update tasks set first_seq = 50 where id = $1', [long.id]);
    expect((await browser.glances([long.id]))[0]?.samples).toEqual([]);
    expect(await browser.glances([])).toEqual([]);
  });

  test('[U1] tells what waits in the order of the queue, and since when', async () => {
    const { sql, store, explain } = await open();
    const browser = new SqlTaskBrowser(sql);
    const late = await write(store, newTask({ lease: QUEUED, atMs: T0 + 900, ownerId: 'owner-2' }));
    const running = await write(store, newTask());
    const returned = await write(store, newTask({ lease: RELEASED }));
    const early = await write(store, newTask({ lease: QUEUED, atMs: T0 + 100 }));
    const expected = [
      { id: late.id, sinceMs: T0 + 900 },
      { id: returned.id, sinceMs: null },
      { id: early.id, sinceMs: T0 + 100 },
    ];
    expect(await browser.waiting(null, 10)).toEqual(expected);
    expect(await browser.waiting(null, 2)).toEqual(expected.slice(0, 2));
    expect(await browser.waiting('owner-2', 10)).toEqual(expected.slice(0, 1));
    const glances = await browser.glances([...expected.map(({ id }) => id), running.id]);
    const queued = glances.filter(({ isQueued }) => isQueued).map(({ id }) => id);
    expect(queued.toSorted()).toEqual([late.id, early.id].toSorted());
    const plan = await explain(waitingSql(true), [10, 'owner-2']);
    expect(plan).toContain('tasks_waiting_by_owner');
  });

  const listed = async (browser: SqlTaskBrowser, query: Partial<BrowseQuery>) =>
    (await browser.list({ ...ALL, limit: 1000, ...query })).map(({ id }) => id);

  test('[U1] lists what every combination of conditions says, newest status first', async () => {
    const { sql, store } = await open();
    const browser = new SqlTaskBrowser(sql);
    const heads = newestFirst(await fill(store, 240));
    const owners = [null, 'owner-2', 'nobody'];
    const agentLists = [null, ['geo'], ['echo', 'intake'], []];
    const stateLists: (TaskState[] | null)[] = [
      null,
      ['TASK_STATE_FAILED'],
      ['TASK_STATE_COMPLETED'],
      ['TASK_STATE_COMPLETED', 'TASK_STATE_INPUT_REQUIRED'],
      ['TASK_STATE_REJECTED'],
    ];
    const times = [
      { statusFromMs: null, statusBeforeMs: null },
      { statusFromMs: T0 + 100_040, statusBeforeMs: T0 + 100_090 },
    ];
    for (const ownerId of owners) {
      for (const agentIds of agentLists) {
        for (const states of stateLists) {
          for (const contextId of [null, 'context-of-3']) {
            for (const time of times) {
              const expected = heads.filter(
                (head) =>
                  (ownerId === null || head.ownerId === ownerId) &&
                  (agentIds?.includes(head.agentId) ?? true) &&
                  (states?.includes(head.state) ?? true) &&
                  (contextId === null || head.contextId === contextId) &&
                  (time.statusFromMs === null || head.statusAtMs >= time.statusFromMs) &&
                  (time.statusBeforeMs === null || head.statusAtMs < time.statusBeforeMs),
              );
              const query = { ownerId, agentIds, states, contextId, ...time };
              expect([query, await listed(browser, query)]).toEqual([query, expected.map(({ id }) => id)]);
            }
          }
        }
      }
    }
  });

  test('[U1] pages through all, each task once, also where many have the same time', async () => {
    const { sql, store } = await open();
    const browser = new SqlTaskBrowser(sql);
    const heads = newestFirst(await fill(store, 60));
    for (const ownerId of [null, 'owner-1']) {
      const seen: string[] = [];
      let after: BrowseQuery['after'] = null;
      for (;;) {
        const page = await browser.list({ ...ALL, ownerId, after, limit: 7 });
        seen.push(...page.map(({ id }) => id));
        const last = page.at(-1);
        if (last === undefined) break;
        after = { statusAtMs: last.statusAtMs, id: last.id };
      }
      expect(seen).toEqual(heads.filter((head) => ownerId === null || head.ownerId === ownerId).map(({ id }) => id));
    }
  });

  test('[U1] a row has the head, the first text and the text of the status', async () => {
    const { sql, store } = await open();
    const browser = new SqlTaskBrowser(sql);
    const first = await write(store, newTask({ text: 'what is the "weather"\nin Oslo? \u{1f324}' }));
    const head = await write(store, status(first, 'TASK_STATE_INPUT_REQUIRED', { agentText: 'which Oslo?' }));
    const row = {
      id: head.id,
      ownerId: head.ownerId,
      agentId: head.agentId,
      contextId: head.contextId,
      state: head.state,
      statusAtMs: head.statusAtMs,
      createdAtMs: head.createdAtMs,
      seq: 2,
      firstText: 'what is the "weather"\nin Oslo? \u{1f324}',
      statusText: 'which Oslo?',
    };
    expect(await browser.list(ALL)).toEqual([row]);
    expect(await browser.byIds([head.id, 'none'])).toEqual([row]);
    expect(await browser.byIdPrefix(head.id.slice(0, 8), 10)).toEqual([row]);
    expect(await browser.byIdPrefix('zzz', 10)).toEqual([]);
    expect(await browser.byIds([])).toEqual([]);
    expect(await browser.find(head.id)).toEqual(head);
    expect(await browser.find('none')).toBeUndefined();
  });

  test('what is not listed is in no list', async () => {
    const { sql, store } = await open();
    const browser = new SqlTaskBrowser(sql);
    const head = await write(store, newTask({ listed: false }));
    expect(await browser.list(ALL)).toEqual([]);
    expect(await browser.list({ ...ALL, contextId: head.contextId })).toEqual([]);
    expect(await browser.byIds([head.id])).toEqual([]);
    expect(await browser.byIdPrefix(head.id.slice(0, 8), 10)).toEqual([]);
    expect(await browser.counts(null)).toEqual([]);
  });

  test('counts per agent and state, of one owner and of all', async () => {
    const { sql, store } = await open();
    const browser = new SqlTaskBrowser(sql);
    const heads = await fill(store, 90);
    for (const ownerId of [null, 'owner-3']) {
      const counted = new Map<string, number>();
      for (const head of heads.filter((one) => ownerId === null || one.ownerId === ownerId)) {
        const key = `${head.agentId} ${head.state}`;
        counted.set(key, (counted.get(key) ?? 0) + 1);
      }
      const counts = await browser.counts(ownerId);
      expect(new Map(counts.map(({ agentId, state, count }) => [`${agentId} ${state}`, count]))).toEqual(counted);
    }
  });

  test('[U1] events have the time at which they were stored', async () => {
    const { sql, store } = await open();
    const browser = new SqlTaskBrowser(sql);
    const first = await write(store, newTask());
    const head = await write(store, chunks(first, ['a', 'b', 'c']));
    const events = await browser.events(head.id, 1, 2);
    expect(events.map(({ row }) => row)).toEqual(await store.readEvents(head.id, 1, 2));
    for (const { atMs } of events) {
      expect(typeof atMs).toBe('number');
      expect(atMs).toBeGreaterThan(1_500_000_000_000);
    }
    await sql.query('update task_log set stored_at = null');
    expect((await browser.events(head.id, 0, 10)).map(({ atMs }) => atMs)).toEqual([null, null, null, null]);
    expect(await browser.events('none', 0, 10)).toEqual([]);
  });

  describe('with 50,000 tasks', () => {
    /** Runs a list and gives the plan of each statement that read tasks. */
    async function plansOf(under: BrowserUnderTest, query: Partial<BrowseQuery>): Promise<string> {
      const statements: { text: string; values: readonly (string | number | null)[] }[] = [];
      const spy: Sql = {
        ...under.sql,
        query: (text, values = []) => {
          statements.push({ text, values });
          return under.sql.query(text, values);
        },
      };
      await new SqlTaskBrowser(spy).list({ ...ALL, limit: 51, ...query });
      const reads = statements.filter(({ text }) => text.includes(' from tasks'));
      return (await Promise.all(reads.map(({ text, values }) => under.explain(text, values)))).join('\n');
    }

    test('[U1] no list reads or sorts all of them: each run comes from an index in its order', async () => {
      const under = await open();
      await fill(under.store, 50_000);
      await under.analyze();
      const queries: Partial<BrowseQuery>[] = [
        {},
        { states: ['TASK_STATE_FAILED'] },
        { agentIds: ['geo'] },
        { agentIds: ['geo'], states: ['TASK_STATE_COMPLETED'] },
        { statusFromMs: T0 + 100_100, statusBeforeMs: T0 + 100_200 },
        { after: { statusAtMs: T0 + 110_000, id: 'task-00001000' } },
        { ownerId: 'owner-1' },
        { contextId: 'context-of-3' },
        { contextId: 'context-of-3', ownerId: 'owner-1', states: ['TASK_STATE_COMPLETED'] },
        { ownerId: 'owner-1', states: ['TASK_STATE_FAILED'] },
      ];
      for (const query of queries) {
        const plan = await plansOf(under, query);
        const readsAll = /Seq Scan on tasks|SCAN tasks(?! USING INDEX)/.test(plan);
        expect([query, plan.includes('tasks_by_'), readsAll]).toEqual([query, true, false]);
      }
      // ListTasks keeps to one owner: the index of all owners is not for it.
      const scope = { ownerId: 'owner-1', agentId: 'geo' };
      const none = {
        contextId: undefined,
        statusFromMs: undefined,
        after: undefined,
        historyLength: 0,
        artifacts: false,
      };
      const { page } = listSql({ scope, ...none, state: 'TASK_STATE_COMPLETED', limit: 51 }, '$');
      expect(await under.explain(page.sql, page.values)).not.toContain('tasks_by_agent_state');
    }, 120_000);
  });
}
