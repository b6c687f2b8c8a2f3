/**
 * Clocks that are set forward and back by minutes, each replica's own: two replicas on one PostgreSQL, whose clock alone decides
 * what is due and who is dead. Nothing is done twice, and nothing stands still.
 */
import { describe, expect, test } from 'vitest';
import { FaultStore } from '../../../test/support/fault-store.ts';
import { newMigratedDatabase, postgresSkipped, undoAfterTest } from '../../../test/support/postgres-database.ts';
import { chunk, completed, type Puppet, puppet, working } from '../../../test/support/puppet.ts';
import { answered, eventOf, PushBench } from '../../../test/support/push-bench.ts';
import { type SteppedClock, steppedClock } from '../../../test/support/stepped-clock.ts';
import { write } from '../../../test/support/store-under-test.ts';
import { type Bench, BenchFiles, Follower, range } from '../../../test/support/task-bench.ts';
import { chunks, newTask, status } from '../../../test/support/task-writes.ts';
import { turnedClock } from '../../../test/support/turned-clock.ts';
import { waitFor } from '../../../test/support/wait-for.ts';
import { postgresKysely } from '../../storage/postgres/kysely.ts';
import { PostgresRateCounts } from '../../storage/postgres/rate-counts.ts';
import { PostgresTaskStore } from '../../storage/postgres/task-store.ts';
import { postgresPush } from '../../storage/push-sql.ts';
import { SqlPushStore } from '../../storage/push-store.ts';
import { RateLimiter } from '../limits/rate-limiter.ts';
import { SharedCounts } from '../limits/shared-counts.ts';
import { silentLogger } from '../logger.ts';
import type { PushRequest } from '../push/transport.ts';
import { Retention } from './retention.ts';
import type { TaskStore } from './store.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** What `steps` does to the two clocks, in turn. */
const STEPS = [5, -9, 2, -1, 8, -5].map((minutes) => minutes * MINUTE_MS);
/** Seconds, and less than a clock is set back. On a slow machine some pass before an answer is there. */
const SOON = 7 * 60;
const WAIT_MS = 20_000;
const TEST_MS = 60_000;

interface TwoReplicas {
  readonly a: Bench;
  readonly b: Bench;
  readonly onA: Puppet;
  readonly onB: Puppet;
  readonly clocks: readonly [SteppedClock, SteppedClock];
  readonly store: TaskStore;
  readonly lost: () => number;
  /** Its time stands still, and its lease is over. */
  readonly killA: () => Promise<void>;
  /** A second passes for whoever lives, again and again, until `probe` holds. Answers how many seconds. */
  readonly passUntil: (what: string, probe: () => boolean | Promise<boolean>) => Promise<number>;
}

async function twoReplicas(maxRunning: number): Promise<TwoReplicas> {
  const { database } = await newMigratedDatabase();
  const files = new BenchFiles();
  undoAfterTest(() => files.close());
  const clocks = [steppedClock(turnedClock()), steppedClock(turnedClock())] as const;
  const alive = [...clocks];
  const store = new PostgresTaskStore(database, 0);
  const storeOfA = new FaultStore(store);
  const [onA, onB] = [puppet(), puppet()];
  let lost = 0;
  let endLeaseOfA: (() => Promise<void>) | undefined;
  const startOn = (agent: Puppet, clock: SteppedClock): Promise<Bench> =>
    files.start([agent.agent], {
      clock,
      storeOf: () => (agent === onA ? storeOfA : new FaultStore(store)),
      // However slow this machine is, no lease is over before a test says so.
      limits: { maxRunning, leaseTtlMs: 4 * MINUTE_MS, idleTimeoutMs: 0 },
      metrics: { leaseLost: () => lost++ },
    });
  const a = await startOn(onA, clocks[0]);
  const b = await startOn(onB, clocks[1]);
  return {
    a,
    b,
    onA,
    onB,
    clocks,
    store,
    lost: () => lost,
    killA: async () => {
      alive.shift();
      const isDead = () => {
        throw new Error('killed');
      };
      Object.assign(storeOfA, { before: isDead, beforeHeartbeat: isDead, beforeClaim: isDead });
      // A heartbeat that was under way may arrive still.
      endLeaseOfA = () =>
        database.session(async (session) => {
          await session.query(`update replicas set expires_at = 0 where id = '${a.engine.replicaId}'`);
        });
      await endLeaseOfA();
    },
    passUntil: async (what, probe) => {
      let seconds = 0;
      await waitFor(what, WAIT_MS, async () => {
        seconds++;
        for (const clock of alive) clock.turn(1000);
        await endLeaseOfA?.();
        return probe();
      });
      return seconds;
    },
  };
}

