/** Agents that behave badly: whatever an executor does, its task ends properly and the server goes on. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { agentOf, authRequired, chunk, completed, executorOf, puppet, working } from '../../../test/support/puppet.ts';
import {
  type Bench,
  BenchFiles,
  configured,
  Follower,
  messageOf,
  turns,
  until,
} from '../../../test/support/task-bench.ts';
import { AppError } from '../../protocol/errors.ts';
import type { Task } from '../../protocol/v1/types.ts';
import type { AgentEvent, Executor, Run } from './executor.ts';

let files: BenchFiles;
beforeEach(() => {
  files = new BenchFiles();
});
afterEach(() => files.close());

const FAULT = 'The agent failed with an internal error; the log of the server has it under this task';
const either = { replies: 'either' } as const;
const answer = (text: string): AgentEvent => ({ type: 'message', message: { parts: [{ text }] } });
/** What no type checker would let an agent yield. */
const untyped = (event: unknown) => event as AgentEvent;

async function ranBy(execute: Executor['execute'], traits: Parameters<typeof executorOf>[1] = {}) {
  const bench = await files.start([agentOf(executorOf(execute, traits))]);
  const result = await bench.service.send(bench.call(), messageOf('go'));
  return { bench, result, task: JSON.parse('task' in result ? result.task : '{}') as Task };
}
const textOf = (task: Task) => task.status.message?.parts.map((part) => part.text).join();

async function* yielding(...events: AgentEvent[]): AsyncGenerator<AgentEvent> {
  yield* events;
}

describe('an executor that', () => {
  it.each(['none', 'external'] as const)('throws synchronously fails its task (effects %s)', async (effects) => {
    const { task, bench } = await ranBy(
      () => {
        throw new Error('a secret of the machine');
      },
      { effects },
    );
    expect(task.status.state).toBe('TASK_STATE_FAILED');
    expect(textOf(task)).toBe(FAULT);
    expect(bench.engine.runningCount).toBe(0);
  });

  it('copies or wraps its run has the same signal and time as with the run itself', async () => {
    const signals: AbortSignal[] = [];
    const { task } = await ranBy(async function* (run) {
      yield working;
      const copy = { ...run, taskId: 'another' };
      const derived = Object.create(run) as Run;
      const proxied = new Proxy(run, {});
      expect(copy.now()).toBe(run.now());
      signals.push(run.signal, copy.signal, derived.signal, proxied.signal);
      yield completed;
    });
    expect(task.status.state).toBe('TASK_STATE_COMPLETED');
    expect(signals).toHaveLength(4);
    expect(new Set(signals).size).toBe(1);
  });

  it('gets a run that is no dictionary, as an object with a getter of its own becomes: large, and slow to make', async () => {
    setFlagsFromString('--allow-natives-syntax');
    const isFast = runInNewContext('(object) => %HasFastProperties(object)') as (object: object) => boolean;
    // The function is read when it is first called.
    expect(isFast({})).toBe(true);
    setFlagsFromString('--no-allow-natives-syntax');
    const runs: Run[] = [];
    await ranBy(async function* (run) {
      runs.push(run);
      yield completed;
    });
    expect(runs.map(isFast)).toEqual([true]);
  });

  it('throws an AppError fails its task with that message', async () => {
    const { task } = await ranBy(async function* () {
      yield working;
      throw new AppError('UNAVAILABLE', 'The upstream is down');
    });
    expect(task.status.state).toBe('TASK_STATE_FAILED');
    expect(textOf(task)).toBe('The upstream is down');
  });

  it('returns without a status, or without any event, has completed its task', async () => {
    expect((await ranBy(() => yielding(chunk('x')))).task.status.state).toBe('TASK_STATE_COMPLETED');
    expect((await ranBy(() => yielding())).task.status.state).toBe('TASK_STATE_COMPLETED');
    expect((await ranBy(() => yielding(), either)).task.status.state).toBe('TASK_STATE_COMPLETED');
  });

  it('returns after auth-required leaves its task waiting', async () => {
    const { task, bench } = await ranBy(() => yielding(authRequired));
    expect(task.status.state).toBe('TASK_STATE_AUTH_REQUIRED');
    await until('the end of the run', () => bench.engine.runningCount === 0);
  });

  it('goes on after a terminal state is not asked again, and cleans up', async () => {
    let isClosed = false;
    let asked = 0;
    const { task, bench } = await ranBy(async function* () {
      try {
        yield completed;
        asked++;
        yield chunk('after the end');
      } finally {
        isClosed = true;
      }
    });
    expect(asked).toBe(0);
    expect(isClosed).toBe(true);
    expect((await bench.log(task.id)).length).toBe(2);
  });

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['a text', 'tick'],
    ['an unknown type', { type: 'progress' }],
    ['an unknown type that looks like a message', { type: 'answer', message: { parts: [{ text: 'x' }] } }],
    ['an unknown state', { type: 'status', state: 'TASK_STATE_DONE' }],
    ['submitted', { type: 'status', state: 'TASK_STATE_SUBMITTED' }],
    ['an artifact without parts', { type: 'artifact', artifact: {} }],
    ['a part that is no JSON', { type: 'artifact', artifact: { parts: [{ data: 1n }] } }],
  ])('yields %s fails its task, and what came before is kept', async (_name, event) => {
    const { task, bench } = await ranBy(() => yielding(working, chunk('kept'), untyped(event), completed));
    expect(task.status.state).toBe('TASK_STATE_FAILED');
    expect(textOf(task)).toBe(FAULT);
    expect(task.artifacts?.length).toBe(1);
    expect((await bench.log(task.id)).length).toBe(4);
  });

  it('yields a message or artifact with no parts fails its task, and is told so', async () => {
    const empty = await ranBy(() => yielding({ type: 'artifact', artifact: { parts: [] } }));
    expect(textOf(empty.task)).toBe('The agent gave a artifact without parts');
    const mute = await ranBy(() => yielding({ type: 'status', state: 'TASK_STATE_WORKING', message: { parts: [] } }));
    expect(textOf(mute.task)).toBe('The agent gave a message without parts');
  });

  it('throws while it cleans up has still completed its task', async () => {
    const { task, bench } = await ranBy(async function* () {
      try {
        yield completed;
      } finally {
        await Promise.reject(new Error('cleaning up'));
      }
    });
    expect(task.status.state).toBe('TASK_STATE_COMPLETED');
    expect(bench.engine.runningCount).toBe(0);
  });

  it('hangs while it cleans up has still completed its task, and holds no place', async () => {
    const { task, bench } = await ranBy(async function* () {
      try {
        yield completed;
      } finally {
        await new Promise(() => undefined);
      }
    });
    expect(task.status.state).toBe('TASK_STATE_COMPLETED');
    expect(bench.engine.runningCount).toBe(0);
  });

  it.each([
    [
      'next throws',
      {
        next: () => {
          throw new Error('now');
        },
      },
    ],
    ['next answers no promise', { next: () => ({ done: true, value: undefined }) }],
    [
      'return throws',
      {
        next: () => Promise.resolve({ done: false, value: completed }),
        return: () => {
          throw new Error('no');
        },
      },
    ],
    [
      'return answers no promise',
      { next: () => Promise.resolve({ done: false, value: completed }), return: () => undefined },
    ],
  ])('is an iterator made by hand whose %s harms only its own task', async (_name, iterator) => {
    const made = { [Symbol.asyncIterator]: () => iterator } as unknown as AsyncIterable<AgentEvent>;
    const { task, bench } = await ranBy(() => made);
    expect(['TASK_STATE_COMPLETED', 'TASK_STATE_FAILED']).toContain(task.status.state);
    expect(bench.engine.runningCount).toBe(0);
  });
});

