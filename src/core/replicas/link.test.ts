/** What replicas do for each other by the bus, and that they do it without the bus too, only later. No clock is turned unless a test says so. */
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { agentOf, chunk, completed, executorOf, inputRequired, puppet, working } from '../../../test/support/puppet.ts';
import { counted, follow, ReplicaBench } from '../../../test/support/replica-bench.ts';
import { Follower, LIMITS, messageOf, range, turns, until } from '../../../test/support/task-bench.ts';
import { silentLogger } from '../logger.ts';
import { keyRing } from '../secrets/encryption-keys.ts';
import { AesGcmLetterSeal } from './seal.ts';

let bench: ReplicaBench;
beforeEach(() => {
  bench = new ReplicaBench();
});
afterEach(() => bench.close());

const canceled = (answer: string) => (JSON.parse(answer) as { status: { state: string } }).status.state;

describe('[A9, O16] following a task that another replica runs', () => {
  it('its events come by the bus, rows and all: nothing is looked up for them, and no clock has to turn', async () => {
    const onA = puppet();
    const a = await bench.start([onA.agent]);
    const b = await bench.start([puppet().agent]);
    const taskId = await a.begin();
    const follower = await follow(b, taskId);
    await turns(10);
    const pages = b.store.pages;
    for (let n = 1; n <= 20; n++) {
      onA.last.yield(chunk(String(n)));
      await until(`chunk ${n}`, () => follower.seqs.length === n);
    }
    onA.last.yield(completed);
    await until('the end', () => follower.isEnded);
    expect(follower.seqs).toEqual(range(2, 22));
    expect(b.store.pages).toBe(pages);
    expect(b.store.lookUps).toBe(0);
  });

  it('what is told twice, or too late, costs no look', async () => {
    const onA = puppet();
    const a = await bench.start([onA.agent]);
    const b = await bench.start([puppet().agent]);
    const taskId = await a.begin();
    const follower = await follow(b, taskId);
    await turns(10);
    const pages = b.store.pages;
    const told: (() => void)[] = [];
    bench.network.fate = (deliver) => {
      told.push(deliver);
      setImmediate(deliver);
    };
    onA.last.yield(chunk('1'));
    await until('the chunk', () => follower.seqs.length === 1);
    onA.last.yield(chunk('2'));
    await until('the chunk', () => follower.seqs.length === 2);
    for (const deliver of told) deliver();
    await turns(10);
    expect(follower.seqs).toEqual([2, 3]);
    expect(b.store.pages).toBe(pages);
  });

  it('events too large for the bus are read from the log', async () => {
    const onA = puppet();
    const a = await bench.start([onA.agent]);
    const b = await bench.start([puppet().agent]);
    const taskId = await a.begin();
    const follower = await follow(b, taskId);
    onA.last.yield(chunk('x'.repeat(200_000)), completed);
    await until('the end', () => follower.isEnded);
    expect(follower.seqs).toEqual([2, 3]);
    expect(b.store.lookUps).toBe(0);
  });

  it('a turn that ended a moment before the question is told of', async () => {
    const onA = puppet();
    const a = await bench.start([onA.agent]);
    const b = await bench.start([puppet().agent]);
    const taskId = await a.begin();
    // The question is held back until the turn is over.
    const held: (() => void)[] = [];
    bench.network.fate = (deliver) => void held.push(deliver);
    const follower = await follow(b, taskId);
    await until('the question', () => held.length > 0);
    onA.last.yield(completed);
    await until('the end of the turn', () => a.engine.runningCount === 0);
    bench.network.fate = (deliver) => void setImmediate(deliver);
    for (const deliver of held) deliver();
    await until('the end', () => follower.isEnded);
    expect(follower.seqs).toEqual([2]);
  });

  it('a task that asked for input, continued on a third replica, is followed there', async () => {
    const [onA, onC] = [puppet(), puppet()];
    const a = await bench.start([onA.agent]);
    const b = await bench.start([puppet().agent]);
    const c = await bench.start([onC.agent]);
    const taskId = await a.begin();
    onA.last.yield(inputRequired('what?'));
    await until('the question', () => a.engine.runningCount === 0);
    const follower = await follow(b, taskId);
    // What B says of that is through before C has anything to do with the task.
    await turns(10);
    const answer = c.service.send(c.call(), messageOf('this', { taskId }));
    await until('the turn', () => onC.runs.length === 1);
    onC.last.yield(chunk('1'));
    await until('the chunk', () => follower.seqs.length === 2);
    onC.last.yield(completed);
    await until('the end', () => follower.isEnded);
    expect(follower.seqs).toEqual([3, 4, 5]);
    expect(JSON.stringify(await answer)).toContain('TASK_STATE_COMPLETED');
  });

  it('a send that joins a task of another replica waits for it by the bus', async () => {
    const onA = puppet();
    const a = await bench.start([onA.agent]);
    const b = await bench.start([puppet().agent]);
    const message = messageOf('hello');
    const first = a.service.send(a.call({ idempotencyKey: 'k' }), message);
    await until('the run', () => onA.runs.length === 1);
    await until('its commit', async () => a.engine.runningCount === 1 && (await a.log('id-000000001')).length > 0);
    const second = b.service.send(b.call({ idempotencyKey: 'k' }), message);
    await until('the waiter', () => b.engine.hub.waitingCount === 1);
    await turns(5);
    onA.last.yield(completed);
    expect(await second).toEqual(await first);
  });

  it('who has left is not told any more, and a task that nobody follows elsewhere costs no message', async () => {
    const onA = puppet();
    const { counts, metrics } = counted();
    const a = await bench.start([onA.agent], { metrics });
    const b = await bench.start([puppet().agent]);
    await turns(5);
    const before = counts.sent;
    const taskId = await a.begin();
    const own = await follow(a, taskId);
    onA.last.yield(chunk('1'));
    await until('the chunk', () => own.seqs.length === 1);
    await turns(5);
    expect(counts.sent).toBe(before);
    const follower = new Follower();
    const stream = await b.service.subscribe(b.call(), { id: taskId }, follower);
    await turns(5);
    onA.last.yield(chunk('2'));
    await until('the chunk', () => follower.seqs.length === 1);
    if (stream !== 'empty') stream.close();
    onA.last.yield(chunk('3'));
    await until('the chunk', () => own.seqs.length === 3);
    await turns(10);
    const told = counts.sent;
    onA.last.yield(chunk('4'), completed);
    await until('the end', () => own.isEnded);
    await turns(10);
    expect(counts.sent).toBe(told);
    expect(follower.seqs).toEqual([3]);
  });

  it('a replica that is alone says nothing at all', async () => {
    const { counts, metrics } = counted();
    const onA = puppet();
    const a = await bench.start([onA.agent], { metrics });
    const taskId = await a.begin();
    const follower = await follow(a, taskId);
    onA.last.yield(inputRequired('what?'));
    await until('the question', () => follower.isEnded);
    await a.service.cancel(a.call(), { id: taskId });
    a.engine.link?.announceKey('key');
    a.engine.link?.announceWork();
    await a.pass(20_000);
    expect(counts.sent).toBe(0);
  });
});

