/** How a message becomes a task or its next turn: repetitions, answers, and clients that leave meanwhile. */
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
import {
  type Bench,
  BenchFiles,
  configured,
  Follower,
  messageOf,
  range,
  turns,
  until,
} from '../../../test/support/task-bench.ts';
import { toAppError } from '../../protocol/errors.ts';
import type { SendMessageRequest, Task } from '../../protocol/v1/types.ts';

let files: BenchFiles;
beforeEach(() => {
  files = new BenchFiles();
});
afterEach(() => files.close());

const NOW = { returnImmediately: true } as const;
const idOf = (result: object) => (JSON.parse('task' in result ? String(result.task) : '{}') as Task).id;

async function waiting(event: typeof authRequired, isOver: boolean) {
  const { agent, runs } = puppet();
  const bench = await files.start([agent]);
  const taskId = await bench.begin('the request');
  runs[0]?.yield(event);
  if (isOver) runs[0]?.return();
  await until('the question', async () => (await bench.log(taskId)).length === 2);
  await until('the turn', () => bench.engine.runningCount === (isOver ? 0 : 1));
  const send = (request: SendMessageRequest) => bench.service.send(bench.call(), configured(request, NOW));
  return { bench, taskId, runs, send };
}

describe('[A7] a message that is sent again', () => {
  it.each(['none', 'external'] as const)(
    'concurrently, is one task; an external agent begins once (effects %s)',
    async (effects) => {
      let started = 0;
      const agent = agentOf(
        executorOf(
          async function* () {
            started++;
            yield completed;
          },
          { effects },
        ),
      );
      let joined = 0;
      const bench = await files.start([agent], { metrics: { sendDeduplicated: () => joined++ }, commitMaxWrites: 3 });
      const request = messageOf('once');
      const results = await Promise.all(range(1, 10).map(() => bench.service.send(bench.call(), request)));
      expect(new Set(results.map(idOf)).size).toBe(1);
      expect(joined).toBe(9);
      expect((await bench.service.list(bench.call(), {})).totalSize).toBe(1);
      // One that has no effects may be begun and dropped.
      expect(started).toBeLessThanOrEqual(effects === 'external' ? 1 : 10);
      expect(bench.engine.runningCount).toBe(0);
    },
  );

  it('an external agent is not begun before its task is committed, and not at all when that fails', async () => {
    const { agent, runs } = puppet({ effects: 'external' });
    const bench = await files.start([agent]);
    const held = bench.store.hold();
    const beginning = bench.begin();
    await until('the commit', () => bench.store.underWay.length > 0);
    await turns(20);
    expect(runs.length).toBe(0);
    held.open();
    await beginning;
    expect(runs.length).toBe(1);
    bench.store.failNext();
    await expect(bench.begin()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await turns(20);
    expect(runs.length).toBe(1);
  });

  it('by another owner it is another task; with an Idempotency-Key and another body it is a conflict', async () => {
    const { agent } = puppet();
    const bench = await files.start([agent]);
    const request = configured(messageOf('x'), NOW);
    const other = configured(messageOf('y'), NOW);
    const call = { idempotencyKey: 'key-1' };
    const first = await bench.service.send(bench.call(call), request);
    expect(await bench.service.send(bench.call(call), request)).toEqual(first);
    const ofBob = await bench.service.send(bench.call({ ...call, owner: 'bob' }), request);
    expect(idOf(ofBob)).not.toBe(idOf(first));
    await expect(bench.service.send(bench.call(call), other)).rejects.toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
      message: 'This Idempotency-Key was used before with another message',
    });
    expect((await bench.service.list(bench.call(), {})).totalSize).toBe(1);
  });

  it('after its time is a new task', async () => {
    const { agent } = puppet();
    const bench = await files.start([agent]);
    const request = configured(messageOf('x'), NOW);
    const first = await bench.service.send(bench.call(), request);
    bench.clock.turn(899_999);
    expect(idOf(await bench.service.send(bench.call(), request))).toBe(idOf(first));
    bench.clock.turn(2);
    expect(idOf(await bench.service.send(bench.call(), request))).not.toBe(idOf(first));
  });

  it('a stream that is sent again goes on after Last-Event-ID, without a gap', async () => {
    const { agent, runs } = puppet();
    const bench = await files.start([agent]);
    const request = messageOf('x');
    const first = new Follower();
    const stream = await bench.service.stream(bench.call(), request, first);
    runs[0]?.yield(working, chunk('a'));
    await until('two events', () => first.seqs.length === 3);
    if (stream !== 'empty') stream.close();
    runs[0]?.yield(chunk('b'), completed);
    const second = new Follower();
    await bench.service.stream(bench.call({ lastEventId: 2 }), request, second);
    await until('the end', () => second.isEnded);
    expect(second.seqs).toEqual([3, 4, 5]);
    expect(second.snapshots).toEqual([]);
  });

  it.each(['input-required', 'auth-required'])('an answer to %s that is repeated is one turn', async (what) => {
    const event = what === 'input-required' ? inputRequired('what?') : authRequired;
    const { taskId, runs, send, bench } = await waiting(event, what === 'input-required');
    const request = messageOf('the answer', { taskId });
    const results = await Promise.all(range(1, 5).map(() => send(request)));
    expect(new Set(results.map(idOf))).toEqual(new Set([taskId]));
    expect(runs.length).toBe(2);
    expect((await bench.log(taskId)).length).toBe(3);
  });
});