describe('an executor that may answer with a Message', () => {
  it('gives a Message and no task: unlisted, one event, in a stream too', async () => {
    const { result, bench } = await ranBy(() => yielding(answer('hi')), either);
    expect(result).toHaveProperty('message');
    expect((await bench.service.list(bench.call(), {})).totalSize).toBe(0);
    const follower = new Follower();
    await bench.service.stream(bench.call(), messageOf('again'), follower);
    await until('the end', () => follower.isEnded);
    expect(follower.seqs).toEqual([1]);
    const { taskId } = (JSON.parse(follower.bodies[0] ?? '{}') as { message: { taskId: string } }).message;
    await expect(bench.task(taskId)).rejects.toMatchObject({ code: 'TASK_NOT_FOUND', message: 'Task not found' });
  });

  it('the same message sent again gets the same Message, by send and by stream', async () => {
    const bench = await files.start([agentOf(executorOf(() => yielding(answer('hi')), either))]);
    const request = messageOf('go');
    const first = await bench.service.send(bench.call(), request);
    expect(await bench.service.send(bench.call(), request)).toEqual(first);
    const follower = new Follower();
    await bench.service.stream(bench.call(), request, follower);
    await until('the end', () => follower.isEnded);
    expect(follower.seqs).toEqual([1]);
    expect(follower.snapshots).toEqual([]);
  });

  it('gives a proper task when its first event is none', async () => {
    const { task, bench } = await ranBy(() => yielding(working, completed), either);
    expect((await bench.log(task.id)).map((row) => row.kind)).toEqual(['task', 'status', 'status']);
    expect((await bench.task(task.id)).history?.map((message) => message.parts[0]?.text)).toEqual(['go']);
    expect((await bench.service.list(bench.call(), {})).totalSize).toBe(1);
  });

  it.each([{ replies: 'task' } as const, either])(
    'a Message as second event fails the task ($replies)',
    async (traits) => {
      const { task } = await ranBy(() => yielding(working, answer('too late')), traits);
      expect(task.status.state).toBe('TASK_STATE_FAILED');
      expect(textOf(task)).toBe('The agent answered with a Message after its task had begun');
    },
  );

  it('a Message of an agent that promised tasks fails the task', async () => {
    const { task } = await ranBy(() => yielding(answer('hi')));
    expect(task.status.state).toBe('TASK_STATE_FAILED');
  });

  describe('a send that returns at once gives nothing that is not there', () => {
    async function sendNow(event: AgentEvent) {
      const { agent, runs } = puppet(either);
      const bench = await files.start([agent]);
      const sending = bench.service.send(bench.call(), configured(messageOf('go'), { returnImmediately: true }));
      await until('the run', () => runs.length === 1);
      await turns(5);
      runs[0]?.yield(event);
      return { bench, result: await sending };
    }

    it('a Message', async () => {
      expect((await sendNow(answer('hi'))).result).toHaveProperty('message');
    });

    it('or a task', async () => {
      const { bench, result } = await sendNow(working);
      const { id } = JSON.parse('task' in result ? result.task : '{}') as Task;
      expect(await bench.state(id)).toBe('TASK_STATE_WORKING');
    });
  });
});