describe('[A9, O16] what the bus does not tell', () => {
  it('while it is down, is found within a second, by one look-up for all tasks', async () => {
    const onA = puppet();
    const a = await bench.start([onA.agent]);
    const b = await bench.start([puppet().agent]);
    const ids = await Promise.all(range(1, 20).map(() => a.begin()));
    bench.network.setUp(false);
    const followers = await Promise.all(ids.map((id) => follow(b, id)));
    await b.pass(1000);
    for (const run of onA.runs) run.yield(completed);
    await until('the ends', () => a.engine.runningCount === 0);
    const before = b.store.lookUps;
    expect(followers.some(({ isEnded }) => isEnded)).toBe(false);
    await b.pass(1000);
    await until('the ends', () => followers.every(({ isEnded }) => isEnded));
    expect(b.store.lookUps).toBe(before + 1);
  });

  it('while it loses everything, is found within five seconds; what is followed is said again, so that the next comes at once', async () => {
    const onA = puppet();
    const a = await bench.start([onA.agent]);
    const b = await bench.start([puppet().agent]);
    const taskId = await a.begin();
    await b.pass(1000);
    bench.network.fate = () => undefined;
    const follower = await follow(b, taskId);
    onA.last.yield(chunk('lost'));
    await until('the commit', async () => (await a.log(taskId)).length === 2);
    await turns(10);
    bench.network.fate = (deliver) => void setImmediate(deliver);
    await b.pass(4000);
    expect(follower.seqs).toEqual([]);
    await b.pass(1000);
    await until('the chunk', () => follower.seqs.length === 1);
    onA.last.yield(chunk('at once'));
    await until('the next', () => follower.seqs.length === 2);
  });

  it('after it was down, all that is followed is said again', async () => {
    const onA = puppet();
    const a = await bench.start([onA.agent]);
    const b = await bench.start([puppet().agent]);
    const taskId = await a.begin();
    bench.network.setUp(false);
    const follower = await follow(b, taskId);
    onA.last.yield(chunk('unheard'));
    await until('the commit', async () => (await a.log(taskId)).length === 2);
    bench.network.setUp(true);
    await until('what was missed', () => follower.seqs.length === 1);
    onA.last.yield(chunk('heard'));
    await until('the next', () => follower.seqs.length > 1);
    expect(follower.seqs).toEqual([2, 3]);
  });

  it('a database that cannot be asked ends no stream: it is asked again', async () => {
    const onA = puppet();
    const a = await bench.start([onA.agent]);
    const b = await bench.start([puppet().agent]);
    bench.network.setUp(false);
    const taskId = await a.begin();
    const follower = await follow(b, taskId);
    b.store.beforeSeqs = () => {
      throw new Error('gone');
    };
    onA.last.yield(completed);
    await b.pass(3000);
    expect([follower.isEnded, follower.cause]).toEqual([false, undefined]);
    b.store.beforeSeqs = () => undefined;
    await b.pass(1000);
    await until('the end', () => follower.isEnded);
  });
});

