/** GET /api/v1/overview: is it healthy, does somebody wait for a person, what fails. */
import type { FastifyInstance } from 'fastify';
import type { Activity } from '../../core/activity/activity.ts';
import type { Clock } from '../../core/clock.ts';
import type { BrowsedTask } from '../../core/tasks/browser.ts';
import type { TaskBrowsing } from '../../core/tasks/browsing.ts';
import type {} from '../request.ts';
import { type Overview, type OverviewSeries, type OverviewWindow, overviewQuerySchema } from './overview-contract.ts';
import { rowOf, toTime } from './task-json.ts';
import { validate } from './validate.ts';

export interface OverviewDeps {
  readonly browsing: TaskBrowsing;
  readonly activity: Activity;
  readonly clock: Clock;
  /** Push deliveries of everybody that were given up. */
  readonly deadLetters: () => number;
}

const MINUTE_MS = 60_000;
/** A chart has from 60 to 96 points. */
const WINDOWS: Readonly<Record<OverviewWindow, { readonly windowMs: number; readonly stepMs: number }>> = {
  '15m': { windowMs: 15 * MINUTE_MS, stepMs: 10_000 },
  '1h': { windowMs: 60 * MINUTE_MS, stepMs: MINUTE_MS },
  '24h': { windowMs: 24 * 60 * MINUTE_MS, stepMs: 15 * MINUTE_MS },
};
const MAX_WAITING = 20;
const MAX_FAILURES = 200;

export function registerOverview(app: FastifyInstance, { browsing, activity, clock, deadLetters }: OverviewDeps): void {
  app.get('/api/v1/overview', async (request): Promise<Overview> => {
    const { window } = validate(overviewQuerySchema, request.query);
    const { principal } = request;
    const { windowMs, stepMs } = WINDOWS[window];
    const nowMs = clock.now();
    const isAdmin = principal.scopes.has('admin');
    const [counts, waiting, failed] = await Promise.all([
      browsing.counts(principal),
      browsing.list(
        principal,
        { states: ['TASK_STATE_INPUT_REQUIRED', 'TASK_STATE_AUTH_REQUIRED'] },
        null,
        MAX_WAITING,
      ),
      browsing.list(
        principal,
        { states: ['TASK_STATE_FAILED', 'TASK_STATE_REJECTED'], statusFromMs: nowMs - windowMs },
        null,
        MAX_FAILURES,
      ),
    ]);
    return {
      window,
      now: toTime(nowMs),
      counts,
      waiting: waiting.tasks.map(rowOf),
      failing: failuresByAgent(failed.tasks),
      isFailingComplete: failed.next === null,
      deadLetters: isAdmin ? deadLetters() : null,
      series: isAdmin ? seriesOf(activity, windowMs, stepMs) : null,
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

function seriesOf(activity: Activity, windowMs: number, stepMs: number): OverviewSeries {
  const { sinceMs, timesMs, values, turnMs } = activity.series(windowMs, stepMs);
  return {
    since: toTime(sinceMs),
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