describe('a message to a task', () => {
  it('in auth-required, its agent still waiting: the message takes over, the old run is let go and writes nothing', async () => {
    const { bench, taskId, runs, send } = await waiting(authRequired, false);
    await send(messageOf('signed in', { taskId }));
    expect(runs[0]?.run.signal.reason).toMatchObject({ message: 'The task went on with a new message' });
    runs[0]?.yield(chunk('of the old run'));
    runs[1]?.yield(chunk('of the new run'), completed);
    await until('the end', async () => (await bench.state(taskId)) === 'TASK_STATE_COMPLETED');
    expect((await bench.task(taskId)).artifacts?.[0]?.parts).toEqual([{ text: 'of the new run' }]);
    expect((await bench.log(taskId)).map((row) => row.seq)).toEqual(range(1, 5));
  });

  it('in auth-required, with a write of its agent under way: one of both wins, and the log has no gap', async () => {
    const { bench, taskId, runs, send } = await waiting(authRequired, false);
    const held = bench.store.hold();
    runs[0]?.yield(chunk('under way'));
    await until('the commit', () => bench.store.underWay.length > 0);
    const sending = send(messageOf('signed in', { taskId }));
    await turns(5);
    held.open();
    await sending;
    runs.at(-1)?.yield(completed);
    await until('the end', async () => (await bench.state(taskId)) === 'TASK_STATE_COMPLETED');
    const log = await bench.log(taskId);
    expect(log.map((row) => row.seq)).toEqual(range(1, log.length));
    expect((await bench.task(taskId)).history?.map((message) => message.parts[0]?.text)).toEqual([
      'the request',
      'signed in',
    ]);
  });

  it('that GetTask shows as waiting is taken, also before the run here has been told of that commit', async () => {
    const { agent, runs } = puppet();
    const bench = await files.start([agent]);
    const taskId = await bench.begin();
    const told = gate();
    bench.store.after = () => told.passed;
    runs[0]?.yield(inputRequired('what?'));
    await until('the question', async () => (await bench.state(taskId)) === 'TASK_STATE_INPUT_REQUIRED');
    const sending = bench.service.send(bench.call(), configured(messageOf('this', { taskId }), NOW));
    await turns(10);
    told.open();
    expect(idOf(await sending)).toBe(taskId);
    expect(runs.length).toBe(2);
  });

  it('that works, or has ended, is refused with the reason, and nothing is stored', async () => {
    const { agent, runs } = puppet();
    const bench = await files.start([agent]);
    const taskId = await bench.begin();
    const send = () => bench.service.send(bench.call(), messageOf('more', { taskId }));
    await expect(send()).rejects.toMatchObject({
      code: 'UNSUPPORTED_OPERATION',
      message:
        'The task is busy (TASK_STATE_SUBMITTED); wait until it asks for input, or send a message without taskId',
    });
    runs[0]?.yield(completed);
    await until('the end', () => bench.engine.runningCount === 0);
    await expect(send()).rejects.toMatchObject({
      code: 'UNSUPPORTED_OPERATION',
      message:
        'The task has ended (TASK_STATE_COMPLETED) and takes no more messages; send one without taskId to begin a new task',
    });
    expect((await bench.log(taskId)).length).toBe(2);
  });

  it('of another context is refused, naming the field', async () => {
    const { taskId, send } = await waiting(inputRequired('what?'), true);
    await expect(send(messageOf('x', { taskId, contextId: 'another' }))).rejects.toMatchObject({
      code: 'INVALID_PARAMS',
      message: 'Invalid parameters: message.contextId: is not the context of the task',
      violations: [{ field: 'message.contextId', description: 'is not the context of the task' }],
    });
  });

  it('many at once: exactly one begins the turn', async () => {
    const { taskId, runs, send } = await waiting(inputRequired('what?'), true);
    const results = await Promise.allSettled(range(1, 8).map((n) => send(messageOf(`answer ${n}`, { taskId }))));
    expect(results.filter((result) => result.status === 'fulfilled').length).toBe(1);
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [toAppError(result.reason).code] : []));
    expect(new Set(refused)).toEqual(new Set(['UNSUPPORTED_OPERATION']));
    expect(runs.length).toBe(2);
  });
});

