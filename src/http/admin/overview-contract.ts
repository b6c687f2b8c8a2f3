/** GET /api/v1/overview: what the first page of the console holds. */
import { z } from 'zod';
import { TASK_STATES } from '../../protocol/v1/types.ts';
import { replicaSchema } from './server-contract.ts';
import { taskRowSchema } from './task-contract.ts';

export const OVERVIEW_WINDOWS = ['15m', '1h', '24h'] as const;

export const overviewQuerySchema = z.strictObject({ window: z.enum(OVERVIEW_WINDOWS).default('1h') });

const numbers = z.array(z.number().nullable()).meta({ description: 'null where no replica ran.' });
const maybeNumbers = z.array(z.number().nullable()).meta({ description: 'null where nothing was measured.' });

export const seriesSchema = z.object({
  until: z.iso.datetime().meta({ description: 'Up to when all is counted; the last point is cut off by it.' }),
  stepSeconds: z.int(),
  times: z.array(z.int()).meta({
    description: 'The beginning of each point, in seconds since 1970; ascending. All lists below are as long.',
  }),
  requests: numbers.meta({ description: 'HTTP requests answered.' }),
  requestErrors: numbers.meta({ description: 'Those among them that were answered with 5xx.' }),
  tasksCreated: numbers,
  turnsEnded: numbers.meta({ description: 'Turns of tasks that came to an end or asked for something.' }),
  turnsFailed: numbers.meta({ description: 'Those among them that failed or were rejected.' }),
  turnP50Ms: maybeNumbers,
  turnP95Ms: maybeNumbers,
  turnP99Ms: maybeNumbers,
  running: numbers.meta({ description: 'Tasks running, the average within the point.' }),
  queued: numbers.meta({ description: 'Tasks waiting for a replica with room, the most within the point.' }),
});

export const overviewSchema = z.object({
  window: z.enum(OVERVIEW_WINDOWS),
  now: z.iso.datetime(),
  counts: z.record(z.enum(TASK_STATES), z.int()).meta({ description: 'All tasks that the caller may see, by state.' }),
  waiting: z.array(taskRowSchema).meta({ description: 'Tasks that wait for a person, newest first, at most 20.' }),
  failing: z
    .array(
      z.object({
        agentId: z.string(),
        count: z
          .int()
          .meta({ description: 'Tasks that failed or were rejected in the window; at most 200 are looked at.' }),
        last: taskRowSchema,
      }),
    )
    .meta({ description: 'Agents with failed or rejected tasks in the window, the latest failure first.' }),
  isFailingComplete: z.boolean().meta({ description: '`false`: there are more failures than were looked at.' }),
  deadLetters: z.int().nullable().meta({
    description: 'Push deliveries that were given up. null: not told to the caller, or not counted by this server.',
  }),
  queue: z
    .object({
      tasks: z.int().meta({ description: 'Tasks that wait for a replica with room.' }),
      longestSince: z.iso.datetime().nullable().meta({
        description: 'Since when the one waits that has waited longest, of the first 1,000. null: none waits.',
      }),
    })
    .nullable()
    .meta({ description: 'Of everybody. For the admin; null for others.' }),
  series: seriesSchema
    .nullable()
    .meta({ description: 'Of all replicas and all callers together. For the admin; null for others.' }),
  replicas: z.array(replicaSchema).nullable().meta({
    description:
      'Those that run, and those that started or ended in the window; at most 100. For the admin; null for others.',
  }),
});

export type OverviewWindow = (typeof OVERVIEW_WINDOWS)[number];
export type Overview = z.output<typeof overviewSchema>;
export type OverviewSeries = z.output<typeof seriesSchema>;
