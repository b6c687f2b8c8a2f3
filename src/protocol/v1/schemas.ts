/** The A2A 1.0 messages, tasks and requests as zod schemas: what a client may send and what an answer looks like. */
import { z } from 'zod';
import type { JsonValue } from '../json.ts';
import * as scalar from '../scalars.ts';
import type {
  Artifact,
  GetTaskRequest,
  ListPushConfigsRequest,
  ListTasksRequest,
  Message,
  Part,
  PushConfigIdRequest,
  SendMessageConfiguration,
  SendMessageRequest,
  StreamResponse,
  Task,
  TaskArtifactUpdateEvent,
  TaskIdRequest,
  TaskPushNotificationConfig,
  TaskStatus,
  TaskStatusUpdateEvent,
} from './types.ts';
import { TASK_STATES } from './types.ts';

const metadata = scalar.optionalField(scalar.jsonObjectSchema);
const tenant = scalar.optionalField(scalar.shortTextSchema);
const texts = scalar.optionalField(z.array(z.string()));

/** Any JSON value, `null` too; present or absent is decided by the Part. */
const jsonValueSchema = z.custom<JsonValue>((value) => value !== undefined);

/** Section 4.1.6. */
export const partSchema: z.ZodType<Part> = z
  .object({
    text: scalar.optionalField(z.string()),
    raw: scalar.optionalField(scalar.base64Schema),
    url: scalar.optionalField(z.string().min(1)),
    data: scalar.optionalField(jsonValueSchema),
    metadata,
    filename: scalar.optionalField(z.string()),
    mediaType: scalar.optionalField(z.string()),
  })
  .check((context) => {
    if (countContents(context.value) === 1) return;
    const message = 'must have exactly one of text, raw, url, data';
    context.issues.push({ code: 'custom', message, input: context.value });
  });

function countContents(part: object): number {
  return Number('text' in part) + Number('raw' in part) + Number('url' in part) + Number('data' in part);
}

/** ROLE_UNSPECIFIED and unknown roles are refused; the proto definition has no other rule for what a client sends. */
const roleSchema = z.enum(['ROLE_USER', 'ROLE_AGENT']);

/** Section 4.1.4. */
export const messageSchema: z.ZodType<Message> = z.object({
  messageId: scalar.messageIdSchema,
  contextId: scalar.optionalField(scalar.idSchema),
  taskId: scalar.optionalField(scalar.idSchema),
  role: roleSchema,
  parts: z.array(partSchema).min(1),
  metadata,
  extensions: texts,
  referenceTaskIds: scalar.optionalField(z.array(scalar.idSchema)),
});

export const authenticationInfoSchema = z.object({
  scheme: z.string().min(1).max(256),
  credentials: scalar.optionalField(z.string()),
});

/** Section 4.3.1. */
export const pushConfigSchema: z.ZodType<TaskPushNotificationConfig> = z.object({
  tenant,
  id: scalar.optionalField(scalar.idSchema),
  taskId: scalar.optionalField(scalar.idSchema),
  url: scalar.webhookUrlSchema,
  token: scalar.optionalField(z.string()),
  authentication: scalar.optionalField(authenticationInfoSchema),
});

/** Section 3.2.2. */
export const sendConfigurationSchema: z.ZodType<SendMessageConfiguration> = z.object({
  acceptedOutputModes: texts,
  taskPushNotificationConfig: scalar.optionalField(pushConfigSchema),
  historyLength: scalar.optionalField(scalar.historyLengthSchema),
  returnImmediately: scalar.optionalField(z.boolean()),
});

/** Section 3.2.1. */
export const sendMessageSchema: z.ZodType<SendMessageRequest> = z.object({
  tenant,
  message: messageSchema,
  configuration: scalar.optionalField(sendConfigurationSchema),
  metadata,
});

export const getTaskSchema: z.ZodType<GetTaskRequest> = z.object({
  tenant,
  id: scalar.idSchema,
  historyLength: scalar.optionalField(scalar.historyLengthSchema),
});

