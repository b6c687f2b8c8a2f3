/** Stopping: no new work, a drain, and then everything is let go of in a way that it can be taken up again. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gate } from '../../../test/support/fault-store.ts';
import { authRequired, chunk, completed, puppet, working } from '../../../test/support/puppet.ts';
import { type Bench, BenchFiles, Follower, messageOf, turns, until } from '../../../test/support/task-bench.ts';
import type { Task } from '../../protocol/v1/types.ts';
import type { AgentEvent } from './executor.ts';

let files: BenchFiles;
beforeEach(() => {
  files = new BenchFiles();
});
afterEach(() => files.close());

const STOPPING = {
  code: 'UNAVAILABLE',
  message: 'The server is shutting down; try again in a moment',
  retryAfterSeconds: 2,
};
const LET_GO = {
  code: 'UNAVAILABLE',
  message: 'The server is shutting down; the task goes on: ask for it with GetTask',
  metadata: { taskId: expect.any(String) as string },
  retryAfterSeconds: 2,
};

/** Watched from now on, so that it may fail before it is looked at. */
const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('stop', () => {
  it('refuses messages at once, waits for what runs, and is over when that is', async () => {
    const { agent, runs } = puppet();
    const bench = await files.start([agent]);
    const taskId = await bench.begin();
    let isStopped = false;
    const stopping = bench.engine.stop(60_000).then(() => {
      isStopped = true;
    });
    await expect(bench.begin()).rejects.toMatchObject(STOPPING);
    await turns(10);
    expect(isStopped).toBe(false);
    runs[0]?.yield(working, completed);
    await stopping;
    expect(await bench.state(taskId)).toBe('TASK_STATE_COMPLETED');
    expect(runs.length).toBe(1);
  });

  it('after the drain, runs are aborted without a word in their logs, waiting sends are told, leases are free', async () => {
    const { agent, runs } = puppet();
    const bench = await files.start([agent]);
    const follower = new Follower();
    const sending = bench.service.send(bench.call(), messageOf('blocking'));
    const refused = failureOf(sending);
    await bench.service.stream(bench.call(), messageOf('streaming'), follower);
    runs[1]?.yield(chunk('a'));
    await until('the chunk', () => follower.seqs.length === 2);
    const stopping = bench.engine.stop(5_000);
    await turns(5);
    bench.clock.turn(5_000);
    await stopping;
    expect(await refused).toMatchObject(LET_GO);
    expect(bench.engine.runningCount).toBe(0);
    await until('the agents to clean up', () => runs.every((run) => run.isClosed));
    for (const { run } of runs) {
      expect(run.signal.reason).toMatchObject(LET_GO);
      expect(['TASK_STATE_SUBMITTED', 'TASK_STATE_WORKING']).toContain(await bench.state(run.taskId));
    }
    expect(follower.isEnded).toBe(false);
    const next = puppet();
    await files.start([next.agent]);
    expect(next.runs.map(({ run }) => run.taskId).sort()).toEqual(runs.map(({ run }) => run.taskId).sort());
  });

  it('does not count as a failed attempt, however often it happens', async () => {
    const { agent, runs } = puppet({ recovery: 'resume' });
    const limits = { maxAttempts: 2 };
    let bench = await files.start([agent], { limits });
    const taskId = await bench.begin();
    for (let restart = 1; restart <= 5; restart++) {
      await bench.engine.stop(0);
      bench = await files.start([agent], { limits });
      await until('the next attempt', () => runs.length === restart + 1);
    }
    expect(runs.map(({ run }) => run.attempt)).toEqual([1, 2, 2, 2, 2, 2]);
    runs.at(-1)?.yield(completed);
    await until('the end', async () => (await bench.state(taskId)) === 'TASK_STATE_COMPLETED');
  });

  it('twice, and at once without a drain, is the same', async () => {
    const { agent } = puppet();
    const bench = await files.start([agent]);
    await bench.begin();
    const stopping = bench.engine.stop(60_000);
    await bench.engine.stop(0);
    await stopping;
    await bench.engine.stop(0);
    expect(bench.engine.runningCount).toBe(0);
  });

  it('a message whose first commit is waiting or under way is answered: no caller is left hanging', async () => {
    const { agent } = puppet();
    const bench = await files.start([agent]);
    const held = bench.store.hold();
    const underWay = bench.begin('under way');
    await until('the commit', () => bench.store.underWay.length === 1);
    const waiting = bench.begin('waiting');
    const answers = [underWay, waiting].map(failureOf);
    await turns(2);
    const stopping = bench.engine.stop(0);
    await turns(3);
    held.open();
    await stopping;
    for (const answer of await Promise.all(answers)) expect(answer).toMatchObject(STOPPING);
    expect(bench.engine.runningCount).toBe(0);
  });

  it('who begins to wait for a run that was let go of is told, and never waits or spins', async () => {
    const { agent } = puppet({ replies: 'either' });
    const bench = await files.start([agent]);
    const { principal } = bench.call();
    const submitted = await bench.engine.submit({
      scope: { ownerId: principal.ownerId, agentId: agent.id },
      agent,
      message: messageOf('hello').message,
      idempotencyKey: undefined,
    });
    if (submitted.status !== 'started') throw new Error('it was to begin');
    await bench.engine.stop(0);
    expect(submitted.run.stored?.seq).toBe(0);
    const told = { code: 'UNAVAILABLE', message: 'The task is no longer run here' };
    await expect(submitted.run.nextCommit()).rejects.toMatchObject(told);
    await expect(submitted.run.settled()).rejects.toMatchObject(told);
  });

  it('a message that was being looked at when the server stopped begins nothing', async () => {
    const { agent, runs } = puppet();
    const bench = await files.start([agent]);
    const taskId = await bench.begin();
    runs[0]?.yield(authRequired);
    runs[0]?.return();
    await until('the end of the turn', () => bench.engine.runningCount === 0);
    const reading = gate();
    bench.store.beforeRead = () => reading.passed;
    const sending = bench.service.send(bench.call(), messageOf('late', { taskId }));
    const refused = failureOf(sending);
    await bench.engine.stop(1_000);
    reading.open();
    expect(await refused).toMatchObject(STOPPING);
    expect(runs.length).toBe(1);
    expect(bench.engine.runningCount).toBe(0);
  });

  it('what an agent yields after it was let go is dropped', async () => {
    const { agent, runs } = puppet();
    const bench = await files.start([agent]);
    const taskId = await bench.begin();
    await bench.engine.stop(0);
    runs[0]?.yield(chunk('late'), completed);
    await turns(10);
    expect((await bench.log(taskId)).length).toBe(1);
  });
});

