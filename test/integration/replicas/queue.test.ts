/** The queue between real replicas on one database, and tasks that take their replica with them. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { postgresForTests } from '../../support/postgres.ts';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { waitFor } from '../../support/wait-for.ts';
import { CrashClient, type Seen } from '../crash/client.ts';
import { crashDatabases } from '../crash/databases.ts';
import { metricOf, metricsOf } from './metric.ts';

const postgres = await postgresForTests();
/** Enough that some still wait when the second replica has started, also on a busy machine. */
const SENDS = 60;
const ADMIN_KEY = 'test-admin-key-of-both-replicas-0123456789';

describe.skipIf('skipped' in postgres)('two replicas', () => {
  test('[O16] a new one takes work that waits as it starts; each task runs once, and every sender is answered', async () => {
    if ('skipped' in postgres) return;
    const database = await postgres.createDatabase();
    onTestFinished(() => database.drop());
    const options = {
      databaseUrl: database.url,
      adminKey: ADMIN_KEY,
      config: 'tasks: { maxRunning: 2, maxQueued: 80 }\n',
      env: { LOG_LEVEL: 'warn', RATE_LIMIT_PER_MINUTE: '0' },
    };
    const a = await startParley(options);
    const client = new CrashClient(a);
    onTestFinished(() => client.close());
    const sends = Array.from({ length: SENDS }, () => client.send('/sleep 400'));
    const seen: Seen[] = [];
    const streaming = client.stream('/stream count=3 interval=100', seen);
    await waitFor('the queue', 20_000, async () => (await metricOf(a, 'parley_tasks_queued')) >= 20);

    const [queued, alsoQueued] = await metricsOf(a, 'parley_tasks_queued', 'a2a_queue_size');
    expect(queued).toBeGreaterThan(0);
    expect(alsoQueued).toBe(queued);

    const b = await startParley(options);
    await waitFor('work on the new one', 20_000, async () => (await metricOf(b, 'parley_task_claims_total')) >= 1);

    const answers = await Promise.all(sends);
    await streaming;
    expect(answers.map((task) => task.status.state)).toEqual(answers.map(() => 'TASK_STATE_COMPLETED'));
    expect(seen.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6]);
    const claims = [await metricOf(a, 'parley_task_claims_total'), await metricOf(b, 'parley_task_claims_total')];
    expect((claims[0] ?? 0) + (claims[1] ?? 0)).toBe(SENDS - 1);
    expect(Math.min(...claims)).toBeGreaterThan(0);
    const turns = [await turnsOf(a), await turnsOf(b)];
    expect((turns[0] ?? 0) + (turns[1] ?? 0)).toBe(SENDS + 1);
  }, 60_000);
});

describe.skipIf('skipped' in postgres)('two replicas with a bus', () => {
  test('[O16] what one has no room for is taken by the other one as soon as it is told, not when it looks', async () => {
    if ('skipped' in postgres) return;
    const database = await postgres.createDatabase();
    onTestFinished(() => database.drop());
    const options = { databaseUrl: database.url, adminKey: ADMIN_KEY, env: { LOG_LEVEL: 'warn' } };
    const a = await startParley({ ...options, config: 'tasks: { maxRunning: 1 }\n' });
    const b = await startParley(options);
    const client = new CrashClient(a);
    onTestFinished(() => client.close());
    const isTalking = async () =>
      (await metricOf(a, 'parley_bus_up')) === 1 && (await metricOf(b, 'parley_bus_up')) === 1;
    await waitFor('the bus', 20_000, isTalking);
    const running = client.stream('/sleep 600000', []).catch(() => undefined);
    await waitFor('a full replica', 20_000, async () => (await metricOf(a, 'a2a_running_jobs')) === 1);
    for (let sent = 1; sent <= 12; sent++) {
      expect((await client.send('hello')).status.state).toBe('TASK_STATE_COMPLETED');
    }
    expect(await metricOf(b, 'parley_task_queue_wait_seconds_count')).toBe(12);
    // By looking once a second it would be about six seconds.
    expect(await metricOf(b, 'parley_task_queue_wait_seconds_sum')).toBeLessThan(3);
    await a.kill9();
    await running;
  }, 60_000);
});

const turnsOf = (parley: ParleyProcess) => metricOf(parley, 'parley_task_turn_duration_seconds_count');

for (const database of await crashDatabases()) {
  describe.skipIf(database.skipped !== undefined)(`on ${database.name}`, () => {
    test('[A10] a poison task that kills its replica three times is failed with that reason', async () => {
      const parley = await database.start({}, 'tasks: { leaseTtlMs: 1000 }\n');
      const client = new CrashClient(parley);
      const seen: Seen[] = [];
      const cutOff = client.stream('/sleep 600000', seen).catch(() => undefined);
      await waitFor('the task to run', 20_000, () => seen.length >= 2);
      const { id } = (JSON.parse(seen[0]?.data ?? '{}') as { task: { id: string } }).task;
      for (let kill = 1; kill <= 3; kill++) {
        await waitFor(`run ${kill}`, 20_000, async () => (await metricOf(parley, 'a2a_running_jobs')) === 1);
        await parley.kill9();
        await cutOff;
        await client.reconnect();
        await parley.start();
      }
      const failed = await waitFor('the end', 20_000, async () => {
        const task = await client.get(id);
        return task.status.state === 'TASK_STATE_FAILED' && task;
      });
      expect(failed.status.message?.parts.map((part) => part.text)).toEqual([
        'The task was interrupted: the server that ran it stopped, 3 times (tasks.maxAttempts)',
      ]);
      expect(await metricOf(parley, 'a2a_running_jobs')).toBe(0);
      await client.close();
    }, 90_000);
  });
}
