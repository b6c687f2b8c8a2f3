/** Retention with a turned clock on a real store: what goes when, in which steps, and how it stops. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { FaultStore, gate } from '../../../test/support/fault-store.ts';
import { write } from '../../../test/support/store-under-test.ts';
import { newTask, status } from '../../../test/support/task-writes.ts';
import { turnedClock } from '../../../test/support/turned-clock.ts';
import { waitFor } from '../../../test/support/wait-for.ts';
import { SqliteDatabase } from '../../storage/sqlite/database.ts';
import { migrate } from '../../storage/sqlite/migrate.ts';
import { SqliteTaskStore } from '../../storage/sqlite/task-store.ts';
import { silentLogger } from '../logger.ts';
import { Retention, type RetentionOptions } from './retention.ts';

const DAY_MS = 86_400_000;
const cleanUps: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function setUp(options: Partial<RetentionOptions> = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'parley-retention-'));
  const database = SqliteDatabase.open(join(directory, 'parley.sqlite'));
  cleanUps.push(() => rmSync(directory, { recursive: true }));
  cleanUps.push(() => database.close());
  migrate(database, () => new Date());
  const clock = turnedClock();
  const store = new SqliteTaskStore(database, clock);
  let deleted = 0;
  const retention = new Retention({
    store,
    clock,
    logger: silentLogger,
    logDays: 0,
    taskDays: 0,
    prunes: {},
    metrics: { tasksDeleted: (count) => void (deleted += count) },
    ...options,
  });
  cleanUps.push(() => retention.stop());
  const ended = async (atMs: number, text = 'hello') => {
    const working = await write(store, newTask({ atMs, text }));
    return write(store, status(working, 'TASK_STATE_COMPLETED', { atMs }));
  };
  return { store, clock, retention, ended, deleted: () => deleted };
}

test('[A10] a finished task is deleted after as many days as configured, and by default never', async () => {
  const kept = setUp();
  const old = await kept.ended(kept.clock.now() - 1000 * DAY_MS);
  await kept.retention.sweep();
  expect(await kept.store.readHead(old, old.id)).toEqual(old);

  const { store, clock, retention, ended, deleted } = setUp({ taskDays: 2 });
  const before = await ended(clock.now() - 2 * DAY_MS - 1);
  const exactly = await ended(clock.now() - 2 * DAY_MS);
  // The newest one would be kept anyway, for its number.
  await ended(clock.now());
  await retention.sweep();
  expect(await store.readHead(before, before.id)).toBeUndefined();
  expect(await store.readHead(exactly, exactly.id)).toEqual(exactly);
  expect(deleted()).toBe(1);
  retention.start();
  clock.turn(10_000);
  await waitFor('the other one to go', 20_000, async () => (await store.readHead(exactly, exactly.id)) === undefined);
});

test('[A10] one round goes on in steps, with rests in between, and a stop waits for the step under way only', async () => {
  const { store, clock, retention, ended, deleted } = setUp({ taskDays: 1 });
  for (let index = 0; index < 6; index++) await ended(clock.now() - 2 * DAY_MS, 'x'.repeat(1_500_000));
  const last = await ended(clock.now());
  const round = retention.sweep();
  await waitFor('the first step', 20_000, () => deleted() === 1);
  // It rests: nothing more happens until time passes.
  expect(deleted()).toBe(1);
  clock.turn(1);
  await waitFor('the second step', 20_000, () => deleted() === 2);
  await retention.stop();
  await round;
  expect(deleted()).toBe(2);
  await retention.sweep();
  expect(deleted()).toBe(2);
  expect(await store.readHead(last, last.id)).toEqual(last);
});

test('[A10] a stop is over when the step under way is, and not before', async () => {
  const { store, clock, ended } = setUp();
  await ended(clock.now() - 2 * DAY_MS);
  const [begun, held] = [gate(), gate()];
  const slow = new FaultStore(store);
  slow.deleteTasks = async (endedBeforeMs, limit) => {
    begun.open();
    await held.passed;
    return store.deleteTasks(endedBeforeMs, limit);
  };
  const { retention } = setUp({ store: slow, taskDays: 1 });
  const round = retention.sweep();
  await begun.passed;
  let isStopped = false;
  const stop = retention.stop().then(() => (isStopped = true));
  await new Promise((resolve) => setImmediate(resolve));
  expect(isStopped).toBe(false);
  held.open();
  await Promise.all([round, stop]);
});

test('[I6] everything else is pruned in each round, though one of them fails', async () => {
  const calls: string[] = [];
  const { retention, clock } = setUp({
    prunes: {
      broken: async () => {
        throw new Error('the database is away');
      },
      nonces: async (nowMs, limit) => {
        calls.push(`${nowMs - clock.now()} ${limit}`);
        return 0;
      },
    },
  });
  await retention.sweep();
  await retention.sweep();
  expect(calls).toEqual(['0 10000', '0 10000']);
});