/** Section 3.1.4. `TASK_STATE_UNSPECIFIED` is refused: the prose lists the eight states as the allowed values. */
export const listTasksSchema: z.ZodType<ListTasksRequest> = z.object({
  tenant,
  contextId: scalar.optionalField(scalar.idSchema),
  status: scalar.optionalField(z.enum(TASK_STATES)),
  pageSize: scalar.optionalField(scalar.pageSizeSchema),
  pageToken: scalar.optionalField(scalar.shortTextSchema),
  historyLength: scalar.optionalField(scalar.historyLengthSchema),
  statusTimestampAfter: scalar.optionalField(scalar.timestampSchema),
  includeArtifacts: scalar.optionalField(z.boolean()),
});

/** CancelTask and SubscribeToTask. */
export const taskIdSchema: z.ZodType<TaskIdRequest> = z.object({ tenant, id: scalar.idSchema, metadata });

export const createPushConfigSchema: z.ZodType<TaskPushNotificationConfig & { taskId: string }> = z.object({
  tenant,
  id: scalar.optionalField(scalar.idSchema),
  taskId: scalar.idSchema,
  url: scalar.webhookUrlSchema,
  token: scalar.optionalField(z.string()),
  authentication: scalar.optionalField(authenticationInfoSchema),
});

export const pushConfigIdSchema: z.ZodType<PushConfigIdRequest> = z.object({
  tenant,
  taskId: scalar.idSchema,
  id: scalar.idSchema,
});

export const listPushConfigsSchema: z.ZodType<ListPushConfigsRequest> = z.object({
  tenant,
  taskId: scalar.idSchema,
  pageSize: scalar.optionalField(scalar.pageSizeSchema),
  pageToken: scalar.optionalField(scalar.shortTextSchema),
});

export const extendedCardRequestSchema: z.ZodType<{ tenant?: string }> = z.object({ tenant });

/** Section 4.1.7. */
export const artifactSchema: z.ZodType<Artifact> = z.object({
  artifactId: scalar.idSchema,
  name: scalar.optionalField(z.string()),
  description: scalar.optionalField(z.string()),
  parts: z.array(partSchema).min(1),
  metadata,
  extensions: texts,
});

/** Section 4.1.2. */
export const taskStatusSchema: z.ZodType<TaskStatus> = z.object({
  state: z.enum(TASK_STATES),
  message: scalar.optionalField(messageSchema),
  timestamp: scalar.optionalField(scalar.timestampSchema),
});

/** Section 4.1.1. */
export const taskSchema: z.ZodType<Task> = z.object({
  id: scalar.idSchema,
  contextId: scalar.optionalField(scalar.idSchema),
  status: taskStatusSchema,
  artifacts: scalar.optionalField(z.array(artifactSchema)),
  history: scalar.optionalField(z.array(messageSchema)),
  metadata,
});

/** Section 4.2.1. */
export const statusUpdateSchema: z.ZodType<TaskStatusUpdateEvent> = z.object({
  taskId: scalar.idSchema,
  contextId: scalar.idSchema,
  status: taskStatusSchema,
  metadata,
});

/** Section 4.2.2. */
export const artifactUpdateSchema: z.ZodType<TaskArtifactUpdateEvent> = z.object({
  taskId: scalar.idSchema,
  contextId: scalar.idSchema,
  artifact: artifactSchema,
  append: scalar.optionalField(z.boolean()),
  lastChunk: scalar.optionalField(z.boolean()),
  metadata,
});

/** The answer to SendMessage: exactly one of the two. */
export const sendMessageResponseSchema: z.ZodType<{ task: Task } | { message: Message }> = z.union([
  z.object({ task: taskSchema }),
  z.object({ message: messageSchema }),
]);

/** Section 3.2.3: exactly one of the four. */
export const streamResponseSchema: z.ZodType<StreamResponse> = z.union([
  z.object({ task: taskSchema }),
  z.object({ message: messageSchema }),
  z.object({ statusUpdate: statusUpdateSchema }),
  z.object({ artifactUpdate: artifactUpdateSchema }),
]);

export const listTasksResponseSchema = z.object({
  tasks: z.array(taskSchema),
  nextPageToken: z.string(),
  pageSize: z.int(),
  totalSize: z.int(),
});

export const listPushConfigsResponseSchema = z.object({
  configs: z.array(pushConfigSchema),
  nextPageToken: scalar.optionalField(z.string()),
});
