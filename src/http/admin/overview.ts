/** GET /api/v1/overview: is it healthy, does somebody wait for a person, what fails. */
import type { FastifyInstance } from 'fastify';
import type { ActivityStore } from '../../core/activity/activity-store.ts';
import { firstPointMs, seriesOf, spanFor } from '../../core/activity/series.ts';
import type { Clock } from '../../core/clock.ts';
import type { BrowsedTask } from '../../core/tasks/browser.ts';
import type { TaskBrowsing } from '../../core/tasks/browsing.ts';
import type {} from '../request.ts';
import { type Overview, type OverviewSeries, type OverviewWindow, overviewQuerySchema } from './overview-contract.ts';
import { MAX_REPLICAS, replicaOf } from './server.ts';
import type { Replica } from './server-contract.ts';
import { rowOf, toTime } from './task-json.ts';
import { validate } from './validate.ts';

export interface OverviewDeps {
  readonly browsing: TaskBrowsing;
  readonly activity: ActivityStore;
  readonly clock: Clock;
  /** Push deliveries of everybody that were given up. */
  readonly deadLetters: () => number;
  /** Tasks of everybody that wait for room. */
  readonly queued: () => number;
}

const MINUTE_MS = 60_000;
interface Span {
  readonly windowMs: number;
  readonly stepMs: number;
}

/** A chart has from 60 to 96 points. */
const WINDOWS: Readonly<Record<OverviewWindow, Span>> = {
  '15m': { windowMs: 15 * MINUTE_MS, stepMs: 10_000 },
  '1h': { windowMs: 60 * MINUTE_MS, stepMs: MINUTE_MS },
  '24h': { windowMs: 24 * 60 * MINUTE_MS, stepMs: 15 * MINUTE_MS },
};
const MAX_WAITING = 20;
const MAX_FAILURES = 200;

export function registerOverview(app: FastifyInstance, deps: OverviewDeps): void {
  const { browsing, activity, clock, deadLetters, queued } = deps;
  app.get('/api/v1/overview', async (request): Promise<Overview> => {
    const { window } = validate(overviewQuerySchema, request.query);
    const { principal } = request;
    const span = WINDOWS[window];
    const nowMs = clock.now();
    const isAdmin = principal.scopes.has('admin');
    const fromMs = nowMs - span.windowMs;
    const [counts, waiting, failed, queue, series, replicas] = await Promise.all([
      browsing.counts(principal),
      browsing.list(
        principal,
        { states: ['TASK_STATE_INPUT_REQUIRED', 'TASK_STATE_AUTH_REQUIRED'] },
        null,
        MAX_WAITING,
      ),
      browsing.list(
        principal,
        { states: ['TASK_STATE_FAILED', 'TASK_STATE_REJECTED'], statusFromMs: fromMs },
        null,
        MAX_FAILURES,
      ),
      isAdmin ? readQueue(browsing, queued()) : null,
      isAdmin ? readSeries(activity, nowMs, span) : null,
      isAdmin ? activity.replicas(MAX_REPLICAS) : null,
    ]);
    return {
      window,
      now: toTime(nowMs),
      counts,
      waiting: waiting.tasks.map(rowOf),
      failing: failuresByAgent(failed.tasks),
      isFailingComplete: failed.next === null,
      deadLetters: isAdmin ? deadLetters() : null,
      queue,
      series,
      replicas: replicas?.map(replicaOf).filter((replica) => isOfTime(replica, fromMs)) ?? null,
    };
  });
}

/** @param tasks newest first. */
function failuresByAgent(tasks: readonly BrowsedTask[]): Overview['failing'] {
  const byAgent = new Map<string, Overview['failing'][number]>();
  for (const task of tasks) {
    const known = byAgent.get(task.agentId);
    if (known === undefined) byAgent.set(task.agentId, { agentId: task.agentId, count: 1, last: rowOf(task) });
    else known.count++;
  }
  return [...byAgent.values()];
}

async function readQueue(browsing: TaskBrowsing, queued: number): Promise<Overview['queue']> {
  const waiting = await browsing.waiting();
  const since = waiting.flatMap(({ sinceMs }) => sinceMs ?? []);
  // What is known of all of them is up to a second old.
  if (since.length === 0) return { tasks: 0, longestSince: null };
  return { tasks: Math.max(queued, since.length), longestSince: toTime(Math.min(...since)) };
}

function isOfTime({ status, startedAt, endedAt, seenAt }: Replica, fromMs: number): boolean {
  if (status === 'alive' || status === 'late') return true;
  return Date.parse(startedAt) >= fromMs || Date.parse(endedAt ?? seenAt) >= fromMs;
}

async function readSeries(activity: ActivityStore, nowMs: number, { windowMs, stepMs }: Span): Promise<OverviewSeries> {
  const spans = await activity.spans(spanFor(stepMs), firstPointMs(nowMs, windowMs, stepMs));
  const { untilMs, timesMs, values, turnMs } = seriesOf(spans, { nowMs, windowMs, stepMs });
  return {
    until: toTime(untilMs),
    stepSeconds: stepMs / 1000,
    times: timesMs.map((ms) => ms / 1000),
    requests: [...values.requests],
    requestErrors: [...values.requestErrors],
    tasksCreated: [...values.tasksCreated],
    turnsEnded: [...values.turnsEnded],
    turnsFailed: [...values.turnsFailed],
    turnP50Ms: [...turnMs.p50],
    turnP95Ms: [...turnMs.p95],
    turnP99Ms: [...turnMs.p99],
    running: [...values.running],
    queued: [...values.queued],
  };
}