describe.skipIf(postgresSkipped !== undefined)(
  'replicas whose clocks are set forward and back by minutes',
  { timeout: TEST_MS },
  () => {
    test('[A10, O16] run what is queued and what runs once each, and all of it', async () => {
      const { a, b, onA, onB, clocks, lost, passUntil } = await twoReplicas(2);
      const taskIds: string[] = [];
      for (const _ of range(1, 12)) taskIds.push(await a.begin());
      for (const [index, stepMs] of STEPS.entries()) {
        const ended = onA.runs.length + onB.runs.length;
        clocks[index % 2]?.step(stepMs);
        clocks[(index + 1) % 2]?.step(-stepMs);
        // Leases are renewed, and seem to be late.
        for (const clock of clocks) clock.turn(2 * MINUTE_MS);
        // What runs goes on, and makes room for what waits.
        for (const run of [...onA.runs, ...onB.runs]) {
          if (!run.isClosed) run.yield(working, chunk('after a step'), completed);
        }
        await passUntil(`the runs after step ${index}`, () => {
          const isAllRun = onA.runs.length + onB.runs.length === taskIds.length;
          return isAllRun || onA.runs.length + onB.runs.length > ended;
        });
      }
      await passUntil('all to end', async () => {
        for (const run of [...onA.runs, ...onB.runs]) if (!run.isClosed) run.yield(completed);
        const states = await Promise.all(taskIds.map((taskId) => b.state(taskId)));
        return states.every((state) => state === 'TASK_STATE_COMPLETED');
      });
      const runs = [...onA.runs, ...onB.runs].map(({ run }) => run.taskId);
      expect(runs.toSorted()).toEqual(taskIds.toSorted());
      // Both had some of it.
      expect(Math.min(onA.runs.length, onB.runs.length)).toBeGreaterThan(0);
      expect(lost()).toBe(0);
      for (const taskId of taskIds) {
        const seqs = (await a.log(taskId)).map(({ seq }) => seq);
        expect(seqs).toEqual(range(1, seqs.length));
      }
    });

    test('[O16] take over what a dead replica ran, once, whichever way their own clock was set', async () => {
      for (const stepMs of [9 * MINUTE_MS, -9 * MINUTE_MS]) {
        const { a, b, onA, onB, clocks, killA, passUntil } = await twoReplicas(2);
        const taskId = await a.begin();
        onA.last.yield(working);
        await passUntil('its event', async () => (await b.log(taskId)).length === 2);
        clocks[1].step(stepMs);
        await killA();
        expect(await passUntil('the other one to run it', () => onB.runs.length > 0)).toBeLessThan(SOON);
        onB.last.yield(completed);
        await passUntil('its end', async () => (await b.state(taskId)) === 'TASK_STATE_COMPLETED');
        expect(onB.runs.map(({ run }) => run.attempt)).toEqual([2]);
      }
    });

    test('[A9, O16] followers hear of tasks that run elsewhere, after a clock was set forward and back', async () => {
      const { a, b, onA, clocks, passUntil } = await twoReplicas(2);
      const taskId = await a.begin();
      onA.last.yield(working);
      await passUntil('its event', async () => (await b.log(taskId)).length === 2);
      const follower = new Follower();
      await b.service.subscribe(b.call(), { id: taskId }, follower);
      clocks[1].step(9 * MINUTE_MS);
      onA.last.yield(chunk('while it was ahead'));
      await passUntil('the event', () => follower.seqs.length === 1);
      clocks[1].step(-9 * MINUTE_MS);
      onA.last.yield(chunk('when it was back'), completed);
      const seconds = await passUntil('the end', () => follower.isEnded);
      expect(follower.seqs).toEqual([3, 4, 5]);
      expect(seconds).toBeLessThan(SOON);
    });

    test('[A11, O16] push each event once, in order, and go on with what failed', async () => {
      const { database } = await newMigratedDatabase();
      const bench = new PushBench();
      undoAfterTest(() => bench.close());
      const clocks = [steppedClock(bench.clock), steppedClock(bench.clock)] as const;
      const tasks = new PostgresTaskStore(database, 0);
      const store = new SqlPushStore(postgresKysely(database), postgresPush);
      const events = 12;
      const tried = new Set<number>();
      const accepted: number[] = [];
      const answer = (request: PushRequest) => {
        const { seq } = eventOf(request);
        if (!tried.has(seq)) {
          tried.add(seq);
          const clock = clocks[seq % 2];
          clock?.step(STEPS[seq % STEPS.length] ?? 0);
          return answered(503);
        }
        accepted.push(seq);
        return answered(204);
      };
      for (const clock of clocks) bench.sender({ answer, store, clock, retry: { initialDelayMs: 20 } }).start();
      const created = newTask();
      await write(tasks, { ...created, pushConfig: bench.config({ url: 'https://receiver.example/hook' }) });
      await write(tasks, chunks(created.head, range(2, events).map(String)));
      await waitFor('all to be accepted', WAIT_MS, async () => {
        bench.clock.turn(1000);
        return (await store.stats()).pending === 0;
      });
      expect(accepted).toEqual(range(1, events));
      expect((await store.stats()).dead).toBe(0);
    });

    test('[A10] delete what is old enough once, and nothing that is not', async () => {
      const { database } = await newMigratedDatabase();
      const time = turnedClock();
      const clocks = [steppedClock(time), steppedClock(time)] as const;
      const store = new PostgresTaskStore(database, 0);
      const deletions: number[] = [];
      const retentions = clocks.map((clock, index) => {
        const stepping = new FaultStore(store);
        let isFirst = true;
        stepping.deleteTasks = async (endedBeforeMs, limit) => {
          const answer = await store.deleteTasks(endedBeforeMs, limit);
          clock.step((index === 0 ? 9 : -9) * MINUTE_MS);
          isFirst = !isFirst;
          // Of each round, the first step leaves something for another.
          return isFirst ? answer : { ...answer, isDone: false };
        };
        const metrics = { tasksDeleted: (count: number) => void deletions.push(count) };
        const options = { clock, logger: silentLogger, logDays: 0, taskDays: 1, prunes: {}, metrics };
        const retention = new Retention({ ...options, store: stepping });
        undoAfterTest(() => retention.stop());
        return retention;
      });
      for (const _ of range(1, 3)) await ended(store, time.now());
      /** How many seconds pass until both rounds are over. */
      const sweeps = async (): Promise<number> => {
        let isDone = false;
        let seconds = 0;
        void Promise.all(retentions.map((retention) => retention.sweep())).then(() => (isDone = true));
        await waitFor('both rounds', WAIT_MS, () => {
          if (!isDone) time.turn(1000 * Math.min(1, seconds++));
          return isDone;
        });
        return seconds;
      };
      expect(await sweeps()).toBeLessThan(SOON);
      expect(await sweeps()).toBeLessThan(SOON);
      expect(deletions).toEqual([]);
      time.turn(DAY_MS + 120 * MINUTE_MS);
      await sweeps();
      expect(deletions.reduce((sum, count) => sum + count, 0)).toBe(3);
    });

    test('[A8, O16] let a caller wait for no longer than its window', async () => {
      const { database } = await newMigratedDatabase();
      const clock = steppedClock(turnedClock());
      const counts = new PostgresRateCounts(database, database);
      const windowMs = 1000;
      const metrics = { countingAlone: () => undefined, rateLimited: () => undefined, bucketEvicted: () => undefined };
      const shared = new SharedCounts({
        counts,
        name: 'test',
        windowMs,
        timeoutMs: WAIT_MS,
        clock,
        logger: silentLogger,
        metrics,
      });
      undoAfterTest(async () => shared.stop());
      const options = {
        perMinute: 3,
        maxBuckets: 100,
        clock,
        metrics,
        endpoint: 'requests',
        windowMs,
        replicas: () => 1,
      };
      for (const limiter of [new RateLimiter({ ...options, shared }), new RateLimiter({ ...options, shared: null })]) {
        const isAllowed = async (): Promise<boolean> => {
          try {
            await limiter.take('caller', { header: () => undefined });
            return true;
          } catch {
            return false;
          }
        };
        await waitFor('the limit', WAIT_MS, async () => !(await isAllowed()));
        clock.step(-5 * MINUTE_MS);
        const isNew = await waitFor('a new window', WAIT_MS, () => {
          clock.turn(100);
          return isAllowed();
        });
        expect(isNew).toBe(true);
      }
    });
  },
);

async function ended(store: TaskStore, atMs: number): Promise<void> {
  const working = await write(store, newTask({ atMs }));
  await write(store, status(working, 'TASK_STATE_COMPLETED', { atMs }));
}
