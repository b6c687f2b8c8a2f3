/** The queue: what finds no room waits in the store, in order, and is run by the first replica that has some. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gate } from '../../../test/support/fault-store.ts';
import { chunk, completed, inputRequired, type Puppet, puppet, working } from '../../../test/support/puppet.ts';
import { ReplicaBench } from '../../../test/support/replica-bench.ts';
import {
  Bench,
  BenchFiles,
  type BenchOptions,
  configured,
  Follower,
  messageOf,
  range,
  turns,
  until,
} from '../../../test/support/task-bench.ts';
import type { Message, Task } from '../../protocol/v1/types.ts';
import type { SendResult } from './service.ts';
import { QUEUED } from './store.ts';

let files: BenchFiles;
beforeEach(() => {
  files = new BenchFiles();
});
afterEach(() => files.close());

const scope = { ownerId: 'alice', agentId: 'agent' };
const taskOf = (result: SendResult): Task => JSON.parse('task' in result ? result.task : '{}') as Task;
const order = (agent: Puppet) => agent.runs.map(({ run }) => run.taskId);
const holderOf = async (bench: Bench, taskId: string) => (await bench.store.readHead(scope, taskId))?.leaseReplica;

/** A replica with room for `maxRunning` tasks, as many of which run. */
async function fullBench(maxRunning = 1, options: BenchOptions = {}, agent: Puppet = puppet()) {
  const bench = await files.start([agent.agent], { ...options, limits: { maxRunning, ...options.limits } });
  for (const _ of range(1, maxRunning)) await bench.begin('running');
  return { bench, agent };
}

