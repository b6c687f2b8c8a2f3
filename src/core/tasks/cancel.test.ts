/** CancelTask (A2A 1.0 section 3.1.5): it reaches the agent, waits for a grace, and then does without it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gate } from '../../../test/support/fault-store.ts';
import {
  agentOf,
  authRequired,
  chunk,
  completed,
  executorOf,
  inputRequired,
  puppet,
  working,
} from '../../../test/support/puppet.ts';
import { BenchFiles, LIMITS, messageOf, turns, until } from '../../../test/support/task-bench.ts';
import { toAppError } from '../../protocol/errors.ts';
import type { AgentEvent, Run } from './executor.ts';

let files: BenchFiles;
beforeEach(() => {
  files = new BenchFiles();
});
afterEach(() => files.close());

/** A task of an agent that does with its abort what `onAbort` says. */
async function runningWith(onAbort: (run: Run) => AsyncGenerator<AgentEvent>) {
  const bench = await files.start([
    agentOf(
      executorOf(async function* (run) {
        yield working;
        await new Promise((resolve) => run.signal.addEventListener('abort', resolve));
        yield* onAbort(run);
      }),
    ),
  ]);
  const taskId = await bench.begin();
  await until('the work', async () => (await bench.state(taskId)) === 'TASK_STATE_WORKING');
  return { bench, taskId, cancel: () => bench.service.cancel(bench.call(), { id: taskId }) };
}

describe('cancel of a running task', () => {
  it('an agent that obeys the signal ends it at once, with what it stored while it cleaned up', async () => {
    const { bench, taskId, cancel } = await runningWith(async function* () {
      yield chunk('cleaned up');
    });
    const task = JSON.parse(await cancel()) as { status: { state: string } };
    expect(task.status.state).toBe('TASK_STATE_CANCELED');
    expect((await bench.log(taskId)).map((row) => row.kind)).toEqual(['task', 'status', 'artifact', 'status']);
  });

  it('an agent that throws ends it as canceled, not as failed', async () => {
    const { cancel } = await runningWith(async function* (run) {
      yield* [];
      throw run.signal.reason;
    });
    expect(await cancel()).toContain('TASK_STATE_CANCELED');
  });

  it('an agent that ignores the signal loses the task after tasks.cancelGraceMs, and says nothing more in it', async () => {
    const goOn = gate();
    const { bench, taskId, cancel } = await runningWith(async function* () {
      await goOn.passed;
      yield chunk('too late');
    });
    const canceling = cancel();
    await turns(5);
    bench.clock.turn(LIMITS.cancelGraceMs - 1);
    await turns(20);
    expect(await bench.state(taskId)).toBe('TASK_STATE_WORKING');
    bench.clock.turn(1);
    expect(await canceling).toContain('TASK_STATE_CANCELED');
    goOn.open();
    await turns(10);
    expect((await bench.log(taskId)).length).toBe(3);
    expect(bench.engine.runningCount).toBe(0);
  });

  it('an agent that completes within the grace wins: TASK_NOT_CANCELABLE', async () => {
    const { bench, taskId, cancel } = await runningWith(async function* () {
      yield completed;
    });
    await expect(cancel()).rejects.toMatchObject({
      code: 'TASK_NOT_CANCELABLE',
      message: 'The task has ended already: TASK_STATE_COMPLETED',
      metadata: { taskId },
    });
    expect(await bench.state(taskId)).toBe('TASK_STATE_COMPLETED');
  });

  it('an agent that asks for input within the grace is canceled all the same', async () => {
    const { cancel } = await runningWith(async function* () {
      yield inputRequired('sure?');
    });
    expect(await cancel()).toContain('TASK_STATE_CANCELED');
  });

  it('concurrent cancels all succeed, with one canceled event; a later one is refused', async () => {
    const { bench, taskId, cancel } = await runningWith(async function* () {
      yield* [];
    });
    const answers = await Promise.all([cancel(), cancel(), cancel()]);
    expect(answers.every((answer) => answer.includes('TASK_STATE_CANCELED'))).toBe(true);
    expect((await bench.log(taskId)).length).toBe(3);
    await expect(cancel()).rejects.toMatchObject({
      code: 'TASK_NOT_CANCELABLE',
      message: 'The task has ended already: TASK_STATE_CANCELED',
    });
  });

  it('a time limit that passes within the grace does not turn the cancel into a failure', async () => {
    const bench = await files.start(
      [
        agentOf(
          executorOf(async function* () {
            yield working;
            await new Promise(() => undefined);
          }),
        ),
      ],
      { limits: { maxDurationMs: 2_000 } },
    );
    const taskId = await bench.begin();
    const canceling = bench.service.cancel(bench.call(), { id: taskId });
    await turns(5);
    await bench.pass(6_000);
    expect(await canceling).toContain('TASK_STATE_CANCELED');
  });

  it('works while the agent waits for room in a commit that does not end, as soon as it does', async () => {
    const bench = await files.start([
      agentOf(
        executorOf(async function* () {
          for (;;) yield chunk('x');
        }),
      ),
    ]);
    const taskId = await bench.begin();
    const held = bench.store.hold();
    await until('the commit', () => bench.store.underWay.length > 0);
    await turns(5);
    const canceling = bench.service.cancel(bench.call(), { id: taskId });
    await turns(5);
    held.open();
    expect(await canceling).toContain('TASK_STATE_CANCELED');
    expect(bench.engine.runningCount).toBe(0);
  });

  it('of a turn whose first commit is not through: the message is kept, the agent is never run', async () => {
    const { agent, runs } = puppet({ effects: 'external' });
    const bench = await files.start([agent]);
    const taskId = await bench.begin();
    await until('the run', () => runs.length === 1);
    runs[0]?.yield(inputRequired('what?'));
    await until('the end of the turn', () => bench.engine.runningCount === 0);
    const held = bench.store.hold();
    const answering = bench.service.send(bench.call(), messageOf('this', { taskId }));
    await until('the commit', () => bench.store.underWay.length > 0);
    const canceling = bench.service.cancel(bench.call(), { id: taskId });
    await turns(5);
    held.open();
    expect(await canceling).toContain('TASK_STATE_CANCELED');
    expect(JSON.stringify(await answering)).toContain('TASK_STATE_CANCELED');
    expect(runs.length).toBe(1);
    const history = (await bench.task(taskId)).history?.map((message) => message.parts[0]?.text);
    expect(history).toEqual(['hello', 'what?', 'this']);
  });
});