describe('[A14, O16] a task that another replica takes over', () => {
  it('is let go of at once by a holder that only seemed dead, and followers of both go on', async () => {
    let lost = 0;
    const [onA, onB] = [puppet(), puppet()];
    const a = await bench.start([onA.agent], {}, { metrics: { leaseLost: () => lost++ } });
    const b = await bench.start([onB.agent]);
    const taskId = await a.begin();
    const followers = [await follow(a, taskId), await follow(b, taskId)];
    onA.last.yield(chunk('from A'));
    await until('the chunk', () => followers.every(({ seqs }) => seqs.length === 1));
    a.store.beforeHeartbeat = () => {
      throw new Error('cut off');
    };
    bench.presumeDead(a);
    await b.pass(1000);
    await until('the takeover', () => onB.runs.length === 1);
    await until('the loss', () => onA.last.run.signal.aborted);
    expect(lost).toBe(1);
    expect(a.engine.runningCount).toBe(0);
    onB.last.yield(chunk('from B'), completed);
    await until('the ends', () => followers.every(({ isEnded }) => isEnded));
    for (const { seqs } of followers) expect(seqs).toEqual(range(2, 4));
  });

  it('is ended elsewhere, as where nobody runs it: its followers are told', async () => {
    const onA = puppet();
    const a = await bench.start([onA.agent]);
    const b = await bench.start([puppet().agent]);
    const taskId = await a.begin();
    onA.last.yield(inputRequired('what?'));
    await until('the question', () => a.engine.runningCount === 0);
    const follower = await follow(b, taskId);
    await a.service.cancel(a.call(), { id: taskId });
    await until('the end', () => follower.isEnded);
    expect(follower.seqs).toEqual([3]);
  });
});

