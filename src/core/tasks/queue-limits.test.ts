/** How many tasks may wait: limits of the queue, exact on one server, passed by a little at most on several. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FaultStore } from '../../../test/support/fault-store.ts';
import { completed, inputRequired, type Puppet, puppet } from '../../../test/support/puppet.ts';
import {
  Bench,
  BenchFiles,
  type BenchOptions,
  configured,
  messageOf,
  range,
  until,
} from '../../../test/support/task-bench.ts';
import type { Task } from '../../protocol/v1/types.ts';
import type { SendResult } from './service.ts';
import { QUEUED, type TaskStore } from './store.ts';

let files: BenchFiles;
beforeEach(() => {
  files = new BenchFiles();
});
afterEach(() => files.close());

const scope = { ownerId: 'alice', agentId: 'agent' };
const taskOf = (result: SendResult): Task => JSON.parse('task' in result ? result.task : '{}') as Task;
const holderOf = async (bench: Bench, taskId: string) => (await bench.store.readHead(scope, taskId))?.leaseReplica;

/** As if two other replicas were alive. */
function shared(store: TaskStore): FaultStore {
  const faults = new FaultStore(store);
  faults.otherReplicas = 2;
  return faults;
}

/** A replica with room for `maxRunning` tasks, as many of which run. */
async function fullBench(maxRunning = 1, options: BenchOptions = {}, agent: Puppet = puppet()) {
  const bench = await files.start([agent.agent], { ...options, limits: { maxRunning, ...options.limits } });
  for (const _ of range(1, maxRunning)) await bench.begin('running');
  return { bench, agent };
}

describe('limits on the queue', () => {
  it.each([
    ['maxQueued', 'bob'],
    ['maxQueuedPerOwner', 'alice'],
  ] as const)('tasks.%s: one more is refused, nothing of it is stored', async (key, owner) => {
    const reached: string[] = [];
    const options = { limits: { [key]: 2 }, metrics: { limitReached: (limit: string) => reached.push(limit) } };
    const { bench, agent } = await fullBench(1, options);
    await Promise.all([bench.begin(), bench.begin()]);
    for (const _ of ['as counted here', 'as counted in the store']) {
      await expect(bench.begin('third', { owner })).rejects.toMatchObject({
        code: 'LIMIT_EXCEEDED',
        message: `Too many tasks wait (tasks.${key} is 2); try again in a moment`,
        retryAfterSeconds: 1,
      });
      await bench.pass(1_000);
    }
    expect(reached).toEqual([`tasks.${key}`, `tasks.${key}`]);
    expect((await bench.service.list(bench.call({ owner }), {})).totalSize).toBe(owner === 'alice' ? 3 : 0);
    if (key === 'maxQueuedPerOwner') await bench.begin('of another owner', { owner: 'bob' });
    agent.last.yield(completed);
    await until('the next', () => agent.runs.length === 2);
    await bench.begin('third', { owner });
  });

  it.each(['maxQueued', 'maxQueuedPerOwner'] as const)(
    'tasks.%s is passed by a tenth at most by a burst on several replicas',
    async (key) => {
      const options = { limits: { maxRunning: 1, [key]: 100 }, storeOf: shared };
      const replicas: Bench[] = [];
      for (const _ of range(1, 3)) {
        const bench = new Bench(files, [puppet().agent], options);
        await bench.engine.start();
        await bench.begin('running', { owner: key === 'maxQueued' ? 'somebody' : 'alice' });
        replicas.push(bench);
      }
      for (const bench of replicas) await bench.pass(1_000);
      const burst = replicas.flatMap((bench) => range(1, 150).map(() => bench.begin('burst')));
      const taken = (await Promise.allSettled(burst)).filter(({ status }) => status === 'fulfilled').length;
      expect(taken).toBeGreaterThanOrEqual(100);
      expect(taken).toBeLessThanOrEqual(110);
      // Whoever is refused causes no look.
      const looks = replicas.map(({ store }) => store.looks);
      await Promise.allSettled(replicas.flatMap((bench) => range(1, 20).map(() => bench.begin('more'))));
      await Promise.allSettled(replicas.map((bench) => bench.begin('more')));
      expect(replicas.map(({ store }, index) => store.looks - (looks[index] ?? 0) <= 1)).toEqual([true, true, true]);
      for (const bench of replicas) await bench.engine.stop(0);
    },
  );

  it('while there is room enough nobody looks at the queue to send a message', async () => {
    const { bench } = await fullBench(1, { storeOf: shared });
    await bench.pass(1_000);
    const { looks } = bench.store;
    await Promise.all(range(1, 10).map(() => bench.begin()));
    expect(bench.store.looks).toBe(looks);
    await Promise.all(range(1, 10).map(() => bench.begin()));
    expect(bench.store.looks - looks).toBe(1);
  });

  it('an answer to a task waits for a look like a new task: however many of these come, they do not keep it waiting', async () => {
    const { bench, agent } = await fullBench(1, { limits: { maxQueued: 20 }, storeOf: shared });
    const { taskId } = agent.last.run;
    agent.last.yield(inputRequired('which?'));
    await until('the question', () => bench.engine.runningCount === 0);
    await bench.begin('in the way');
    await bench.pass(1_000);
    // Whenever the task is read, others have used up what may be queued without a look.
    let others = 0;
    bench.store.beforeRead = async () => {
      others++;
      await bench.begin('new').catch(() => undefined);
    };
    const answer = configured(messageOf('this one', { taskId }), { returnImmediately: true });
    expect(taskOf(await bench.service.send(bench.call(), answer)).id).toBe(taskId);
    bench.store.beforeRead = () => undefined;
    expect(await holderOf(bench, taskId)).toBe(QUEUED);
    expect(others).toBeLessThan(5);
  });

  it('what is being stored while the queue is looked at counts', async () => {
    const { bench } = await fullBench(1, { limits: { maxQueued: 2 } });
    const storing = bench.store.hold();
    const queued = [bench.begin(), bench.begin()];
    await until('the commit', () => bench.store.underWay.length > 0);
    await bench.pass(1_000);
    await expect(bench.begin()).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    storing.open();
    await Promise.all(queued);
  });

  it('a commit that fails leaves nothing that counts', async () => {
    const { bench } = await fullBench(1, { limits: { maxQueued: 1 } });
    bench.store.failNext();
    await expect(bench.begin()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(bench.engine.queuedCount).toBe(0);
    await bench.begin();
  });
});
