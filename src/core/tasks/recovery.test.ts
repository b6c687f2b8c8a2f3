/** Invariant 4: what a dead replica left behind is taken up again, or ended with a reason. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gate } from '../../../test/support/fault-store.ts';
import { authRequired, chunk, completed, type ExecutorTraits, puppet, working } from '../../../test/support/puppet.ts';
import { Bench, BenchFiles, Follower, messageOf, range, until } from '../../../test/support/task-bench.ts';
import type { AgentEvent } from './executor.ts';

let files: BenchFiles;
beforeEach(() => {
  files = new BenchFiles();
});
afterEach(() => files.close());

const say = (text: string): AgentEvent => ({
  type: 'status',
  state: 'TASK_STATE_WORKING',
  message: { parts: [{ text }] },
});
const statusText = async (bench: Bench, taskId: string) =>
  (await bench.task(taskId)).status.message?.parts.map((part) => part.text).join();

/** A task that died on replica A after a message of the agent and two chunks. */
async function interrupted(traits: ExecutorTraits) {
  const onA = puppet(traits);
  const a = await files.start([onA.agent]);
  const taskId = await a.begin('the request');
  await until('the run', () => onA.runs.length === 1);
  onA.last.yield(say('let me see'), chunk('one', 'out', false), chunk('two'));
  await until('the chunks', async () => (await a.log(taskId)).length === 4);
  return { a, taskId, onB: puppet(traits) };
}

describe('recovery resume', () => {
  it.each(['none', 'external'] as const)('goes on with what was stored (effects %s)', async (effects) => {
    const { taskId, onB } = await interrupted({ recovery: 'resume', effects });
    const recovered: string[] = [];
    const b = await files.start([onB.agent], {
      metrics: { taskRecovered: (id, how) => recovered.push(`${id} ${how}`) },
    });
    expect(onB.last.run.attempt).toBe(2);
    expect((await onB.last.run.loadTask()).artifacts?.[0]?.parts.map((part) => part.text)).toEqual(['one', 'two']);
    onB.last.yield(chunk('three'), completed);
    await until('the end', async () => (await b.state(taskId)) === 'TASK_STATE_COMPLETED');
    const task = await b.task(taskId);
    expect(task.artifacts?.[0]?.parts.map((part) => part.text)).toEqual(['one', 'two', 'three']);
    expect(task.history?.map((message) => message.parts[0]?.text)).toEqual(['the request', 'let me see']);
    expect((await b.log(taskId)).map((row) => row.seq)).toEqual(range(1, 6));
    expect(recovered).toEqual(['agent resume']);
  });

  it('gives the agent the message of the turn as the first attempt got it: a first one has no task id', async () => {
    const { onB } = await interrupted({ recovery: 'resume' });
    await files.start([onB.agent]);
    expect(onB.last.run.message.parts).toEqual([{ text: 'the request' }]);
    expect(onB.last.run.message.taskId).toBeUndefined();
  });

  it('gives the agent the message of a later turn with its task id', async () => {
    const onA = puppet();
    const a = await files.start([onA.agent]);
    const taskId = await a.begin('the request');
    onA.last.yield({ type: 'status', state: 'TASK_STATE_INPUT_REQUIRED' });
    await until('the end of the turn', () => a.engine.runningCount === 0);
    await a.engine.submit({
      scope: { ownerId: 'alice', agentId: 'agent' },
      agent: onA.agent,
      message: messageOf('the answer', { taskId }).message,
      idempotencyKey: undefined,
    });
    const onB = puppet();
    await files.start([onB.agent]);
    expect(onB.last.run.message).toMatchObject({ taskId, parts: [{ text: 'the answer' }] });
  });
});

