/** What the overview shows of the last day: sums, maxima and durations per point, bounded in memory. */
import { expect, test } from 'vitest';
import { turnedClock } from '../../../test/support/turned-clock.ts';
import { NO_METRICS } from '../tasks/metrics.ts';
import { Activity } from './activity.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const COMPLETED = 'TASK_STATE_COMPLETED';

test('[U1] counts what happened within each point, and passes it on', () => {
  const clock = turnedClock();
  const activity = new Activity(clock);
  const passed: string[] = [];
  const metrics = activity.counting({
    ...NO_METRICS,
    taskCreated: (agentId) => passed.push(`created ${agentId}`),
    turnEnded: (agentId, state) => passed.push(`ended ${agentId} ${state}`),
  });
  metrics.taskCreated('echo');
  metrics.turnEnded('echo', COMPLETED, 3);
  activity.requestDone(200);
  activity.requestDone(503);
  clock.turn(MINUTE_MS);
  metrics.turnEnded('echo', 'TASK_STATE_FAILED', 700);
  metrics.turnEnded('echo', 'TASK_STATE_REJECTED', 700);
  const series = activity.series(HOUR_MS, MINUTE_MS);
  expect(passed).toEqual([
    'created echo',
    `ended echo ${COMPLETED}`,
    'ended echo TASK_STATE_FAILED',
    'ended echo TASK_STATE_REJECTED',
  ]);
  expect(series.timesMs).toEqual([series.sinceMs, series.sinceMs + MINUTE_MS]);
  expect(series.values).toEqual({
    requests: [2, 0],
    requestErrors: [1, 0],
    tasksCreated: [1, 0],
    turnsEnded: [1, 2],
    turnsFailed: [0, 2],
    running: [0, 0],
    queued: [0, 0],
  });
  expect(series.turnMs.p50).toEqual([2.5, 750]);
});

test('running and queued are the most that was seen within a point', () => {
  const clock = turnedClock();
  const activity = new Activity(clock);
  const seen = { running: 3, queued: 9 };
  activity.start({ running: () => seen.running, queued: () => seen.queued });
  clock.turn(2000);
  seen.running = 1;
  clock.turn(4000);
  expect(activity.series(HOUR_MS, MINUTE_MS).values).toMatchObject({ running: [3], queued: [9] });
  activity.stop();
  activity.stop();
});

test('percentiles lie within the bins of what was measured; a point without turns has none', () => {
  const clock = turnedClock();
  const activity = new Activity(clock);
  const metrics = activity.counting(NO_METRICS);
  for (let count = 0; count < 98; count++) metrics.turnEnded('echo', COMPLETED, 20);
  metrics.turnEnded('echo', COMPLETED, 4000);
  metrics.turnEnded('echo', COMPLETED, 99_999_999);
  clock.turn(MINUTE_MS);
  const { p50, p95, p99 } = activity.series(HOUR_MS, MINUTE_MS).turnMs;
  expect(p50[0]).toBeGreaterThan(10);
  expect(p95[0]).toBeLessThanOrEqual(25);
  expect(p99[0]).toBe(5000);
  expect([p50[1], p95[1], p99[1]]).toEqual([null, null, null]);
});

test('keeps a day, and no more than the day', () => {
  const clock = turnedClock();
  const activity = new Activity(clock);
  for (let hour = 0; hour < 60; hour++) {
    activity.requestDone(200);
    clock.turn(HOUR_MS);
  }
  const { values, timesMs } = activity.series(24 * HOUR_MS, 15 * MINUTE_MS);
  expect(timesMs).toHaveLength(96);
  expect(values.requests.reduce((sum, count) => sum + count, 0)).toBe(23);
  const all = activity.series(60 * HOUR_MS, HOUR_MS).values.requests;
  expect(all.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(26);
});
