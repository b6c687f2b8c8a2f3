/**
 * GET /api/v1/live: one stream of server-sent events per tab. Each frame has a name (`event:`) and one line of JSON
 * (`data:`); `LiveFrame` says which name has which data. There are no ids: a reconnect names the tasks that it follows and
 * the last event of each that it holds, in `tasks`.
 */
import { z } from 'zod';
import { taskSchema } from '../../protocol/v1/schemas.ts';
import { taskEventSchema, taskRowSchema } from './task-contract.ts';

const followSchema = z.strictObject({
  id: z.string().min(1).max(64),
  after: z.int().min(0).max(1_048_576).meta({ description: 'The last event that the client holds; 0: none.' }),
});

/** GET /api/v1/live */
export const liveQuerySchema = z.strictObject({
  list: z
    .enum(['true', 'false'])
    .default('true')
    .meta({ description: 'Whether to tell of changes in the list of tasks.' }),
  tasks: z.string().max(16_384).default('').meta({
    description: 'Tasks to follow, each as `id:after`, with commas; `after` is the last event that the client holds.',
  }),
});

export const liveIdParamsSchema = z.object({ liveId: z.string().max(64) });

/** POST /api/v1/live/{liveId}/tasks: changes what an open stream follows. Answers 204; 404: the stream is not open (any more). */
export const followTasksRequestSchema = z.strictObject({
  add: z.array(followSchema).max(200).default([]),
  remove: z.array(z.string().min(1).max(64)).max(200).default([]),
});

/** A task that has changed. Several changes within a moment are told as one. */
export const taskChangeSchema = taskRowSchema.omit({ title: true }).extend({
  title: z
    .string()
    .nullable()
    .meta({ description: 'Only of a task that has just begun; else null, which is: as before.' }),
});

export const liveFrameSchemas = {
  /** First of all: the stream is open, and what comes from now on will be told. */
  hello: z.object({
    liveId: z.string(),
    maxTasks: z.int().meta({ description: 'How many tasks can be followed at once.' }),
    heartbeatMs: z.int().meta({
      description:
        'A `beat` comes this often, whatever else comes, but not while bytes sent before it are still on their way.',
    }),
  }),
  /** The stream is there: where nothing comes for a while it is not, whatever the connection looks like. */
  beat: z.object({}),
  /** Tasks of the list that have changed. */
  tasks: z.object({
    changes: z.array(taskChangeSchema),
    isIncomplete: z.boolean().meta({ description: 'There were too many changes: read the list again.' }),
  }),
  /** One event of a followed task: gapless, each once, in order. */
  event: taskEventSchema.extend({ taskId: z.string() }),
  /** The log no longer reaches back to `after`: this is all of the task as of event `seq`, and events go on after it. */
  snapshot: z.object({ taskId: z.string(), seq: z.int(), task: taskSchema }),
  /** A followed task has come to its end and is not followed any more. */
  end: z.object({ taskId: z.string(), seq: z.int() }),
  /** A task cannot be followed (it is not there, a limit, its log cannot be read) and is not. */
  refused: z.object({ taskId: z.string(), code: z.string(), message: z.string() }),
  /** The stream ends. `signed-out`: its session or key is over, or may do less than before: then a new one can be opened. */
  bye: z.object({ reason: z.enum(['signed-out', 'shutting-down']) }),
} as const;

export type LiveFrameName = keyof typeof liveFrameSchemas;
export type LiveFrame = {
  [Name in LiveFrameName]: { readonly name: Name; readonly data: z.output<(typeof liveFrameSchemas)[Name]> };
}[LiveFrameName];
export type TaskChange = z.output<typeof taskChangeSchema>;
export type FollowTasksRequest = z.input<typeof followTasksRequestSchema>;
