/** Invariant 1: an event and the state that it describes are one commit, and nothing is visible before it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chunk, completed, inputRequired, puppet, working } from '../../../test/support/puppet.ts';
import { BenchFiles, configured, Follower, messageOf, range, turns, until } from '../../../test/support/task-bench.ts';

let files: BenchFiles;
beforeEach(() => {
  files = new BenchFiles();
});
afterEach(() => files.close());

const UNAVAILABLE = {
  code: 'UNAVAILABLE',
  message: 'The task could not be stored; sending the same message again is safe',
  retryAfterSeconds: 5,
};

describe('while a commit is held open', () => {
  it.each(['none', 'external'] as const)('a send is not answered, streamed or found (effects %s)', async (effects) => {
    const { agent, runs } = puppet({ effects });
    const bench = await files.start([agent]);
    const held = bench.store.hold();
    const follower = new Follower();
    let answer: string | null = null;
    const streaming = bench.service.stream(bench.call(), messageOf('one'), follower);
    const sending = bench.service.send(bench.call(), configured(messageOf('two'), { returnImmediately: true }));
    void sending.then((result) => {
      answer = JSON.stringify(result);
    });
    await until('the commit', () => bench.store.underWay.length > 0);
    await turns(20);
    expect(answer).toBeNull();
    expect(follower.seqs).toEqual([]);
    expect(runs.length).toBe(effects === 'none' ? 2 : 0);
    for (const { head } of bench.store.underWay) {
      await expect(bench.task(head.id)).rejects.toMatchObject({ code: 'TASK_NOT_FOUND', message: 'Task not found' });
    }
    held.open();
    await streaming;
    await sending;
    expect(follower.seqs[0]).toBe(1);
    expect(answer).toContain('TASK_STATE_SUBMITTED');
  });

  it('no follower gets an event, GetTask and the log stay as they were, and then both move at once', async () => {
    const { agent, runs } = puppet();
    const bench = await files.start([agent]);
    const follower = new Follower();
    await bench.service.stream(bench.call(), messageOf('go'), follower);
    await until('the first event', () => follower.seqs.length === 1);
    const taskId = runs[0]?.run.taskId ?? '';
    const held = bench.store.hold();
    runs[0]?.yield(working, chunk('a'), completed);
    await until('the commit', () => bench.store.underWay.length > 0);
    await turns(20);
    expect(follower.seqs).toEqual([1]);
    expect(follower.isEnded).toBe(false);
    expect((await bench.log(taskId)).length).toBe(1);
    expect(await bench.state(taskId)).toBe('TASK_STATE_SUBMITTED');
    held.open();
    await until('the end', () => follower.isEnded);
    expect(follower.seqs).toEqual([1, 2, 3, 4]);
    expect(await bench.state(taskId)).toBe('TASK_STATE_COMPLETED');
    expect((await bench.log(taskId)).map((row) => row.seq)).toEqual([1, 2, 3, 4]);
  });

  it('a blocking send waits for the commit of the state that it waits for', async () => {
    const { agent, runs } = puppet();
    const bench = await files.start([agent]);
    let isAnswered = false;
    const sending = bench.service.send(bench.call(), messageOf('go'));
    void sending.then(() => {
      isAnswered = true;
    });
    await until('the task', async () => (await bench.service.list(bench.call(), {})).totalSize === 1);
    const held = bench.store.hold();
    runs[0]?.yield(completed);
    await until('the commit', () => bench.store.underWay.length > 0);
    await turns(20);
    expect(isAnswered).toBe(false);
    held.open();
    expect(JSON.stringify(await sending)).toContain('TASK_STATE_COMPLETED');
  });

  it('a cancel is not answered before its commit', async () => {
    const { agent, runs } = puppet();
    const bench = await files.start([agent]);
    const taskId = await bench.begin();
    runs[0]?.yield(inputRequired('what?'));
    await until('the question', async () => (await bench.state(taskId)) === 'TASK_STATE_INPUT_REQUIRED');
    await until('the end of the turn', () => bench.engine.runningCount === 0);
    const held = bench.store.hold();
    let isAnswered = false;
    const canceling = bench.service.cancel(bench.call(), { id: taskId }).then(() => {
      isAnswered = true;
    });
    await until('the commit', () => bench.store.underWay.length > 0);
    await turns(20);
    expect(isAnswered).toBe(false);
    expect(await bench.state(taskId)).toBe('TASK_STATE_INPUT_REQUIRED');
    held.open();
    await canceling;
    expect(await bench.state(taskId)).toBe('TASK_STATE_CANCELED');
  });
});

describe('when a commit fails', () => {
  it('every send of its group gets UNAVAILABLE, nothing is stored, and the next sends work', async () => {
    const { agent, runs } = puppet();
    const bench = await files.start([agent]);
    bench.store.failNext();
    const follower = new Follower();
    const sends = [
      ...range(1, 9).map((n) => bench.service.send(bench.call(), messageOf(`send ${n}`))),
      bench.service.stream(bench.call(), messageOf('stream'), follower),
    ];
    for (const result of await Promise.allSettled(sends)) {
      expect(result).toMatchObject({ status: 'rejected', reason: UNAVAILABLE });
    }
    expect(bench.store.commits).toBe(1);
    expect(follower.seqs).toEqual([]);
    expect(bench.engine.runningCount).toBe(0);
    expect(bench.engine.hub.openCount).toBe(0);
    await until('the aborted runs to clean up', () => runs.every((run) => run.isClosed));
    expect(await bench.service.list(bench.call(), {})).toMatchObject({ tasks: [], totalSize: 0 });
    const taskId = await bench.begin();
    runs.at(-1)?.yield(completed);
    await until('the task', async () => (await bench.state(taskId)) === 'TASK_STATE_COMPLETED');
  });

  it('a retry with the same message after a failed commit makes the task, once', async () => {
    const { agent } = puppet();
    const bench = await files.start([agent]);
    const request = configured(messageOf('once'), { returnImmediately: true });
    bench.store.failNext();
    await expect(bench.service.send(bench.call(), request)).rejects.toMatchObject(UNAVAILABLE);
    await bench.service.send(bench.call(), request);
    await bench.service.send(bench.call(), request);
    expect((await bench.service.list(bench.call(), {})).totalSize).toBe(1);
  });

  it('the lost step is in no log and no stream, and the task is recovered from what was stored', async () => {
    const { agent, runs } = puppet({ recovery: 'resume' });
    const bench = await files.start([agent]);
    const follower = new Follower();
    await bench.service.stream(bench.call(), messageOf('go'), follower);
    runs[0]?.yield(working, chunk('kept'));
    await until('the first chunk', () => follower.seqs.length === 3);
    const taskId = runs[0]?.run.taskId ?? '';
    bench.store.failNext();
    runs[0]?.yield(chunk('lost'), completed);
    await until('the run to be let go', () => bench.engine.runningCount === 0);
    expect(await bench.state(taskId)).toBe('TASK_STATE_WORKING');
    expect(follower.seqs).toEqual([1, 2, 3]);
    expect(follower.isEnded).toBe(false);
    await bench.pass(11_000);
    await until('the second attempt', () => runs.length === 2);
    expect(runs[1]?.run.attempt).toBe(2);
    runs[1]?.yield(chunk('again'), completed);
    await until('the end', () => follower.isEnded);
    expect(follower.seqs).toEqual([1, 2, 3, 4, 5]);
    const texts = (await bench.task(taskId)).artifacts?.[0]?.parts.map((part) => part.text);
    expect(texts).toEqual(['kept', 'again']);
  });

  it('a blocking send and a cancel that wait for the lost run are told, and the task can be canceled afterwards', async () => {
    const { agent, runs } = puppet();
    const bench = await files.start([agent]);
    const sending = bench.service.send(bench.call(), messageOf('go'));
    await until('the run', () => runs.length === 1);
    await turns(3);
    bench.store.failNext();
    runs[0]?.yield(completed);
    await expect(sending).rejects.toMatchObject(UNAVAILABLE);
    const taskId = runs[0]?.run.taskId ?? '';
    await bench.service.cancel(bench.call(), { id: taskId });
    expect(await bench.state(taskId)).toBe('TASK_STATE_CANCELED');
    await bench.pass(11_000);
    await turns(20);
    expect(runs.length).toBe(1);
  });

  it('a cancel of a waiting task whose commit fails is UNAVAILABLE, and the task still waits', async () => {
    const { agent, runs } = puppet();
    const bench = await files.start([agent]);
    const taskId = await bench.begin();
    runs[0]?.yield(inputRequired('what?'));
    await until('the question', () => bench.engine.runningCount === 0);
    bench.store.failNext();
    await expect(bench.service.cancel(bench.call(), { id: taskId })).rejects.toMatchObject(UNAVAILABLE);
    expect(await bench.state(taskId)).toBe('TASK_STATE_INPUT_REQUIRED');
  });

  it('one write that the database refuses fails alone: the others of its group are stored', async () => {
    const { agent } = puppet();
    const bench = await files.start([agent]);
    files.database.connection.exec(
      `create trigger refuse before insert on tasks when new.context_id = 'bad' begin select raise(abort, 'no'); end`,
    );
    const send = (contextId: string) =>
      bench.service.send(bench.call(), configured(messageOf('hello', { contextId }), { returnImmediately: true }));
    const [first, second, third] = await Promise.allSettled([send('good'), send('bad'), send('good')]);
    expect(first?.status).toBe('fulfilled');
    expect(second).toMatchObject({ status: 'rejected', reason: UNAVAILABLE });
    expect(third?.status).toBe('fulfilled');
    expect((await bench.service.list(bench.call(), {})).totalSize).toBe(2);
  });

  it('what was stored is stored: a fault while telling of it harms no other task, and not the task itself', async () => {
    const { agent, runs } = puppet();
    const bench = await files.start([agent]);
    const broken = new Follower();
    broken.events = () => {
      throw new Error('a sink with a fault');
    };
    const healthy = new Follower();
    await Promise.all([
      bench.service.stream(bench.call(), messageOf('one'), broken),
      bench.service.stream(bench.call(), messageOf('two'), healthy),
    ]);
    for (const run of runs) run.yield(working, completed);
    await until('both tasks', () => bench.engine.runningCount === 0);
    expect(healthy.seqs).toEqual([1, 2, 3]);
    for (const { run } of runs) expect(await bench.state(run.taskId)).toBe('TASK_STATE_COMPLETED');
    expect(broken.cause).toBeInstanceOf(Error);
    expect(bench.engine.hub.openCount).toBe(0);
  });
});
