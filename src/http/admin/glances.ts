/** GET /api/v1/task-glances: the rate of events of tasks in view, and what of their owner waits before them. */
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../core/clock.ts';
import type { GlancedTask } from '../../core/tasks/browser.ts';
import type { TaskBrowsing } from '../../core/tasks/browsing.ts';
import { eventRate } from '../../core/tasks/event-rate.ts';
import type { Full } from '../../core/tasks/room.ts';
import type { TaskScope } from '../../core/tasks/store.ts';
import type {} from '../request.ts';
import { type Glances, glancesQuerySchema } from './glance-contract.ts';
import { toTime } from './task-json.ts';
import { validate } from './validate.ts';

export interface GlancesDeps {
  readonly browsing: TaskBrowsing;
  readonly fullFor: (scope: TaskScope) => Full | null;
  readonly clock: Clock;
}

export function registerGlances(app: FastifyInstance, { browsing, fullFor, clock }: GlancesDeps): void {
  app.get('/api/v1/task-glances', async (request): Promise<Glances> => {
    const { ids } = validate(glancesQuerySchema, request.query);
    const glances = await browsing.glances(request.principal, ids);
    return {
      glances: glances.map((task) => ({
        id: task.id,
        seq: task.seq,
        lastAt: toTime(Math.max(task.statusAtMs, task.samples.at(-1)?.atMs ?? 0)),
        rate: eventRate(task.samples, livesUntilMs(task, clock.now())),
        queued: task.isQueued
          ? { since: toTime(task.statusAtMs), before: task.before, full: fullFor(task)?.of ?? null }
          : null,
      })),
    };
  });
}

/** Silence counts while something is to be done; not while a person is waited for, nor after the end. */
function livesUntilMs({ state, statusAtMs }: GlancedTask, nowMs: number): number {
  return state === 'TASK_STATE_WORKING' ? nowMs : statusAtMs;
}