describe('[O11] stop, with another replica on the same store', () => {
  /** Another one starts, runs what was handed over, and yields this: who stops has a look, and no sender any more. */
  async function endsElsewhere(stopping: Bench, other = puppet(), event: AgentEvent = completed): Promise<void> {
    await files.start([other.agent]);
    await until('the run of the other one', () => other.runs.length === 1);
    other.last.yield(event);
    await until('the answer', async () => {
      await stopping.pass(1_000);
      return stopping.engine.hub.waitingCount === 0;
    });
  }

  it('queues what still comes, hands over what did not end, and its senders get the answers of the other one', async () => {
    const onA = puppet();
    const a = await files.start([onA.agent]);
    a.store.otherReplicas = 1;
    await a.pass(1_000);
    const sending = a.service.send(a.call(), messageOf('under way'));
    await until('the run', () => onA.runs.length === 1);
    onA.last.yield(chunk('from A'));
    const leaving = a.engine.leave(5_000);
    await turns(3);
    const late = a.service.send(a.call(), messageOf('late'));
    await until('the wait', () => a.engine.hub.waitingCount === 1);
    expect(a.engine.queuedCount).toBe(1);
    await a.pass(5_000);
    await leaving;
    expect(onA.last.run.signal.aborted).toBe(false);
    const announced = a.announcements;
    let isStopped = false;
    const stopping = a.engine.stop(0, 60_000).then(() => {
      isStopped = true;
    });
    await until('the other wait', () => a.engine.hub.waitingCount === 2);
    expect(onA.last.run.signal.aborted).toBe(true);
    await until('the announcement', () => a.announcements > announced);
    expect(a.engine.runningCount).toBe(0);

    const onB = puppet({ recovery: 'resume' });
    const b = await files.start([onB.agent]);
    await until('the runs', () => onB.runs.length === 2);
    expect(onB.runs.map(({ run }) => run.attempt)).toEqual([2, 1]);
    for (const run of onB.runs) run.yield(chunk('from B'), completed);
    await until('the ends', () => b.engine.runningCount === 0);
    expect(isStopped).toBe(false);
    await a.pass(1_000);
    const parts = (await Promise.all([sending, late])).map((answer) => {
      const task = JSON.parse('task' in answer ? answer.task : '{}') as Task;
      return [task.status.state, task.artifacts?.[0]?.parts.map((part) => part.text)];
    });
    expect(parts).toEqual([
      ['TASK_STATE_COMPLETED', ['from A', 'from B']],
      ['TASK_STATE_COMPLETED', ['from B']],
    ]);
    await stopping;
    await expect(a.begin()).rejects.toMatchObject(STOPPING);
  });

  it('hands over to one that has come since the last look', async () => {
    const onA = puppet();
    const a = await files.start([onA.agent]);
    const sending = a.service.send(a.call(), messageOf('under way'));
    await until('the run', () => onA.runs.length === 1);
    a.store.otherReplicas = 1;
    await a.engine.lookForOthers();
    const stopping = a.engine.stop(0, 60_000);
    await until('the wait', () => a.engine.hub.waitingCount === 1);
    await endsElsewhere(a);
    expect(await sending).toHaveProperty('task');
    await stopping;
  });

  it('a store that does not say whether there are others holds the stop up for a second', async () => {
    const bench = await files.start([puppet().agent]);
    bench.store.readBacklog = () => new Promise(() => {});
    let isOver = false;
    const looking = bench.engine.lookForOthers().then(() => {
      isOver = true;
    });
    await bench.pass(900);
    expect(isOver).toBe(false);
    await bench.pass(100);
    await looking;
    expect(isOver).toBe(true);
  });

  it('tells senders whose answer does not come in time that their task goes on', async () => {
    const { agent } = puppet();
    const bench = await files.start([agent]);
    bench.store.otherReplicas = 1;
    await bench.pass(1_000);
    const sending = failureOf(bench.service.send(bench.call(), messageOf('go')));
    await until('the run', () => bench.engine.runningCount === 1);
    const stopping = bench.engine.stop(0, 3_000);
    await until('the wait', () => bench.engine.hub.waitingCount === 1);
    await turns(5);
    await bench.pass(3_000);
    await stopping;
    expect(await sending).toMatchObject(LET_GO);
    expect(bench.engine.hub.waitingCount).toBe(0);
  });

  it('tells also senders whose messages are stored only then', async () => {
    const { agent } = puppet();
    const bench = await files.start([agent]);
    bench.store.otherReplicas = 1;
    await bench.pass(1_000);
    await bench.begin();
    const stopping = bench.engine.stop(60_000);
    const held = bench.store.hold();
    const sending = failureOf(bench.service.send(bench.call(), messageOf('late')));
    await until('the commit', () => bench.store.underWay.length === 1);
    bench.clock.turn(60_000);
    await stopping;
    held.open();
    expect(await sending).toMatchObject(LET_GO);
  });

  it('waits also for a message that is being stored, and tells others of it at once', async () => {
    const bench = await files.start([puppet().agent]);
    bench.store.otherReplicas = 1;
    await bench.pass(1_000);
    await bench.engine.leave(0);
    const held = bench.store.hold();
    const sending = bench.service.send(bench.call(), messageOf('late'));
    await until('the commit', () => bench.store.underWay.length === 1);
    const stopping = bench.engine.stop(0, 60_000);
    await turns(10);
    const { announcements } = bench;
    held.open();
    await until('the wait', () => bench.engine.hub.waitingCount === 1);
    await turns(2);
    expect(bench.announcements).toBe(announcements + 1);
    await endsElsewhere(bench);
    expect(await sending).toHaveProperty('task');
    await stopping;
  });

  it('an agent that may answer with a message: who asked to be told at once is told by the other one', async () => {
    const [onA, onB] = [puppet({ replies: 'either' }), puppet({ replies: 'either' })];
    const a = await files.start([onA.agent]);
    a.store.otherReplicas = 1;
    await a.pass(1_000);
    const request = { ...messageOf('hello'), configuration: { returnImmediately: true } };
    const sending = a.service.send(a.call(), request);
    await until('the run', () => onA.runs.length === 1);
    const stopping = a.engine.stop(0, 60_000);
    await until('the wait', () => a.engine.hub.waitingCount === 1);
    await endsElsewhere(a, onB, working);
    expect(await sending).toHaveProperty('task');
    await stopping;
  });

  it('a repetition of a message whose task has ended is answered to the last', async () => {
    const { agent, runs } = puppet();
    const bench = await files.start([agent]);
    const message = messageOf('again');
    const first = bench.service.send(bench.call(), message);
    await until('the run', () => runs.length === 1);
    runs[0]?.yield(completed);
    const { task } = (await first) as { task: string };
    bench.store.otherReplicas = 1;
    await bench.pass(1_000);
    await bench.engine.leave(0);
    const held = bench.store.hold();
    const sending = bench.service.send(bench.call(), message);
    await until('the commit', () => bench.store.underWay.length === 1);
    await bench.engine.stop(0, 0);
    held.open();
    expect(await sending).toEqual({ task });
  });

  it('goes on renewing its lease while it drains, however long that takes', async () => {
    const { agent, runs } = puppet();
    const bench = await files.start([agent]);
    await bench.begin();
    let renewals = 0;
    bench.store.beforeHeartbeat = () => void renewals++;
    const stopping = bench.engine.stop(60_000);
    await bench.pass(30_000);
    expect(renewals).toBeGreaterThanOrEqual(5);
    runs[0]?.yield(completed);
    await stopping;
    const before = renewals;
    await bench.pass(30_000);
    expect(renewals).toBe(before);
  });
});