describe('cancel of a task that waits', () => {
  it.each([
    ['input-required', inputRequired('what?')],
    ['auth-required', authRequired],
  ] as const)('%s, its turn over: canceled at once, and it takes no more messages', async (_name, event) => {
    const { agent, runs } = puppet();
    const bench = await files.start([agent]);
    const taskId = await bench.begin();
    runs[0]?.yield(event);
    runs[0]?.return();
    await until('the end of the turn', () => bench.engine.runningCount === 0);
    const cancel = () => bench.service.cancel(bench.call(), { id: taskId });
    const answers = await Promise.all([cancel(), cancel()]);
    expect(answers.every((answer) => answer.includes('TASK_STATE_CANCELED'))).toBe(true);
    await expect(bench.service.send(bench.call(), messageOf('hi', { taskId }))).rejects.toMatchObject({
      code: 'UNSUPPORTED_OPERATION',
      message:
        'The task has ended (TASK_STATE_CANCELED) and takes no more messages; send one without taskId to begin a new task',
    });
  });

  it('auth-required, its agent still running: the agent is told', async () => {
    const { agent, runs } = puppet();
    const bench = await files.start([agent]);
    const taskId = await bench.begin();
    runs[0]?.yield(authRequired);
    await until('auth-required', async () => (await bench.state(taskId)) === 'TASK_STATE_AUTH_REQUIRED');
    expect(await bench.service.cancel(bench.call(), { id: taskId })).toContain('TASK_STATE_CANCELED');
    await until('the agent to clean up', () => runs[0]?.isClosed === true);
  });
});

describe('[A6] a task of somebody else', () => {
  it('cannot be told from one that is not there, in every operation', async () => {
    const { agent, runs } = puppet();
    const bench = await files.start([agent]);
    const taskId = await bench.begin();
    const mallory = bench.call({ owner: 'mallory' });
    const sink = { snapshot: () => {}, events: () => true, end: () => {}, broken: () => {} };
    const operations = [
      (id: string) => bench.service.get(mallory, { id }),
      (id: string) => bench.service.cancel(mallory, { id }),
      (id: string) => bench.service.subscribe(mallory, { id }, sink),
      (id: string) => bench.service.subscribe({ ...mallory, lastEventId: 0 }, { id }, sink),
      (id: string) => bench.service.send(mallory, messageOf('hi', { taskId: id })),
      (id: string) => bench.service.stream(mallory, messageOf('hi', { taskId: id }), sink),
    ];
    for (const operation of operations) {
      const errors = await Promise.all([taskId, 'id-none'].map((id) => operation(id).catch((error: unknown) => error)));
      const shapes = errors.map((thrown) => {
        const { code, message, metadata, violations, detail, retryAfterSeconds } = toAppError(thrown);
        const shape = { code, message, metadata, violations, detail, retryAfterSeconds };
        return JSON.stringify(shape).replaceAll(/id-(none|\d+)/g, 'ID');
      });
      expect(shapes[0]).toContain('"code":"TASK_NOT_FOUND"');
      expect(shapes[0]).toBe(shapes[1]);
    }
    expect((await bench.service.list(mallory, {})).totalSize).toBe(0);
    expect(runs.length).toBe(1);
    expect(bench.engine.hub.openCount).toBe(0);
    expect(await bench.state(taskId)).toBe('TASK_STATE_SUBMITTED');
  });
});