describe('a message that finds no room', () => {
  it.each(['resume', 'restart', 'fail'] as const)(
    'is stored, waits, and is run as if it had just come (recovery %s)',
    async (recovery) => {
      const waits: string[] = [];
      const { bench, agent } = await fullBench(
        1,
        {
          metrics: {
            taskDequeued: (id, ms) => waits.push(`dequeued ${id} ${ms}`),
            taskClaimed: (from) => waits.push(`claimed ${from}`),
          },
        },
        puppet({ recovery, effects: 'external' }),
      );
      const taskId = await bench.begin('waiting');
      expect(await bench.state(taskId)).toBe('TASK_STATE_SUBMITTED');
      expect(await holderOf(bench, taskId)).toBe(QUEUED);
      expect(bench.engine.queuedCount).toBe(1);
      await bench.pass(3_000);
      expect(agent.runs.length).toBe(1);
      agent.last.yield(completed);
      await until('its run', () => agent.runs.length === 2);
      expect(agent.last.run).toMatchObject({ taskId, attempt: 1, message: { parts: [{ text: 'waiting' }] } });
      expect(agent.last.run.message.taskId).toBeUndefined();
      agent.last.yield(working, completed);
      await until('its end', async () => (await bench.state(taskId)) === 'TASK_STATE_COMPLETED');
      expect((await bench.log(taskId)).map(({ seq }) => seq)).toEqual([1, 2, 3]);
      expect(bench.engine.queuedCount).toBe(0);
      expect(waits).toEqual(['claimed queued', 'dequeued agent 3000']);
    },
  );

  it('is answered at once where that was asked, else when its task is settled; its stream has every event', async () => {
    const { bench, agent } = await fullBench();
    const now = await bench.service.send(bench.call(), configured(messageOf('now'), { returnImmediately: true }));
    expect(taskOf(now).status.state).toBe('TASK_STATE_SUBMITTED');
    const sending = bench.service.send(bench.call(), messageOf('blocking'));
    const follower = new Follower();
    await bench.service.stream(bench.call(), messageOf('streaming'), follower);
    expect(follower.seqs).toEqual([1]);
    for (const run of range(1, 4)) {
      await until('the run', () => agent.runs.length === run);
      agent.last.yield(chunk(`of run ${run}`), completed);
    }
    expect(taskOf(await sending)).toMatchObject({ artifacts: [{ parts: [{ text: 'of run 3' }] }] });
    await until('the end of the stream', () => follower.isEnded);
    expect(follower.seqs).toEqual([1, 2, 3]);
    expect(bench.engine.hub.waitingCount).toBe(0);
  });

  it('of an agent that may answer with a Message is answered with it', async () => {
    const { bench, agent } = await fullBench(1, {}, puppet({ replies: 'either' }));
    const request = configured(messageOf('question'), { returnImmediately: true });
    const sending = [
      bench.service.send(bench.call(), request),
      bench.service.send(bench.call(), messageOf('another')),
    ] as const;
    const follower = new Follower();
    await bench.service.stream(bench.call(), messageOf('third'), follower);
    for (const run of range(1, 4)) {
      await until('the run', () => agent.runs.length === run);
      agent.last.yield({ type: 'message', message: { parts: [{ text: `answer ${run}` }] } });
    }
    const answers = await Promise.all(sending);
    const texts = answers.map((answer) => (JSON.parse('message' in answer ? answer.message : '{}') as Message).parts);
    expect(texts).toEqual([[{ text: 'answer 2' }], [{ text: 'answer 3' }]]);
    await until('the end of the stream', () => follower.isEnded);
    expect(follower.bodies.join()).toContain('answer 4');
  });

  it('to a task that asked for input is its queued next turn', async () => {
    const { bench, agent } = await fullBench();
    const taskId = agent.last.run.taskId;
    agent.last.yield(inputRequired('which?'));
    await until('the question', () => bench.engine.runningCount === 0);
    await bench.begin('in the way');
    const sending = bench.service.send(bench.call(), messageOf('this one', { taskId }));
    await until('the message', async () => (await bench.state(taskId)) === 'TASK_STATE_WORKING');
    expect(await holderOf(bench, taskId)).toBe(QUEUED);
    await expect(bench.service.send(bench.call(), messageOf('more', { taskId }))).rejects.toMatchObject({
      code: 'UNSUPPORTED_OPERATION',
    });
    agent.last.yield(completed);
    await until('its run', () => agent.runs.length === 3);
    expect(agent.last.run).toMatchObject({ taskId, attempt: 1, message: { taskId, parts: [{ text: 'this one' }] } });
    agent.last.yield(completed);
    expect(taskOf(await sending).status.state).toBe('TASK_STATE_COMPLETED');
  });

  it('is joined by its repetition', async () => {
    const { bench } = await fullBench();
    const request = configured(messageOf('go'), { returnImmediately: true });
    const [first, second] = [
      await bench.service.send(bench.call(), request),
      await bench.service.send(bench.call(), request),
    ];
    expect(taskOf(second).id).toBe(taskOf(first).id);
    expect(bench.engine.queuedCount).toBe(1);
  });

  it('[A14] survives the end of the server, and is run by its next start', async () => {
    const { bench } = await fullBench();
    const taskId = await bench.begin('waiting');
    await bench.engine.stop(0);
    const next = puppet({ recovery: 'fail' });
    await files.start([next.agent]);
    expect(next.runs.map(({ run }) => [run.taskId, run.attempt])).toEqual([[taskId, 1]]);
  });

  it('can be canceled at once, and is never run', async () => {
    const { bench, agent } = await fullBench();
    const sending = bench.service.send(bench.call(), messageOf('waiting'));
    await until('the wait', () => bench.engine.hub.waitingCount === 1);
    const tasks = JSON.parse(`[${(await bench.service.list(bench.call(), {})).tasks.join()}]`) as Task[];
    const id = tasks.find((task) => task.id !== agent.last.run.taskId)?.id ?? '';
    await bench.service.cancel(bench.call(), { id });
    expect(taskOf(await sending).status.state).toBe('TASK_STATE_CANCELED');
    agent.last.yield(completed);
    await until('room', () => bench.engine.runningCount === 0);
    await bench.pass(2_000);
    expect(agent.runs.length).toBe(1);
    expect(bench.engine.queuedCount).toBe(0);
  });

  it('that is canceled while it is being claimed is not run either', async () => {
    const { bench, agent } = await fullBench();
    const taskId = await bench.begin('waiting');
    const reading = gate();
    bench.store.beforeRead = () => reading.passed;
    agent.last.yield(completed);
    await until('the claim', async () => (await files.holderOf(taskId)) === bench.engine.replicaId);
    bench.store.beforeRead = () => undefined;
    await bench.engine.cancel(scope, taskId);
    reading.open();
    await turns(10);
    expect(agent.runs.length).toBe(1);
    expect(await bench.state(taskId)).toBe('TASK_STATE_CANCELED');
  });
});