describe('recovery restart', () => {
  it.each(['none', 'external'] as const)(
    'discards what the broken attempt made, keeps what the user said, and says so (effects %s)',
    async (effects) => {
      const { taskId, onB } = await interrupted({ recovery: 'restart', effects });
      const b = await files.start([onB.agent]);
      const task = await b.task(taskId);
      expect(task.artifacts).toBeUndefined();
      expect(task.history?.map((message) => message.parts[0]?.text)).toEqual(['the request']);
      expect(task.status.state).toBe('TASK_STATE_WORKING');
      const row = (await b.log(taskId))[4];
      expect(JSON.parse(row?.body ?? '{}')).toMatchObject({
        statusUpdate: {
          metadata: { parley: { restarted: true, attempt: 2, discardedAfterSeq: 1, discardedUpToSeq: 4 } },
        },
      });
      expect((await b.log(taskId)).map(({ seq }) => seq)).toEqual(range(1, 5));
    },
  );

  it('the agent never sees what was discarded, however early it looks', async () => {
    const { a, taskId } = await interrupted({ recovery: 'restart' });
    const seen: unknown[] = [];
    const onB = puppet({ recovery: 'restart' });
    const curious = {
      ...onB.agent,
      executor: {
        ...onB.agent.executor,
        async *execute(run: Parameters<typeof onB.agent.executor.execute>[0]) {
          seen.push((await run.loadTask()).artifacts);
          yield completed;
        },
      },
    };
    const b = await files.start([curious]);
    await until('the end', async () => (await b.state(taskId)) === 'TASK_STATE_COMPLETED');
    expect(seen).toEqual([undefined]);
    expect(a.engine.runningCount).toBe(1);
  });

  it('brings back an artifact of an earlier turn that the broken attempt had replaced', async () => {
    const onA = puppet({ recovery: 'restart' });
    const a = await files.start([onA.agent]);
    const taskId = await a.begin();
    onA.last.yield(chunk('of turn 1', 'out', false), { type: 'status', state: 'TASK_STATE_INPUT_REQUIRED' });
    await until('the end of the turn', () => a.engine.runningCount === 0);
    await a.engine.submit({
      scope: { ownerId: 'alice', agentId: 'agent' },
      agent: onA.agent,
      message: messageOf('go on', { taskId }).message,
      idempotencyKey: undefined,
    });
    onA.last.yield(chunk('broken', 'out', false));
    await until('the chunk', async () => (await a.log(taskId)).length === 5);
    const onB = puppet({ recovery: 'restart' });
    const b = await files.start([onB.agent]);
    const task = await b.task(taskId);
    expect(task.artifacts?.[0]?.parts).toEqual([{ text: 'of turn 1' }]);
    expect(task.history?.map((message) => message.parts[0]?.text)).toEqual(['hello', 'go on']);
  });

  it('a follower that resumes sees the events of the broken attempt, the restart, and what followed, without a gap', async () => {
    const { taskId, onB } = await interrupted({ recovery: 'restart' });
    const b = await files.start([onB.agent]);
    const follower = new Follower();
    await b.service.subscribe(b.call({ lastEventId: 0 }), { id: taskId }, follower);
    onB.last.yield(chunk('again', 'out', false), completed);
    await until('the end', () => follower.isEnded);
    expect(follower.seqs).toEqual(range(1, 7));
  });
});

describe('recovery fail', () => {
  it('ends the task with a message that says why, and does not run the agent', async () => {
    const { taskId, onB } = await interrupted({ recovery: 'fail' });
    const b = await files.start([onB.agent]);
    expect(onB.runs.length).toBe(0);
    expect(await b.state(taskId)).toBe('TASK_STATE_FAILED');
    expect(await statusText(b, taskId)).toBe(
      'The task was interrupted: the server that ran it stopped, and this agent cannot take it up again',
    );
    expect((await b.task(taskId)).artifacts?.[0]?.parts.length).toBe(2);
  });

  it('says that a step could not be stored where that was the reason', async () => {
    const { agent, runs } = puppet({ recovery: 'fail' });
    const bench = await files.start([agent]);
    const taskId = await bench.begin();
    bench.store.failNext();
    runs[0]?.yield(working);
    await until('the run to be let go', () => bench.engine.runningCount === 0);
    await bench.pass(11_000);
    expect(await bench.state(taskId)).toBe('TASK_STATE_FAILED');
    expect(await statusText(bench, taskId)).toBe(
      'The task was interrupted: its last step could not be stored, and this agent cannot take it up again',
    );
  });
});

