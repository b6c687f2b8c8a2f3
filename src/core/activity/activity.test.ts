/** What a process counts until it is stored, and how what was stored by several becomes lines of a chart. */
import { expect, test } from 'vitest';
import { turnedClock } from '../../../test/support/turned-clock.ts';
import { NO_METRICS } from '../tasks/metrics.ts';
import { Activity } from './activity.ts';
import { type ActivitySpan, LONG_MS, SHORT_MS } from './activity-store.ts';
import { type Counts, countsJson, countsOf, noCounts } from './counts.ts';
import { firstPointMs, seriesOf, spanFor } from './series.ts';

const COMPLETED = 'TASK_STATE_COMPLETED';
const T0 = Date.parse('2030-01-01T00:00:00Z');
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const span = (lengthMs: ActivitySpan['lengthMs'], atMs: number, counts: Partial<Counts>): ActivitySpan => ({
  lengthMs,
  atMs,
  counts: { ...noCounts(), ...counts },
});

test('[U1] counts what happened within each span, short and long, and passes it on', () => {
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
  expect(activity.unsaved()).toEqual([]);
  clock.turn(SHORT_MS);
  metrics.turnEnded('echo', 'TASK_STATE_FAILED', 700);
  metrics.turnEnded('echo', 'TASK_STATE_REJECTED', 700);
  clock.turn(SHORT_MS);
  expect(passed).toEqual([
    'created echo',
    `ended echo ${COMPLETED}`,
    'ended echo TASK_STATE_FAILED',
    'ended echo TASK_STATE_REJECTED',
  ]);
  const seen = activity.unsaved().map(({ lengthMs, atMs, counts }) => {
    const { requests, requestErrors, tasksCreated, turnsEnded, turnsFailed } = counts;
    return [lengthMs, atMs - T0, requests, requestErrors, tasksCreated, turnsEnded, turnsFailed];
  });
  expect(seen).toEqual([
    [SHORT_MS, 0, 2, 1, 1, 1, 0],
    [SHORT_MS, SHORT_MS, 0, 0, 0, 2, 2],
    [LONG_MS, 0, 2, 1, 1, 3, 2],
  ]);
});

test('what was not stored is offered again; a long span goes on growing until it is over', () => {
  const clock = turnedClock();
  const activity = new Activity(clock);
  const requestsOf = (spans: readonly ActivitySpan[]) =>
    spans.map(({ lengthMs, counts }) => [lengthMs, counts.requests]);
  activity.requestDone(200);
  clock.turn(SHORT_MS);
  expect(requestsOf(activity.unsaved())).toEqual([
    [SHORT_MS, 1],
    [LONG_MS, 1],
  ]);
  activity.saved(activity.unsaved());
  expect(activity.unsaved()).toEqual([]);
  activity.requestDone(200);
  clock.turn(LONG_MS - 2 * SHORT_MS);
  activity.requestDone(200);
  const late = activity.unsaved();
  expect(requestsOf(late)).toEqual([
    [SHORT_MS, 1],
    [LONG_MS, 2],
  ]);
  // While those are being stored, the last short span of the long one ends.
  clock.turn(SHORT_MS);
  activity.requestDone(200);
  activity.saved(late);
  expect(requestsOf(activity.unsaved(true))).toEqual([
    [SHORT_MS, 1],
    [SHORT_MS, 1],
    [LONG_MS, 3],
    [LONG_MS, 1],
  ]);
});

test('without a database no more waits than an hour of short spans, and a day of long ones', () => {
  const clock = turnedClock();
  const activity = new Activity(clock);
  const spans = (2 * DAY_MS) / SHORT_MS;
  for (let index = 0; index < spans; index++) {
    activity.requestDone(200);
    clock.turn(SHORT_MS);
  }
  const waiting = activity.unsaved();
  const [short, long] = [SHORT_MS, LONG_MS].map((length) => waiting.filter(({ lengthMs }) => lengthMs === length));
  expect([short?.length, long?.length]).toEqual([360, 96]);
  expect([short?.at(-1)?.atMs, long?.at(-1)?.atMs]).toEqual([clock.now() - SHORT_MS, clock.now() - LONG_MS]);
});

test('[U1] a clock that was set back far stops nothing: what happens from then on is counted there', () => {
  const clock = turnedClock();
  const activity = new Activity(clock);
  activity.requestDone(200);
  clock.turn(-HOUR_MS);
  activity.requestDone(500);
  clock.turn(SHORT_MS);
  const seen = activity.unsaved().map(({ lengthMs, atMs, counts }) => [lengthMs, atMs - T0, counts.requests]);
  expect(seen).toEqual([
    [SHORT_MS, 0, 1],
    [SHORT_MS, -HOUR_MS, 1],
    [LONG_MS, 0, 1],
    [LONG_MS, -HOUR_MS, 1],
  ]);
});

