/** GET /api/v1/overview: what the first page of the console holds. */
import { z } from 'zod';
import { TASK_STATES } from '../../protocol/v1/types.ts';
import { taskRowSchema } from './task-contract.ts';

export const OVERVIEW_WINDOWS = ['15m', '1h', '24h'] as const;

export const overviewQuerySchema = z.strictObject({ window: z.enum(OVERVIEW_WINDOWS).default('1h') });

const numbers = z.array(z.number());
const maybeNumbers = z.array(z.number().nullable()).meta({ description: 'null where nothing was measured.' });

export const seriesSchema = z.object({
  since: z.iso.datetime().meta({ description: 'When this process began to count; points before it are left out.' }),
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
  running: numbers.meta({ description: 'Tasks running in this process, the most within the point.' }),
  queued: numbers.meta({ description: 'Writes waiting for a commit, the most within the point.' }),
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
  series: seriesSchema
    .nullable()
    .meta({ description: 'Of this process, all callers together. For the admin; null for others.' }),
});

export type OverviewWindow = (typeof OVERVIEW_WINDOWS)[number];
export type Overview = z.output<typeof overviewSchema>;
export type OverviewSeries = z.output<typeof seriesSchema>;
