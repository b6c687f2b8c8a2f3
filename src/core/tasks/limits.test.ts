/** Invariant 7: every limit of the engine has an error, a metric, and leaves nothing stored. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { agentOf, chunk, completed, executorOf, inputRequired, puppet, working } from '../../../test/support/puppet.ts';
import {
  type Bench,
  BenchFiles,
  type BenchOptions,
  Follower,
  messageOf,
  range,
  turns,
  until,
} from '../../../test/support/task-bench.ts';
import type { Agent } from '../agents/registry.ts';
import type { AgentEvent } from './executor.ts';
import { MAX_PENDING_EVENTS } from './limits.ts';

let files: BenchFiles;
let reached: string[];
beforeEach(() => {
  files = new BenchFiles();
  reached = [];
});
afterEach(() => files.close());

const startWith = (agent: Agent, options: BenchOptions): Promise<Bench> =>
  files.start([agent], { ...options, metrics: { limitReached: (limit) => reached.push(limit) } });

async function* yielding(...events: AgentEvent[]): AsyncGenerator<AgentEvent> {
  yield* events;
}

describe('limits on running tasks', () => {
  it.each([
    ['maxRunning', 'bob'],
    ['maxRunningPerOwner', 'alice'],
  ] as const)(
    'tasks.%s: where none may wait, one more is refused, nothing of it is stored, and there is room again later',
    async (key, owner) => {
      const { agent, runs } = puppet();
      const bench = await startWith(agent, { limits: { [key]: 2, maxQueued: 0 } });
      await bench.begin();
      await bench.begin();
      await expect(bench.begin('third', { owner })).rejects.toMatchObject({
        code: 'LIMIT_EXCEEDED',
        message: `Too many tasks are running (tasks.${key} is 2); try again in a moment`,
        retryAfterSeconds: 1,
      });
      expect(reached).toEqual([`tasks.${key}`]);
      expect((await bench.service.list(bench.call({ owner }), {})).totalSize).toBe(owner === 'alice' ? 2 : 0);
      if (key === 'maxRunningPerOwner') await bench.begin('of another owner', { owner: 'bob' });
      runs[0]?.yield(completed);
      await until('room', () => bench.engine.runningCount === (key === 'maxRunning' ? 1 : 2));
      await bench.begin('third', { owner });
      expect(runs.length).toBe(key === 'maxRunning' ? 3 : 4);
    },
  );
});

describe('limits on messages', () => {
  it.each([
    [
      'maxMessageBytes',
      100,
      { text: 'x'.repeat(200) },
      /^The message has \d+ characters of JSON; tasks\.maxMessageBytes is 100$/,
    ],
    ['maxPartsPerMessage', 2, { text: 'x' }, /^The message has 3 parts; tasks\.maxPartsPerMessage is 2$/],
  ] as const)('tasks.%s: a message over it is PAYLOAD_TOO_LARGE and not stored', async (key, limit, part, message) => {
    const bench = await startWith(puppet().agent, { limits: { [key]: limit } });
    const request = messageOf('', { parts: [part, part, part] });
    const error: unknown = await bench.service.send(bench.call(), request).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' });
    expect((error as Error).message).toMatch(message);
    expect(reached).toEqual([`tasks.${key}`]);
    expect((await bench.service.list(bench.call(), {})).totalSize).toBe(0);
  });

  it('tasks.maxHistoryMessages: a message to a full task is refused, and the task stays as it was', async () => {
    const { agent, runs } = puppet();
    const bench = await startWith(agent, { limits: { maxHistoryMessages: 2 } });
    const taskId = await bench.begin();
    runs[0]?.yield(inputRequired('what?'));
    await until('the end of the turn', () => bench.engine.runningCount === 0);
    await expect(bench.service.send(bench.call(), messageOf('more', { taskId }))).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      message: 'The task has too many messages (tasks.maxHistoryMessages is 2); begin a new one',
    });
    expect(reached).toEqual(['tasks.maxHistoryMessages']);
    expect((await bench.log(taskId)).length).toBe(2);
  });

  it('tasks.maxHistoryMessages: an agent that waits for authorization is not cut off by a message that is refused', async () => {
    const { agent, runs } = puppet();
    const bench = await startWith(agent, { limits: { maxHistoryMessages: 2 } });
    const taskId = await bench.begin();
    runs[0]?.yield({ type: 'status', state: 'TASK_STATE_AUTH_REQUIRED', message: { parts: [{ text: 'sign in' }] } });
    await until('auth-required', async () => (await bench.state(taskId)) === 'TASK_STATE_AUTH_REQUIRED');
    await expect(bench.service.send(bench.call(), messageOf('done', { taskId }))).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      message: 'The task has too many messages (tasks.maxHistoryMessages is 2); begin a new one',
    });
    expect(runs[0]?.run.signal.aborted).toBe(false);
    runs[0]?.yield(completed);
    await until('the end', async () => (await bench.state(taskId)) === 'TASK_STATE_COMPLETED');
  });
});

describe('limits on what agents yield', () => {
  it.each([
    ['maxEventBytes', 600, [chunk('kept'), chunk('x'.repeat(600))], 'an event', 3],
    ['maxEventsPerTask', 3, [working, chunk('kept'), chunk('no')], 'its events', 4],
    ['maxTaskBytes', 1000, [chunk('kept'), chunk('x'.repeat(800))], 'the task', 3],
    ['maxHistoryMessages', 1, [chunk('kept'), inputRequired('what?')], 'its history', 3],
  ] as const)(
    'tasks.%s: the task fails, says so, and keeps what came before',
    async (key, limit, events, what, stored) => {
      const agent = agentOf(executorOf(() => yielding(...events)));
      const bench = await startWith(agent, { limits: { [key]: limit } });
      const result = await bench.service.send(bench.call(), messageOf('go'));
      const task = JSON.parse('task' in result ? result.task : '{}') as { id: string };
      const { status, artifacts } = await bench.task(task.id);
      expect(status.state).toBe('TASK_STATE_FAILED');
      expect(status.message?.parts[0]?.text).toMatch(
        new RegExp(`^The agent went over a limit of this server: ${what} is \\d+, tasks\\.${key} is ${limit}$`),
      );
      expect(artifacts?.[0]?.parts).toEqual([{ text: 'kept' }]);
      expect((await bench.log(task.id)).length).toBe(stored);
      expect(reached).toEqual([`tasks.${key}`]);
    },
  );
});

describe('limits on time', () => {
  it.each(['idleTimeoutMs', 'maxDurationMs'] as const)('tasks.%s is counted', async (key) => {
    const bench = await startWith(puppet().agent, { limits: { [key]: 3_000 } });
    await bench.begin();
    await bench.pass(5_000);
    expect(bench.engine.runningCount).toBe(0);
    expect(reached).toEqual([`tasks.${key}`]);
  });
});

describe('limits on followers', () => {
  it.each([
    ['maxOpen', 'bob', 'first'],
    ['maxPerOwner', 'alice', 'second'],
    ['maxPerTask', 'alice', 'first'],
  ] as const)('streams.%s: one more is refused, and there is room when one leaves', async (key, owner, which) => {
    const bench = await startWith(puppet().agent, { streams: { [key]: 2 } });
    const ids = { first: await bench.begin(), second: await bench.begin() };
    const ofBob = await bench.begin('of bob', { owner: 'bob' });
    const open = () => bench.service.subscribe(bench.call(), { id: ids.first }, new Follower());
    const streams = [await open(), await open()];
    const id = owner === 'bob' ? ofBob : ids[which];
    const again = () => bench.service.subscribe(bench.call({ owner }), { id }, new Follower());
    await expect(again()).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      message: `Too many open streams (streams.${key} is 2); close one, or poll GetTask`,
      retryAfterSeconds: 5,
    });
    expect(reached).toEqual([`streams.${key}`]);
    const [first] = streams;
    if (first !== undefined && first !== 'empty') first.close();
    await again();
    expect(bench.engine.hub.openCount).toBe(2);
  });

  it('a streaming send that is refused begins no task', async () => {
    const { agent, runs } = puppet();
    const bench = await startWith(agent, { streams: { maxOpen: 0 } });
    const streaming = bench.service.stream(bench.call(), messageOf('go'), new Follower());
    await expect(streaming).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    expect(runs.length).toBe(0);
    expect((await bench.service.list(bench.call(), {})).totalSize).toBe(0);
  });
});

describe('an agent that yields without end and without waiting', () => {
  const endless = () => {
    let yielded = 0;
    const agent = agentOf(
      executorOf(async function* () {
        for (;;) {
          yielded++;
          yield chunk('x');
        }
      }),
    );
    return { agent, yielded: () => yielded };
  };

  it('waits for the store: no more than one commit under way and one waiting, however long that takes', async () => {
    const { agent, yielded } = endless();
    const bench = await startWith(agent, {});
    const held = bench.store.hold();
    const beginning = bench.begin();
    await until('the commit', () => bench.store.underWay.length > 0);
    await turns(50);
    expect(yielded()).toBeLessThanOrEqual(2 * MAX_PENDING_EVENTS + 1);
    held.open();
    const taskId = await beginning;
    await bench.service.cancel(bench.call(), { id: taskId });
  });

  it('does not keep others from the event loop: sends, cancel and shutdown still work', async () => {
    const { agent } = endless();
    const bench = await startWith(agent, {});
    const taskId = await bench.begin();
    const others = await Promise.all(range(1, 5).map((n) => bench.begin(`other ${n}`)));
    await turns(5);
    expect(await bench.service.cancel(bench.call(), { id: taskId })).toContain('TASK_STATE_CANCELED');
    await bench.engine.stop(0);
    expect(bench.engine.runningCount).toBe(0);
    for (const id of others) expect(await bench.state(id)).toBe('TASK_STATE_SUBMITTED');
    const before = (await bench.log(others[0] ?? '')).length;
    await turns(20);
    expect((await bench.log(others[0] ?? '')).length - before).toBeLessThanOrEqual(2 * MAX_PENDING_EVENTS);
  });

  it('large events count by size: what waits in memory stays near MAX_PENDING_CHARS', async () => {
    let yielded = 0;
    const text = 'x'.repeat(100_000);
    const agent = agentOf(
      executorOf(async function* () {
        for (;;) {
          yielded++;
          yield chunk(text);
        }
      }),
    );
    const bench = await startWith(agent, {});
    const held = bench.store.hold();
    const beginning = bench.begin();
    await until('the commit', () => bench.store.underWay.length > 0);
    await turns(50);
    expect(yielded).toBeLessThanOrEqual(7);
    held.open();
    await bench.service.cancel(bench.call(), { id: await beginning });
  });
});