describe('whose turn it is', () => {
  it('the oldest is first, and what comes later does not get past it', async () => {
    const { bench, agent } = await fullBench(3);
    const waiting = [await bench.begin(), await bench.begin()];
    const claiming = gate();
    const before = bench.store.claims;
    bench.store.beforeClaim = () => claiming.passed;
    agent.runs[0]?.yield(completed);
    await until('the claim for one place', () => bench.store.claims > before);
    agent.runs[1]?.yield(completed);
    await until('a second place', () => bench.engine.runningCount === 1);
    const late = await bench.begin('late');
    expect(await holderOf(bench, late)).toBe(QUEUED);
    claiming.open();
    await until('the runs', () => agent.runs.length === 5);
    expect(order(agent).slice(3)).toEqual(waiting);
    agent.last.yield(completed);
    await until('the late one', () => agent.runs.length === 6);
    expect(order(agent)[5]).toBe(late);
  });

  it('with nothing that waits, a message is run at once, without a look at the queue', async () => {
    const { bench, agent } = await fullBench(2);
    agent.last.yield(completed);
    await until('room', () => bench.engine.runningCount === 1);
    const claims = bench.store.claims;
    await bench.begin();
    expect(agent.runs.length).toBe(3);
    await bench.pass(5_000);
    expect(bench.store.claims).toBe(claims);
  });

  it('an owner at its limit waits for itself only', async () => {
    const agent = puppet();
    const bench = await files.start([agent.agent], { limits: { maxRunningPerOwner: 2 } });
    for (const _ of range(1, 5)) await bench.begin('alice', { owner: 'alice' });
    expect(agent.runs.length).toBe(2);
    await bench.begin('bob', { owner: 'bob' });
    expect(agent.runs.map(({ run }) => run.ownerId)).toEqual(['alice', 'alice', 'bob']);
    await bench.begin('bob', { owner: 'bob' });
    await bench.begin('bob', { owner: 'bob' });
    await bench.pass(2_000);
    expect(agent.runs.map(({ run }) => run.ownerId)).toEqual(['alice', 'alice', 'bob', 'bob']);
    agent.runs[2]?.yield(completed);
    await until('the next of bob', () => agent.runs.length === 5);
    expect(agent.last.run.ownerId).toBe('bob');
    agent.runs[0]?.yield(completed);
    await until('the next of alice', () => agent.runs.length === 6);
    expect(agent.last.run.ownerId).toBe('alice');
  });

  it('an owner with a long backlog that fills every place leaves the next free ones to the others', async () => {
    const agent = puppet();
    const bench = await files.start([agent.agent], { limits: { maxRunning: 2, maxRunningPerOwner: 200 } });
    for (const _ of range(1, 20)) await bench.begin('alice', { owner: 'alice' });
    for (const owner of ['bob', 'bob', 'carol']) await bench.begin(owner, { owner });
    const owners = () => agent.runs.map(({ run }) => run.ownerId);
    for (const run of range(1, 6)) {
      agent.runs[run - 1]?.yield(completed);
      await until('the next', () => agent.runs.length === run + 2);
    }
    expect(owners().slice(2, 5).sort()).toEqual(['alice', 'bob', 'carol']);
    expect(owners().slice(5, 7).sort()).toEqual(['alice', 'bob']);
  });

  it.each(['tasks.maxRunningPerAgent', 'its own limit'])('an agent waits for itself only: %s', async (limit) => {
    const [slow, other] = [puppet({}, 'slow'), puppet({}, 'other')];
    const isOwn = limit === 'its own limit';
    const agents = [isOwn ? { ...slow.agent, maxRunning: 1 } : slow.agent, other.agent];
    const bench = await files.start(agents, { limits: { maxRunningPerAgent: isOwn ? 0 : 1 } });
    await bench.begin();
    await bench.begin();
    await bench.begin('other', { agent: other.agent });
    expect([slow.runs.length, other.runs.length]).toEqual([1, 1]);
    slow.last.yield(completed);
    await until('the next', () => slow.runs.length === 2);
    expect(bench.engine.runningCount).toBe(2);
  });

  it('no claim passes a limit, whoever the tasks belong to', async () => {
    const { bench } = await fullBench(6, { limits: { maxRunningPerOwner: 6 } });
    for (const owner of ['bob', 'carol']) for (const _ of range(1, 8)) await bench.begin(owner, { owner });
    await bench.engine.stop(0);
    const next = puppet();
    const b = await files.start([next.agent], { limits: { maxRunning: 10, maxRunningPerOwner: 3 } });
    await until('the claims', () => next.runs.length === 9);
    await b.pass(2_000);
    const owners = next.runs.map(({ run }) => run.ownerId).sort();
    expect(owners).toEqual(['alice', 'alice', 'alice', 'bob', 'bob', 'bob', 'carol', 'carol', 'carol']);
  });
});