test('[U1] a clock that was set back a little, over the beginning of a long span, replaces nothing by a part of it', () => {
  const clock = turnedClock(T0 - SHORT_MS);
  const activity = new Activity(clock);
  const stored = new Map<string, number>();
  const store = (all = false) => {
    const spans = activity.unsaved(all);
    for (const { lengthMs, atMs, counts } of spans) stored.set(`${lengthMs} ${atMs - T0}`, counts.requests);
    activity.saved(spans);
  };
  for (const _request of [1, 2, 3]) activity.requestDone(200);
  clock.turn(SHORT_MS);
  activity.requestDone(200);
  store();
  clock.turn(SHORT_MS);
  store();
  clock.turn(-SHORT_MS - 1);
  activity.requestDone(200);
  clock.turn(1);
  activity.requestDone(200);
  store(true);
  expect(Object.fromEntries(stored)).toEqual({
    [`${SHORT_MS} ${-SHORT_MS}`]: 4,
    [`${LONG_MS} ${-LONG_MS}`]: 4,
    [`${SHORT_MS} 0`]: 2,
    [`${SHORT_MS} ${SHORT_MS}`]: 0,
    [`${LONG_MS} 0`]: 2,
  });
});

test('running adds up over time, queued is the most that was seen', () => {
  const clock = turnedClock();
  const activity = new Activity(clock);
  const seen = { running: 3, queued: 9 };
  let spansOver = 0;
  activity.start({ running: () => seen.running, queued: () => seen.queued }, () => spansOver++);
  clock.turn(2000);
  seen.running = 1;
  seen.queued = 2;
  clock.turn(6000);
  expect(spansOver).toBe(0);
  clock.turn(4000);
  expect(spansOver).toBeGreaterThan(0);
  expect(activity.unsaved()[0]?.counts).toMatchObject({ runningMs: 12_000, queued: 9 });
  activity.stop();
  activity.stop();
});

test('[U1] the series adds up what replicas did, and has a gap where none ran', () => {
  const nowMs = T0 + HOUR_MS + SHORT_MS;
  const at = T0 + 30 * MINUTE_MS;
  const spans = [
    span(SHORT_MS, at, { requests: 5, turnsFailed: 1, runningMs: 20_000, queued: 7 }),
    span(SHORT_MS, at, { requests: 6, turnsFailed: 2, runningMs: 40_000, queued: 4 }),
    span(SHORT_MS, at + SHORT_MS, { requests: 1, queued: 8 }),
    span(SHORT_MS, at + 2 * MINUTE_MS, {}),
    // Not every replica has stored it yet.
    span(SHORT_MS, nowMs - 2000, { requests: 99 }),
  ];
  const series = seriesOf(spans, { nowMs, windowMs: HOUR_MS, stepMs: MINUTE_MS });
  const index = series.timesMs.indexOf(at);
  const { requests, turnsFailed, running, queued } = series.values;
  expect([requests[index], turnsFailed[index], running[index], queued[index]]).toEqual([12, 3, 1, 8]);
  expect([requests[index + 1], running[index + 1], queued[index + 1]]).toEqual([null, null, null]);
  expect([requests[index + 2], running[index + 2]]).toEqual([0, 0]);
  expect(requests.filter((value) => value !== null)).toHaveLength(2);
  expect(series.timesMs).toHaveLength(59);
  expect(series.timesMs[0]).toBe(firstPointMs(nowMs, HOUR_MS, MINUTE_MS));
  expect(series.untilMs).toBe(T0 + HOUR_MS);
});

test('of a point that is not over the average is that of its time so far', () => {
  const nowMs = T0 + 25_000;
  const spans = [span(SHORT_MS, T0, { runningMs: 40_000 }), span(SHORT_MS, T0 + SHORT_MS, { runningMs: 40_000 })];
  expect(seriesOf(spans, { nowMs, windowMs: HOUR_MS, stepMs: MINUTE_MS }).values.running.at(-1)).toBe(4);
});

test('points of a quarter of an hour are made of long spans, others of short ones', () => {
  expect([spanFor(SHORT_MS), spanFor(MINUTE_MS), spanFor(LONG_MS)]).toEqual([SHORT_MS, SHORT_MS, LONG_MS]);
});

test('percentiles are those of all replicas together, within the bins of what was measured', () => {
  const clock = turnedClock();
  const [a, b] = [new Activity(clock), new Activity(clock)];
  for (let count = 0; count < 98; count++) a.counting(NO_METRICS).turnEnded('echo', COMPLETED, 20);
  b.counting(NO_METRICS).turnEnded('echo', COMPLETED, 4000);
  b.counting(NO_METRICS).turnEnded('echo', COMPLETED, 99_999_999);
  clock.turn(SHORT_MS);
  const spans = [...a.unsaved(), ...b.unsaved()].filter(({ lengthMs }) => lengthMs === SHORT_MS);
  clock.turn(SHORT_MS);
  const { p50, p95, p99 } = seriesOf(spans, { nowMs: clock.now(), windowMs: HOUR_MS, stepMs: MINUTE_MS }).turnMs;
  expect(p50.at(-1)).toBeGreaterThan(10);
  expect(p95.at(-1)).toBeLessThanOrEqual(25);
  expect(p99.at(-1)).toBe(5000);
  expect([p50[0], p95[0], p99[0]]).toEqual([null, null, null]);
});

test('counts survive being stored; what another version stored is read as far as it is known', () => {
  const turnBins = noCounts().turnBins.map((_count, bin) => bin);
  const counts = { ...noCounts(), requests: 3, runningMs: 12_345, queued: 2, turnBins };
  expect(countsOf(countsJson(counts))).toEqual(counts);
  expect(countsJson(noCounts())).toBe('{}');
  expect(countsOf('{"requests":4,"dances":9}')).toEqual({ ...noCounts(), requests: 4 });
});
