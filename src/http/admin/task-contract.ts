/** The management API of tasks: what its requests and answers hold. Tasks and events are in their A2A 1.0 form. */
import { z } from 'zod';
import { AGENT_ID } from '../../core/agents/registry.ts';
import { idSchema, messageIdSchema } from '../../protocol/scalars.ts';
import { messageSchema, partSchema, streamResponseSchema, taskSchema } from '../../protocol/v1/schemas.ts';
import { TASK_STATES } from '../../protocol/v1/types.ts';

const MAX_PAGE_SIZE = 200;
const MAX_EVENTS_PAGE = 1000;

/** A list in one query parameter: `a,b,c`. */
const listOf = <T extends z.ZodType<unknown, string>>(item: T, max: number) =>
  z
    .string()
    .max(8192)
    .transform((text) => (text === '' ? [] : text.split(',')))
    .pipe(z.array(item).max(max))
    .optional();

const intText = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, 'must be an integer')
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be from ${min} to ${max}`);

const timeSchema = z.iso.datetime({
  offset: true,
  error: 'must be a date and time of RFC 3339, such as 2030-01-31T00:00:00Z',
});
const agentIdSchema = z.string().regex(AGENT_ID, 'must be an agent id');

/** GET /api/v1/tasks */
export const listTasksQuerySchema = z.strictObject({
  state: listOf(z.enum(TASK_STATES), TASK_STATES.length).meta({ description: 'Any of these states, with commas.' }),
  agent: listOf(agentIdSchema, 100).meta({ description: 'Any of these agents, with commas.' }),
  context: z.string().min(1).max(256).optional().meta({ description: 'Of this context.' }),
  owner: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .meta({ description: 'Of this principal. Default: for the admin all, else oneself.' }),
  from: timeSchema.optional().meta({ description: 'Status at or after this time.' }),
  before: timeSchema.optional().meta({ description: 'Status before this time.' }),
  text: z.string().min(1).max(200).optional().meta({
    description:
      'Part of the first text of the first message (within its first 4,000 characters), upper and lower case alike; or the beginning of a task id, 8 characters at least. Of the other conditions it looks at 1,000 tasks for one page: a page may be empty and still have a nextPageToken.',
  }),
  ids: listOf(z.string().max(64), 100).meta({
    description: 'Exactly these tasks, with commas; not with other conditions.',
  }),
  pageSize: intText(1, MAX_PAGE_SIZE).default(50),
  pageToken: z.string().max(512).default(''),
});

export const taskRowSchema = z.object({
  id: z.string(),
  agentId: z.string(),
  contextId: z.string(),
  ownerId: z.string(),
  state: z.enum(TASK_STATES),
  seq: z.int().meta({ description: 'The last event: how many there have been.' }),
  createdAt: z.iso.datetime(),
  statusAt: z.iso.datetime().meta({ description: 'Of the last change of status: the order of the list.' }),
  title: z.string().meta({ description: 'The beginning of the first text of the first message; may be empty.' }),
  statusText: z.string().meta({ description: 'The beginning of the text of the status; may be empty.' }),
});

const stateCounts = z.record(z.enum(TASK_STATES), z.int()).meta({
  description: 'Tasks by state, from counters: of this owner and these agents, whatever the other conditions.',
});

export const taskListSchema = z.object({
  tasks: z.array(taskRowSchema).meta({ description: 'Newest status first.' }),
  nextPageToken: z.string().meta({ description: 'Empty: this is the last page.' }),
  counts: stateCounts,
  searched: z.int().nullable().meta({ description: 'With `text`: at how many tasks this page has looked.' }),
});

export const taskIdParamsSchema = z.object({ id: z.string().max(256) });

/** GET /api/v1/tasks/{id} */
export const taskDetailSchema = z.object({
  task: taskSchema,
  row: taskRowSchema,
  diagnostics: z.object({
    firstSeq: z
      .int()
      .meta({ description: 'The first event that the log still holds; above `row.seq`: it holds none.' }),
    turnSeq: z.int().meta({ description: 'The event with which the present turn began.' }),
    messageCount: z.int(),
    sizeChars: z.int().meta({ description: 'Stored text, in UTF-16 code units.' }),
    leaseReplica: z.string().nullable().meta({
      description:
        'The process that runs it; null: nobody does, nor need. `queued`: it waits for a replica with room. `released`: it waits to be taken over.',
    }),
    isLeaseHere: z.boolean().meta({ description: 'This process runs it.' }),
    leaseEpoch: z.int().meta({ description: 'How often the right to write it has passed on.' }),
    attempt: z.int().meta({ description: 'How often the present turn was started.' }),
  }),
});

/** GET /api/v1/tasks/{id}/events */
export const taskEventsQuerySchema = z.strictObject({
  after: intText(0, 1_048_576).default(0),
  limit: intText(1, MAX_EVENTS_PAGE).default(200),
});

export const taskEventSchema = z.object({
  seq: z.int(),
  kind: z.enum(['task', 'status', 'artifact', 'message']),
  at: z.iso
    .datetime()
    .nullable()
    .meta({ description: 'When it was stored. null: an artifact stored by a version that kept no times.' }),
  userMessage: messageSchema
    .nullable()
    .meta({ description: 'The accepted message that caused the event, where it is not in it.' }),
  event: streamResponseSchema,
});
export const taskEventPageSchema = z.object({
  events: z.array(taskEventSchema),
  firstSeq: z.int().meta({ description: 'The first event that the log still holds.' }),
  lastSeq: z.int().meta({ description: 'The last event of the task when the page was read.' }),
  nextAfter: z.int().nullable().meta({ description: 'For `after` of the next page; null: this is the last.' }),
});

/** GET /api/v1/tasks/{id}/related: the tasks of its context, newest status first, at most 100, itself included. */
export const relatedTasksSchema = z.object({ contextId: z.string(), tasks: z.array(taskRowSchema) });

/** POST /api/v1/tasks. `Idempotency-Key` works as it does for agents. */
export const createTaskRequestSchema = z.strictObject({
  agentId: agentIdSchema,
  message: z.strictObject({
    messageId: messageIdSchema.optional().meta({ description: 'Default: the server makes one.' }),
    contextId: idSchema.optional(),
    parts: z.array(partSchema).min(1),
  }),
  mode: z.enum(['blocking', 'immediate']).default('immediate').meta({
    description: '`blocking`: answered when the task has ended or asks for something. `immediate`: when it exists.',
  }),
});

/** POST /api/v1/tasks/{id}/messages */
export const continueTaskRequestSchema = createTaskRequestSchema.omit({ agentId: true }).extend({
  message: createTaskRequestSchema.shape.message.omit({ contextId: true }),
});

export const sendAnswerSchema = z.object({
  task: taskSchema.nullable(),
  message: messageSchema.nullable().meta({ description: 'An agent may answer with a message instead of a task.' }),
});

/** POST /api/v1/tasks/{id}/cancel */
export const cancelAnswerSchema = z.object({ task: taskSchema });

/** Of frames that are numbered throughout. */
export const framesPageQueryFields = {
  after: intText(0, 999_999_999_999_999).default(0),
  limit: intText(1, MAX_EVENTS_PAGE).default(200),
};

/** GET /api/v1/tasks/{id}/frames */
export const framesQuerySchema = z.strictObject({
  version: z.enum(['1.0', '0.3']).default('1.0'),
  binding: z.enum(['JSONRPC', 'HTTP+JSON']).default('JSONRPC'),
  after: intText(0, 1_048_576).default(0),
  limit: intText(1, MAX_EVENTS_PAGE).default(200),
});

export const frameSchema = z.object({
  seq: z.int().nullable().meta({ description: 'The event that it carries; null: it carries none.' }),
  at: z.iso.datetime().nullable(),
  direction: z.enum(['in', 'out']).meta({ description: 'To this server, or from it.' }),
  kind: z.enum(['request', 'response', 'event']),
  line: z.string().meta({ description: 'The request line or the status line; empty for an event of a stream.' }),
  headers: z.array(z.tuple([z.string(), z.string()])).meta({ description: 'Secrets are masked.' }),
  body: z.string().meta({ description: 'Exactly as text. An event of a stream with its `id:` and `data:` lines.' }),
});
export const framePageSchema = z.object({
  origin: z
    .enum(['rebuilt'])
    .meta({ description: '`rebuilt`: made again from the log, as a stream of this version and binding has it.' }),
  version: z.enum(['1.0', '0.3']),
  binding: z.enum(['JSONRPC', 'HTTP+JSON']),
  frames: z.array(frameSchema),
  nextAfter: z.int().nullable(),
});

export type TaskListQuery = z.input<typeof listTasksQuerySchema>;
export type TaskRow = z.output<typeof taskRowSchema>;
export type TaskList = z.output<typeof taskListSchema>;
export type TaskDetail = z.output<typeof taskDetailSchema>;
export type TaskEvent = z.output<typeof taskEventSchema>;
export type TaskEventPage = z.output<typeof taskEventPageSchema>;
export type RelatedTasks = z.output<typeof relatedTasksSchema>;
export type CreateTaskRequest = z.input<typeof createTaskRequestSchema>;
export type ContinueTaskRequest = z.input<typeof continueTaskRequestSchema>;
export type SendAnswer = z.output<typeof sendAnswerSchema>;
export type CancelAnswer = z.output<typeof cancelAnswerSchema>;
export type Frame = z.output<typeof frameSchema>;
export type FramePage = z.output<typeof framePageSchema>;
