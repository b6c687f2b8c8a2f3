/** What replicas do for one that stops: by then the database no longer lists it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gate } from '../../../test/support/fault-store.ts';
import { completed, puppet } from '../../../test/support/puppet.ts';
import { counted, follow, linkOver, ReplicaBench } from '../../../test/support/replica-bench.ts';
import { messageOf, turns, until } from '../../../test/support/task-bench.ts';

let bench: ReplicaBench;
beforeEach(() => {
  bench = new ReplicaBench();
});
afterEach(() => bench.close());

describe('[O16] a replica that stops', () => {
  /** One whose sender waits for a task that the other one has taken up. */
  async function stopping() {
    const onB = puppet();
    const a = await bench.start([puppet().agent]);
    const b = await bench.start([onB.agent]);
    a.store.otherReplicas = 1;
    await a.pass(1000);
    const sending = a.service.send(a.call(), messageOf('under way'));
    await until('the run', () => a.engine.runningCount === 1);
    const stopped = a.engine.stop(0, 60_000);
    await until('the wait', () => a.engine.hub.waitingCount === 1);
    await b.pass(1000);
    await until('the run of the other one', () => onB.runs.length === 1);
    return { a, b, onB, ended: Promise.all([sending, stopped]) };
  }

  it('is told how the tasks of its senders go on, by one that is alone by then', async () => {
    const { b, onB, ended } = await stopping();
    await b.pass(20_000);
    onB.last.yield(completed);
    expect(await ended).toMatchObject([{ task: expect.stringContaining('COMPLETED') as string }, undefined]);
  });

  it('is told of a takeover by one that the database told long before that it is alone', async () => {
    const onB = puppet();
    const a = await bench.start([puppet().agent]);
    const b = await bench.start([onB.agent]);
    const taskId = await a.begin();
    const follower = await follow(a, taskId);
    const claiming = gate();
    b.store.beforeClaim = () => claiming.passed;
    bench.presumeDead(a);
    await b.pass(20_000);
    claiming.open();
    await until('the run of the other one', () => onB.runs.length === 1);
    onB.last.yield(completed);
    await until('the end', () => follower.isEnded);
    expect(await a.state(taskId)).toBe('TASK_STATE_COMPLETED');
  });

  it('is spoken to no more a minute after it was last heard', async () => {
    const { counts, metrics } = counted();
    const a = await bench.start([puppet().agent], { metrics });
    const b = await bench.start([puppet().agent]);
    await b.engine.stop(0);
    await turns(5);
    const sentAfter = async (ms: number) => {
      await a.pass(ms);
      const { sent } = counts;
      a.engine.link?.announceKey('key');
      await turns(5);
      return counts.sent - sent;
    };
    expect(await sentAfter(50_000)).toBe(1);
    expect(await sentAfter(30_000)).toBe(0);
  });

  it('talks to one that has come since it last looked, and was not heard', async () => {
    const { counts, metrics } = counted();
    bench.network.fate = () => undefined;
    const a = await bench.start([puppet().agent], { metrics });
    await bench.start([puppet().agent]);
    expect(counts.sent).toBe(0);
    a.store.otherReplicas = 1;
    await a.engine.lookForOthers();
    await turns(5);
    expect(counts.sent).toBe(1);
  });

  it('finds what the bus loses within a second, as its senders have no more than a few', async () => {
    const { a, b, onB, ended } = await stopping();
    await a.pass(1000);
    bench.network.fate = () => undefined;
    onB.last.yield(completed);
    await until('the end', () => b.engine.runningCount === 0);
    await a.pass(1000);
    expect(await ended).toMatchObject([{ task: expect.stringContaining('COMPLETED') as string }, undefined]);
  });

  it('leaves the bus, also where it cannot give its leases back', async () => {
    let isOpen = false;
    const bus = {
      ...bench.network.join(),
      start: () => {
        isOpen = true;
      },
      stop: async () => {
        isOpen = false;
      },
    };
    const a = await bench.files.start([puppet().agent], { link: linkOver(bus) });
    expect(isOpen).toBe(true);
    a.store.retireReplica = () => Promise.reject(new Error('gone'));
    await expect(a.engine.stop(0)).rejects.toThrow('gone');
    expect(isOpen).toBe(false);
    a.store.retireReplica = () => Promise.resolve();
  });
});
