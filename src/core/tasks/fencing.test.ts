/** Invariants 2 and 4: one replica runs a task; who has lost it writes nothing more. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gate } from '../../../test/support/fault-store.ts';
import { authRequired, chunk, completed, puppet, working } from '../../../test/support/puppet.ts';
import { BenchFiles, Follower, messageOf, turns, until } from '../../../test/support/task-bench.ts';

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

  it('a claim that loses to a write of the old replica is given up without a trace', async () => {
    const { a, onA, onB, taskId } = await runningOnA();
    const clone = a;
    onB.runs.splice?.call(onB.runs as never[], 0);
    const reading = gate();
    const b = await files.start([onB.agent]).then((bench) => bench);
    await turns(5);
    reading.open();
    expect(clone.engine.runningCount).toBe(1);
    // B has it now; a third one that looked before B wrote is as late as A is.
    onA.last.yield(completed);
    await until('the run of A to end', () => a.engine.runningCount === 0);
    expect(await b.state(taskId)).toBe('TASK_STATE_WORKING');
    expect(b.engine.runningCount).toBe(1);
  });

  it('a blocking send on the old replica is answered, not left hanging', async () => {
    const onA = puppet();
    const onB = puppet();
    const a = await files.start([onA.agent]);
    const sending = a.service.send(a.call(), messageOf('go'));
    await until('the run', () => onA.runs.length === 1);
    await turns(3);
    await files.start([onB.agent]);
    onB.last.yield(completed);
    onA.last.yield(working);
    await expect(sending).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: 'The task was taken over by another replica',
    });
  });

  it('an external agent is not run by a replica whose claim was refused', async () => {
    const onA = puppet({ effects: 'external' });
    const onB = puppet({ effects: 'external' });
    const a = await files.start([onA.agent]);
    const taskId = await a.begin();
    await until('the run', () => onA.runs.length === 1);
    const b = files;
    // B reads the head, then A writes: the claim of B is built on what is no longer so.
    const starting = b.start([onB.agent]);
    onA.last.yield(working);
    await starting;
    await turns(10);
    const log = await a.log(taskId);
    expect(onB.runs.length + log.filter((row) => row.kind === 'status').length).toBe(1);
  });
});

describe('cancel of a task that another replica runs', () => {
  it('takes the lease: the task is canceled, and the run there is fenced', async () => {
    const { a, onA, taskId } = await runningOnA('fail');
    const other = puppet({ recovery: 'fail' });
    // The other replica knows A as alive: SQLite has one server, so A announces itself again.
    const b = await files.start([other.agent], { limits: { leaseTtlMs: 1_000_000 } }).catch(() => undefined);
    expect(b).toBeDefined();
    onA.last.yield(chunk('late'));
    await until('the run of A to end', () => a.engine.runningCount === 0);
    expect((await a.log(taskId)).map((row) => row.body).join()).not.toContain('late');
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