describe('[A7] an answer that is sent again', () => {
  it('gets the result of the first, also while another repetition is about to be refused here', async () => {
    const { bench, taskId, runs, send } = await waiting(inputRequired('what?'), true);
    const scope = { ownerId: bench.call().principal.ownerId, agentId: bench.call().agent.id };
    const asking = await bench.store.readHead(scope, taskId);
    const answer = messageOf('this', { taskId });
    await send(answer);
    runs.at(-1)?.yield(completed);
    await until('the end', () => bench.engine.runningCount === 0);

    // One repetition finds the task ended, and goes to see whether it is known.
    const looked = gate();
    const readDuplicate = bench.store.readDuplicate.bind(bench.store);
    bench.store.readDuplicate = async (dedup) => {
      await looked.passed;
      return readDuplicate(dedup);
    };
    const joining = bench.service.send(bench.call(), answer);
    await turns(5);
    // Another one had looked at the task before it ended, and is refused by its commit.
    const readHead = bench.store.readHead.bind(bench.store);
    bench.store.readHead = () => {
      bench.store.readHead = readHead;
      return Promise.resolve(asking);
    };
    const held = bench.store.hold();
    const late = bench.service.send(bench.call(), answer);
    await until('the commit', () => bench.store.underWay.length > 0);
    looked.open();
    await turns(5);
    held.open();
    expect(idOf(await joining)).toBe(taskId);
    expect(idOf(await late)).toBe(taskId);
  });
});

describe('when the client leaves', () => {
  /** What is left of a send whose client has gone: nothing that waits. */
  async function leaveWhileWaiting(bench: Bench, request: SendMessageRequest) {
    const client = new AbortController();
    const sending = bench.service.send(bench.call({ signal: client.signal }), request);
    await until('the task', async () => (await bench.service.list(bench.call(), {})).totalSize === 1);
    await turns(5);
    client.abort();
    await sending;
  }

  it('a blocking send stops waiting, and its task goes on to its end', async () => {
    const { agent, runs } = puppet();
    const bench = await files.start([agent]);
    await leaveWhileWaiting(bench, messageOf('go'));
    expect(runs[0]?.run.signal.aborted).toBe(false);
    runs[0]?.yield(working, completed);
    await until('the end', async () => (await bench.state(runs[0]?.run.taskId ?? '')) === 'TASK_STATE_COMPLETED');
  });

  it('sends that joined a task stop waiting too, wherever it runs, and leave no follower behind', async () => {
    const { agent, runs } = puppet();
    const bench = await files.start([agent]);
    const request = messageOf('go');
    await leaveWhileWaiting(bench, request);
    await leaveWhileWaiting(bench, request);
    expect(runs.length).toBe(2);
    // Elsewhere: this replica has no run of it.
    runs[0]?.yield(working);
    await until('working', async () => (await bench.state(runs[0]?.run.taskId ?? '')) === 'TASK_STATE_WORKING');
    const other = await files.start([puppet({}, 'none').agent, agent], { limits: { maxRunning: 0 } });
    const client = new AbortController();
    const call = { ...other.call({ signal: client.signal }), agent };
    const joining = other.service.send(call, request);
    joining.catch(() => undefined);
    await until('the wait', () => other.engine.hub.waitingCount === 1);
    client.abort();
    await Promise.allSettled([joining]);
    expect(other.engine.hub.waitingCount).toBe(0);
  });

  it('a stream that is closed frees its place, and its task goes on', async () => {
    const { agent, runs } = puppet();
    const bench = await files.start([agent]);
    const follower = new Follower();
    const stream = await bench.service.stream(bench.call(), messageOf('go'), follower);
    if (stream !== 'empty') stream.close();
    expect(bench.engine.hub.openCount).toBe(0);
    runs[0]?.yield(working, completed);
    await until('the end', async () => (await bench.state(runs[0]?.run.taskId ?? '')) === 'TASK_STATE_COMPLETED');
    expect(follower.seqs).toEqual([1]);
    expect(follower.isEnded).toBe(false);
  });
});
