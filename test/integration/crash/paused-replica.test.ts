/** Two replicas on one PostgreSQL: one that only paused has lost its tasks, and writes nothing more to them. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { postgresForTests } from '../../support/postgres.ts';
import { startParley } from '../../support/server.ts';
import { waitFor } from '../../support/wait-for.ts';
import { metricOf } from '../replicas/metric.ts';
import { CrashClient, eventOf, type Seen, stateOf } from './client.ts';

const postgres = await postgresForTests();
const TICKS = 60;
const range = (from: number, to: number) => Array.from({ length: Math.max(0, to - from + 1) }, (_, n) => from + n);

describe.skipIf('skipped' in postgres)('a replica that was stopped for longer than its lease', () => {
  test('is fenced: the task goes on at the other one, once, and followers of both get every event once', async () => {
    if ('skipped' in postgres) return;
    const database = await postgres.createDatabase();
    onTestFinished(() => database.drop());
    const options = {
      databaseUrl: database.url,
      adminKey: 'test-admin-key-of-both-replicas-0123456789',
      config: 'tasks:\n  leaseTtlMs: 2000\n',
      env: { LOG_LEVEL: 'warn' },
    };
    const a = await startParley(options);
    const b = await startParley(options);
    const [onA, onB] = [new CrashClient(a), new CrashClient(b)];
    const seen: Seen[] = [];
    const streaming = onA.stream(`/stream count=${TICKS} interval=100`, seen);
    await waitFor('some ticks', 20_000, () => seen.length > 5);
    const [first] = seen;
    const event = first === undefined ? undefined : eventOf(first);
    if (event === undefined || !('task' in event)) throw new Error('no task');
    const { id } = event.task;

    a.signal('SIGSTOP');
    const partsAtB = async () => (await onB.get(id)).artifacts?.[0]?.parts.length ?? 0;
    const stored = await partsAtB();
    await waitFor('the other replica to go on', 20_000, async () => (await partsAtB()) > stored + 3);
    a.signal('SIGCONT');
    await streaming;
    // Its agent was told to stop, and what it had made meanwhile was refused.
    await waitFor('the run on A to end', 20_000, async () => (await metricOf(a, 'a2a_running_jobs')) === 0);
    expect(await metricOf(a, 'parley_lease_lost_total')).toBe(1);
    expect(await metricOf(b, 'parley_lease_lost_total')).toBe(0);

    expect(seen.map((one) => one.id)).toEqual(range(1, TICKS + 3));
    expect(await onB.resume(id, 0)).toEqual(seen);
    const ticks = seen
      .map(eventOf)
      .flatMap((one) => ('artifactUpdate' in one ? one.artifactUpdate.artifact.parts : []))
      .map((part) => Number(/^tick (\d+) /.exec(part.text ?? '')?.[1]));
    expect(ticks).toEqual(range(0, TICKS - 1));
    const last = seen.at(-1);
    expect(last === undefined ? undefined : stateOf(eventOf(last))).toBe('TASK_STATE_COMPLETED');
    expect((await onA.list()).totalSize).toBe(1);
    await onA.close();
    await onB.close();
  }, 90_000);
});
