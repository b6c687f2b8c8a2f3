/** Invariants 2 and 4: one replica runs a task; who has lost it writes nothing more. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { authRequired, chunk, completed, puppet, working } from '../../../test/support/puppet.ts';
import { Bench, BenchFiles, Follower, messageOf, turns, until } from '../../../test/support/task-bench.ts';

let files: BenchFiles;
beforeEach(() => {
  files = new BenchFiles();
});
afterEach(() => files.close());

/** A task that runs on replica A; starting B makes A count as dead, although it only paused. */
async function runningOnA(recovery: 'resume' | 'restart' | 'fail' = 'resume') {
  let lost = 0;
  const onA = puppet({ recovery });
  const onB = puppet({ recovery });
  const a = await files.start([onA.agent], { metrics: { leaseLost: () => lost++ } });
  const taskId = await a.begin();
  onA.last.yield(working, chunk('from A'));
  await until('the chunk', async () => (await a.log(taskId)).length === 3);
  return { a, onA, onB, taskId, lost: () => lost };
}

describe('[O2] a replica that cannot renew its lease', () => {
  it('says that it stores nothing, until it can again', async () => {
    const a = await files.start([puppet().agent]);
    expect(a.engine.isStoring).toBe(true);
    a.store.beforeHeartbeat = () => {
      throw new Error('disk full');
    };
    await a.pass(5_000);
    await until('the failure to show', () => !a.engine.isStoring);
    a.store.beforeHeartbeat = () => undefined;
    await a.pass(5_000);
    await until('the recovery to show', () => a.engine.isStoring);
  });
});