describe('a task that cannot be taken up', () => {
  it('fails after tasks.maxAttempts attempts', async () => {
    const benches: Bench[] = [];
    let taskId = '';
    for (const attempt of range(1, 4)) {
      const agent = puppet();
      const bench = await files.start([agent.agent], { limits: { maxAttempts: 3 } });
      benches.push(bench);
      if (attempt === 1) taskId = await bench.begin();
      expect(agent.runs.length).toBe(attempt <= 3 ? 1 : 0);
    }
    const last = benches.at(-1);
    if (last === undefined) throw new Error('no replica');
    expect(await last.state(taskId)).toBe('TASK_STATE_FAILED');
    expect(await statusText(last, taskId)).toBe(
      'The task was interrupted: the server that ran it stopped, 3 times (tasks.maxAttempts)',
    );
  });

  it('fails when its agent is gone', async () => {
    const onA = puppet();
    const a = await files.start([onA.agent]);
    const taskId = await a.begin();
    const b = await files.start([puppet({}, 'another').agent]);
    await until('the end', async () => (await a.state(taskId)) === 'TASK_STATE_FAILED');
    expect(await statusText(a, taskId)).toBe(
      'The task was interrupted (the server that ran it stopped), and its agent is not there any more',
    );
    expect(b.engine.runningCount).toBe(0);
  });

  it('is a proper task also when it had not said yet whether its answer is a Message', async () => {
    const traits = { replies: 'either', recovery: 'fail', effects: 'external' } as const;
    const onA = puppet(traits);
    const a = await files.start([onA.agent]);
    const request = messageOf('go');
    const lost = a.service.send(a.call(), request);
    lost.catch(() => undefined);
    await until('the run', () => onA.runs.length === 1);
    const b = await files.start([puppet(traits).agent]);
    const answer = await b.service.send(b.call(), request);
    expect(answer).toHaveProperty('task');
    const task = JSON.parse('task' in answer ? answer.task : '{}') as { id: string };
    expect(await b.state(task.id)).toBe('TASK_STATE_FAILED');
    expect((await b.task(task.id)).history?.length).toBe(2);
    expect((await b.log(task.id)).map((row) => row.kind)).toEqual(['task', 'status']);
    expect((await b.service.list(b.call(), {})).totalSize).toBe(1);
  });
});

describe('taking over', () => {
  it('waits while there is no room, and happens when there is', async () => {
    const onA = puppet();
    const a = await files.start([onA.agent]);
    const first = await a.begin();
    const second = await a.begin();
    const onB = puppet();
    const b = await files.start([onB.agent], { limits: { maxRunning: 1 } });
    expect(onB.runs.map(({ run }) => run.taskId)).toEqual([first]);
    await b.pass(3_000);
    expect(onB.runs.length).toBe(1);
    onB.last.yield(completed);
    await until('the second one', () => onB.runs.length === 2);
    expect(onB.runs.map(({ run }) => run.taskId)).toEqual([first, second]);
  });

  it('finds a lost task of its own also among more running ones than one look covers', async () => {
    const { agent, runs } = puppet();
    const bench = await files.start([agent]);
    for (const _ of range(1, 130)) await bench.begin();
    const lost = runs[129];
    bench.store.failNext();
    lost?.yield(working);
    await until('the run to be let go', () => bench.engine.runningCount === 129);
    await bench.pass(11_000);
    expect(runs.length).toBe(131);
    expect(runs[130]?.run.taskId).toBe(lost?.run.taskId);
  });

  it('never puts a second run beside one that a message of the user began meanwhile', async () => {
    const onA = puppet();
    const a = await files.start([onA.agent]);
    const taskId = await a.begin();
    onA.last.yield(authRequired);
    await until('auth-required', async () => (await a.state(taskId)) === 'TASK_STATE_AUTH_REQUIRED');
    const onB = puppet();
    const b = new Bench(files, [onB.agent], {});
    // B looks for the message of the interrupted turn; while it waits for the store, the user answers.
    const reading = gate();
    let reads = 0;
    b.store.beforeRead = () => (++reads === 1 ? reading.passed : undefined);
    const starting = b.engine.start();
    await until('the look', () => reads === 1);
    const answered = b.engine.submit({
      scope: { ownerId: 'alice', agentId: 'agent' },
      agent: onB.agent,
      message: messageOf('the answer', { taskId }).message,
      idempotencyKey: undefined,
    });
    await until('the run', () => b.engine.runningCount === 1);
    reading.open();
    await answered;
    await starting;
    expect(b.engine.runOf(taskId)).toBeDefined();
    expect(onB.runs.length).toBe(1);
    onB.last.yield(completed);
    await until('the end', async () => (await b.state(taskId)) === 'TASK_STATE_COMPLETED');
    expect(b.engine.runningCount).toBe(0);
    await b.engine.stop(0);
  });
});