describe('time limits', () => {
  const sleeper = (ms: number) =>
    async function* (run: Run): AsyncGenerator<AgentEvent> {
      yield working;
      await run.sleep(ms);
      yield completed;
    };

  async function after(bench: Bench, ms: number): Promise<Task> {
    const taskId = await bench.begin();
    await turns(5);
    await bench.pass(ms);
    return bench.task(taskId);
  }

  it('a turn that gives no event for tasks.idleTimeoutMs fails, one that does goes on', async () => {
    const limits = { idleTimeoutMs: 10_000 };
    const idle = await files.start([agentOf(executorOf(sleeper(60_000)))], { limits });
    const task = await after(idle, 12_000);
    expect(task.status.state).toBe('TASK_STATE_FAILED');
    expect(textOf(task)).toBe('The server ended this task: it gave no event for 10000 ms (tasks.idleTimeoutMs)');
    const ticking = agentOf(
      executorOf(async function* (run) {
        for (let tick = 0; tick < 5; tick++) {
          yield chunk('tick');
          await run.sleep(8_000);
        }
      }),
      'ticking',
    );
    const busy = await files.start([ticking], { limits });
    expect((await after(busy, 41_000)).status.state).toBe('TASK_STATE_COMPLETED');
  });

  it('a turn that takes longer than tasks.maxDurationMs fails, and its agent is aborted with the reason', async () => {
    const { agent, runs } = puppet();
    const bench = await files.start([agent], { limits: { maxDurationMs: 5_000 } });
    const task = await after(bench, 7_000);
    expect(textOf(task)).toBe('The server ended this task: it took longer than 5000 ms');
    expect(runs[0]?.run.signal.reason).toMatchObject({ code: 'UNAVAILABLE' });
    await until('the agent to clean up', () => runs[0]?.isClosed === true);
  });

  it("an agent's own limit goes first", async () => {
    const longer = await files.start([agentOf(executorOf(sleeper(8_000), { maxDurationMs: 20_000 }))], {
      limits: { maxDurationMs: 5_000 },
    });
    expect((await after(longer, 9_000)).status.state).toBe('TASK_STATE_COMPLETED');
    const shorter = await files.start([agentOf(executorOf(sleeper(8_000), { maxDurationMs: 2_000 }), 'short')]);
    expect(textOf(await after(shorter, 4_000))).toBe('The server ended this task: it took longer than 2000 ms');
  });

  it('a task that waits for a person is not idle', async () => {
    const { agent, runs } = puppet();
    const bench = await files.start([agent], { limits: { idleTimeoutMs: 10_000 } });
    const taskId = await bench.begin();
    runs[0]?.yield(authRequired);
    await bench.pass(60_000);
    expect(await bench.state(taskId)).toBe('TASK_STATE_AUTH_REQUIRED');
  });

  it('an agent that waits for a slow store is not idle', async () => {
    const bench = await files.start(
      [agentOf(executorOf(() => yielding(...Array.from({ length: 100 }, () => chunk('x')))))],
      {
        limits: { idleTimeoutMs: 10_000 },
      },
    );
    const held = bench.store.hold();
    const sending = bench.service.send(bench.call(), messageOf('go'));
    await bench.pass(30_000);
    held.open();
    expect(JSON.stringify(await sending)).toContain('TASK_STATE_COMPLETED');
  });
});