describe('claims', () => {
  it('there is one at a time; however many notices come meanwhile, they cause one more', async () => {
    const agent = puppet();
    const bench = await files.start([agent.agent]);
    const before = bench.store.claims;
    const claiming = gate();
    bench.store.beforeClaim = () => claiming.passed;
    for (const _ of range(1, 50)) bench.engine.lookForWork();
    await until('the claim', () => bench.store.claims === before + 1);
    for (const _ of range(1, 50)) bench.engine.lookForWork();
    await turns(10);
    expect(bench.store.claims).toBe(before + 1);
    claiming.open();
    await turns(10);
    expect(bench.store.claims).toBe(before + 2);
  });

  it('a task that was queued on one replica is run by another one with room, which is told once for all', async () => {
    const { bench: a, agent: onA } = await fullBench();
    const onB = puppet();
    const b = new Bench(files, [onB.agent], {});
    const announced = a.announcements;
    const waiting = await Promise.all([a.begin(), a.begin(), a.begin()]);
    await turns(3);
    expect(a.announcements).toBe(announced + 1);
    await b.engine.start();
    await until('the runs', () => onB.runs.length === 4);
    expect(order(onB)).toEqual([onA.last.run.taskId, ...waiting]);
    await b.engine.stop(0);
  });

  it('[O16] what a dead replica had begun gets the next place, however much waits', async () => {
    const replicas = new ReplicaBench();
    const [onA, onB] = [puppet(), puppet()];
    const limits = { maxRunning: 1 };
    const a = await replicas.start([onA.agent], {}, { limits });
    const b = await replicas.start([onB.agent], {}, { limits });
    const begun = await a.begin('on the other');
    const running = await b.begin('here');
    const waiting = [await b.begin('first'), await b.begin('second')];
    replicas.presumeDead(a);
    await b.pass(3_000);
    for (const run of range(1, 4)) {
      await until('the run', () => onB.runs.length === run);
      onB.last.yield(completed);
    }
    expect(order(onB)).toEqual([running, begun, ...waiting]);
    await replicas.close();
  });

  it('a replica claims half of its free places while there are others, and the more it has to do the later', async () => {
    const { bench: a } = await fullBench(1);
    for (const _ of range(1, 6)) await a.begin();
    const onB = puppet();
    const b = new Bench(files, [onB.agent], { limits: { maxRunning: 8 } });
    b.store.otherReplicas = 1;
    const limits: number[] = [];
    b.store.beforeClaim = ({ limit, from }) => {
      if (from === 'waiting') limits.push(limit);
    };
    await b.engine.start();
    await until('the runs', () => onB.runs.length === 7);
    // One of the eight places is taken by what the first replica had run, which counts as dead.
    expect(limits).toEqual([4, 2, 1]);
    const claims = b.store.claims;
    onB.last.yield(completed);
    await until('room', () => b.engine.runningCount === 6);
    await turns(5);
    expect(b.store.claims).toBe(claims);
    await a.begin();
    b.engine.lookForWork();
    await turns(10);
    expect(b.store.claims).toBe(claims);
    b.clock.turn(20);
    await until('the run', () => onB.runs.length === 8);
    await b.engine.stop(0);
  });

  it('a task of an agent that this replica does not have is left to the others for ten minutes', async () => {
    const { bench: a } = await fullBench(1);
    const taskId = await a.begin();
    const b = new Bench(files, [puppet({}, 'another').agent], { clock: a.clock });
    b.store.otherReplicas = 1;
    await b.engine.start();
    await b.pass(599_000);
    expect(await a.state(taskId)).toBe('TASK_STATE_SUBMITTED');
    await b.pass(2_000);
    await until('the end', async () => (await a.state(taskId)) === 'TASK_STATE_FAILED');
    await b.engine.stop(0);
  }, 20_000);

  it('a claimed task that could not be begun is not lost, and its attempt does not count', async () => {
    const { bench, agent } = await fullBench(1, {}, puppet({ recovery: 'fail' }));
    const taskId = await bench.begin();
    bench.store.beforeRead = () => {
      throw new Error('the database went away');
    };
    agent.last.yield(completed);
    await until('the claim', async () => (await files.holderOf(taskId)) === bench.engine.replicaId);
    await bench.pass(15_000);
    expect(agent.runs.length).toBe(1);
    bench.store.beforeRead = () => undefined;
    await bench.pass(1_000);
    expect(agent.last.run).toMatchObject({ taskId, attempt: 1 });
  });

  it('what is queued while a sweep looks at an empty queue is run as soon as there is room, not by the next sweep', async () => {
    const { bench, agent } = await fullBench();
    const looking = gate();
    bench.store.afterBacklog = () => looking.passed;
    const { looks } = bench.store;
    await bench.pass(1_000);
    expect(bench.store.looks).toBe(looks + 1);
    const taskId = await bench.begin();
    looking.open();
    await turns(5);
    agent.last.yield(completed);
    await until('its run', () => agent.runs.length === 2);
    expect(agent.last.run.taskId).toBe(taskId);
  });

  it('what is heard of while a sweep looks at an empty queue is claimed, not by the next sweep', async () => {
    const { bench: a } = await fullBench();
    const onB = puppet();
    const b = new Bench(files, [onB.agent], { limits: { maxRunning: 4 } });
    await b.engine.start();
    await b.begin();
    const { length } = onB.runs;
    const looking = gate();
    b.store.afterBacklog = () => looking.passed;
    await b.pass(1_000);
    const taskId = await a.begin();
    // It is not idle, and claims a moment later.
    b.engine.lookForWork();
    looking.open();
    await turns(5);
    expect(onB.runs.length).toBe(length);
    await b.pass(20);
    await until('its run', () => onB.runs.length === length + 1);
    expect(onB.last.run.taskId).toBe(taskId);
    await b.engine.stop(0);
  });

  it('a claim that fails is tried again by the next sweep', async () => {
    const { bench, agent } = await fullBench();
    await bench.begin();
    bench.store.beforeClaim = () => {
      throw new Error('the database went away');
    };
    agent.last.yield(completed);
    await until('room', () => bench.engine.runningCount === 0);
    await turns(5);
    bench.store.beforeClaim = () => undefined;
    await bench.pass(1_000);
    expect(agent.runs.length).toBe(2);
  });
});