describe('when another replica has taken a task over', () => {
  it('no event of the old epoch lands, its run is aborted, and its followers get the new one from the log', async () => {
    const { a, onA, onB, taskId, lost } = await runningOnA();
    const follower = new Follower();
    await a.service.subscribe(a.call(), { id: taskId }, follower);
    const b = await files.start([onB.agent]);
    expect(onB.last.run.attempt).toBe(2);
    onB.last.yield(chunk('from B'));
    await until('the chunk of B', async () => (await b.log(taskId)).length === 4);

    onA.last.yield(chunk('too late'), completed);
    await until('the run of A to end', () => a.engine.runningCount === 0);
    expect(lost()).toBe(1);
    expect(onA.last.run.signal.aborted).toBe(true);
    expect(onA.last.run.signal.reason).toMatchObject({
      code: 'UNAVAILABLE',
      message: 'The task was taken over by another replica',
    });
    onB.last.yield(completed);
    await until('the end', async () => (await b.state(taskId)) === 'TASK_STATE_COMPLETED');
    expect((await b.log(taskId)).map((row) => row.body).join()).not.toContain('too late');
    await a.pass(2_000);
    await until('the follower on A', () => follower.isEnded);
    expect(follower.seqs).toEqual([4, 5]);
  });

  it('and dies, a replica that did not notice its loss takes the task back at once, and drops its old run', async () => {
    const { a, onA, onB, taskId } = await runningOnA();
    await files.start([onB.agent]);
    onB.last.yield(chunk('from B'));
    await until('the chunk of B', async () => (await a.log(taskId)).length === 4);
    // The next heartbeat of A takes B off the list, as it would if B were dead.
    await a.store.heartbeat(a.engine.replicaId, 15_000);
    const [stale] = onA.runs;
    await a.pass(1_000);
    await until('the run on A', () => onA.runs.length === 2);
    expect(stale?.run.signal.aborted).toBe(true);
    onA.last.yield(completed);
    await until('the end', async () => (await a.state(taskId)) === 'TASK_STATE_COMPLETED');
    expect((await a.log(taskId)).map((row) => row.seq)).toEqual([1, 2, 3, 4, 5]);
  });

  it('a commit of the old replica that was under way while the new one claimed loses, whole', async () => {
    const { a, onA, onB, taskId } = await runningOnA();
    const held = a.store.hold();
    onA.last.yield(chunk('under way'), completed);
    await until('the commit', () => a.store.underWay.length > 0);
    const b = await files.start([onB.agent]);
    await until('the claim', () => onB.runs.length === 1);
    held.open();
    await until('the run of A to end', () => a.engine.runningCount === 0);
    expect(await b.state(taskId)).toBe('TASK_STATE_WORKING');
    expect((await b.log(taskId)).length).toBe(3);
  });

  it('a replica that could not renew its lease for too long looks whether it still has its tasks', async () => {
    const { a, onA, onB } = await runningOnA();
    a.store.beforeHeartbeat = () => {
      throw new Error('no connection');
    };
    await a.pass(16_000);
    await files.start([onB.agent]);
    expect(onA.last.run.signal.aborted).toBe(false);
    a.store.beforeHeartbeat = () => undefined;
    await a.pass(5_000);
    // Its agent had nothing to store, and would never have learned of it.
    expect(onA.runs[0]?.run.signal.reason).toMatchObject({ message: 'The task was taken over by another replica' });
  });

  it('a blocking send on the old replica gets its answer from the log of the task', async () => {
    const onA = puppet();
    const onB = puppet();
    const a = await files.start([onA.agent]);
    const sending = a.service.send(a.call(), messageOf('go'));
    await until('the run', () => onA.runs.length === 1);
    await turns(3);
    await files.start([onB.agent]);
    onA.last.yield(working);
    await until('the run of A to end', () => a.engine.runningCount === 0);
    expect(a.engine.hub.waitingCount).toBe(1);
    onB.last.yield(chunk('from B'), completed);
    await turns(5);
    await a.pass(1_000);
    const answer = await sending;
    expect(JSON.parse('task' in answer ? answer.task : '{}')).toMatchObject({
      status: { state: 'TASK_STATE_COMPLETED' },
      artifacts: [{ parts: [{ text: 'from B' }] }],
    });
    expect(a.engine.hub.waitingCount).toBe(0);
  });

  it('a cancel by another replica fences the run: nothing that it still yields is stored', async () => {
    const { a, onA, taskId } = await runningOnA();
    const b = new Bench(files, [puppet().agent], {});
    await b.engine.cancel({ ownerId: 'alice', agentId: 'agent' }, taskId);
    expect(await b.state(taskId)).toBe('TASK_STATE_CANCELED');
    onA.last.yield(chunk('late'), completed);
    await until('the run of A to end', () => a.engine.runningCount === 0);
    expect(await a.state(taskId)).toBe('TASK_STATE_CANCELED');
    expect((await a.log(taskId)).map((row) => row.body).join()).not.toContain('late');
    expect(onA.last.run.signal.aborted).toBe(true);
  });
});

describe('a message that answers a task', () => {
  it('at the same time on two replicas: one turn begins, the other send joins or is refused, no write is lost', async () => {
    const onA = puppet();
    const onB = puppet();
    const a = await files.start([onA.agent]);
    const taskId = await a.begin();
    onA.last.yield(authRequired);
    onA.last.return();
    await until('the end of the turn', () => a.engine.runningCount === 0);
    const b = await files.start([onB.agent]);
    const answer = (bench: typeof a, text: string) =>
      bench.engine.submit({
        scope: { ownerId: 'alice', agentId: 'agent' },
        agent: bench.call().agent,
        message: messageOf(text, { taskId }).message,
        idempotencyKey: undefined,
      });
    const results = await Promise.allSettled([answer(a, 'one'), answer(b, 'two')]);
    expect(results.map((result) => result.status).sort()).toEqual(['fulfilled', 'rejected']);
    const refused = results.find((result) => result.status === 'rejected');
    expect(refused?.reason).toMatchObject({ code: 'UNSUPPORTED_OPERATION' });
    const history = (await a.task(taskId)).history?.map((message) => message.parts[0]?.text);
    expect(history?.length).toBe(2);
  });
});