describe('[A2, O16] cancel of a task that another replica runs', () => {
  /** Running on A, with what its agent does when it is aborted. */
  async function runningOnA(onAbort: 'obeys' | 'ignores' | 'completes') {
    let abortedBy: unknown;
    const agent = agentOf(
      executorOf(async function* (run) {
        yield working;
        await new Promise<void>((resolve) => {
          run.signal.addEventListener('abort', () => {
            abortedBy = run.signal.reason;
            if (onAbort !== 'ignores') resolve();
          });
        });
        if (onAbort === 'completes') yield completed;
        else yield chunk('cleaned up');
      }),
    );
    const a = await bench.start([agent]);
    const b = await bench.start([puppet().agent]);
    const taskId = await a.begin();
    await until('the work', async () => (await a.state(taskId)) === 'TASK_STATE_WORKING');
    const cancel = () => b.service.cancel(b.call(), { id: taskId });
    return { a, b, taskId, cancel, abortedBy: () => abortedBy };
  }

  it('reaches its agent by the bus, which ends it in its own time; the answer has what it stored while it cleaned up', async () => {
    const { b, taskId, cancel, abortedBy } = await runningOnA('obeys');
    expect(canceled(await cancel())).toBe('TASK_STATE_CANCELED');
    expect(abortedBy()).toMatchObject({ message: 'The task was canceled' });
    expect((await b.log(taskId)).map((row) => row.kind)).toEqual(['task', 'status', 'artifact', 'status']);
    await expect(cancel()).rejects.toMatchObject({ code: 'TASK_NOT_CANCELABLE' });
  });

  it('an agent that completes within the grace wins: TASK_NOT_CANCELABLE', async () => {
    const { cancel } = await runningOnA('completes');
    await expect(cancel()).rejects.toMatchObject({
      code: 'TASK_NOT_CANCELABLE',
      message: 'The task has ended already: TASK_STATE_COMPLETED',
    });
  });

  it('an agent that ignores it has its grace, and loses the task after it', async () => {
    const { a, b, taskId, cancel } = await runningOnA('ignores');
    const canceling = cancel();
    await turns(10);
    b.clock.turn(LIMITS.cancelGraceMs - 1);
    a.clock.turn(LIMITS.cancelGraceMs - 1);
    await turns(20);
    expect(await b.state(taskId)).toBe('TASK_STATE_WORKING');
    a.clock.turn(1);
    expect(canceled(await canceling)).toBe('TASK_STATE_CANCELED');
  });

  it('a holder that does not hear loses the task: canceled without it after two seconds', async () => {
    const { b, cancel, abortedBy } = await runningOnA('obeys');
    bench.network.fate = () => undefined;
    const canceling = cancel();
    await turns(10);
    b.clock.turn(2000);
    expect(canceled(await canceling)).toBe('TASK_STATE_CANCELED');
    expect(abortedBy()).toBeUndefined();
  });

  it('without the bus the task is canceled at once, and its holder loses it', async () => {
    const { cancel } = await runningOnA('obeys');
    bench.network.setUp(false);
    expect(canceled(await cancel())).toBe('TASK_STATE_CANCELED');
  });

  it('concurrent cancels on both replicas all succeed, with one canceled event', async () => {
    const { a, b, taskId, cancel } = await runningOnA('obeys');
    const answers = await Promise.all([cancel(), a.service.cancel(a.call(), { id: taskId }), cancel()]);
    expect(answers.map(canceled)).toEqual(Array.from({ length: 3 }, () => 'TASK_STATE_CANCELED'));
    expect((await b.log(taskId)).map((row) => row.kind)).toEqual(['task', 'status', 'artifact', 'status']);
  });

  it('a cancel that comes again in a later turn of the task is void', async () => {
    const onA = puppet();
    const a = await bench.start([onA.agent]);
    const b = await bench.start([puppet().agent]);
    const taskId = await a.begin();
    const kept: (() => void)[] = [];
    bench.network.fate = (deliver) => {
      kept.push(deliver);
      setImmediate(deliver);
    };
    // The agent asks for input before it hears of the cancel, which then finds the task waiting.
    onA.last.yield(inputRequired('what?'));
    await until('the question', () => a.engine.runningCount === 0);
    const head = await a.store.readHead({ ownerId: 'alice', agentId: 'agent' }, taskId);
    if (head === undefined) throw new Error('no task');
    void b.engine.link?.cancel({ ...head, leaseReplica: a.engine.replicaId });
    await turns(10);
    await a.service.send(a.call(), { ...messageOf('this', { taskId }), configuration: { returnImmediately: true } });
    expect(kept.length).toBeGreaterThan(0);
    for (const deliver of kept) deliver();
    await turns(10);
    expect(onA.runs.length).toBe(2);
    expect(onA.last.run.signal.aborted).toBe(false);
    onA.last.yield(completed);
    await until('the end', async () => (await a.state(taskId)) === 'TASK_STATE_COMPLETED');
  });
});

describe('[O16] other news', () => {
  it('a changed key, an ended session and new work are told to the other replicas, and not to oneself', async () => {
    const news: string[] = [];
    const hooks = (name: string) => ({
      onKey: (id: string) => void news.push(`${name}: key ${id}`),
      onSession: (id: string) => void news.push(`${name}: session ${id}`),
      onWork: () => void news.push(`${name}: work`),
    });
    const a = await bench.start([puppet().agent], hooks('a'));
    await bench.start([puppet().agent], hooks('b'));
    a.engine.link?.announceKey('k1');
    a.engine.link?.announceSession('s1');
    for (let n = 0; n < 100; n++) a.engine.link?.announceWork();
    await until('the news', () => news.length >= 3);
    await turns(5);
    expect(news).toEqual(['b: key k1', 'b: session s1', 'b: work']);
  });
});

describe('[O16] whoever reaches the bus without the encryption key of the replicas', () => {
  it('makes them do nothing: what it says is dropped and counted, and the log says what to do', async () => {
    const { counts, metrics } = counted();
    const onA = puppet();
    const warnings: string[] = [];
    const logger = { ...silentLogger, warn: (...args: unknown[]) => void warnings.push(String(args.at(-1))) };
    const a = await bench.start([onA.agent], { metrics }, { logger });
    const taskId = await a.begin();
    const stranger = bench.network.join();
    stranger.start('stranger', { onPayload: () => {}, onState: () => {}, onDropped: () => {} });
    const seal = new AesGcmLetterSeal(keyRing([randomBytes(32).toString('base64')]), randomBytes);
    const letter = JSON.stringify({ from: 'stranger', messages: [{ kind: 'cancel', taskId, epoch: 1 }] });
    for (const payload of [seal.seal(letter), Buffer.from(letter), new Uint8Array(200), new Uint8Array()]) {
      stranger.publish('all', payload);
    }
    await until('all of it', () => counts.dropped.length === 4);
    expect(counts.dropped).toEqual(Array.from({ length: 4 }, () => 'unreadable'));
    expect(counts.received).toBe(0);
    expect(onA.last.run.signal.aborted).toBe(false);
    expect(warnings).toEqual([
      'a message on the bus was not sealed with an encryption key of this replica: all replicas need the same ENCRYPTION_KEY',
    ]);
  });
});
