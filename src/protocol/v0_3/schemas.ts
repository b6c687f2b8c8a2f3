/** The A2A 0.3.0 requests as zod schemas, in the form of its JSON-RPC binding (specification 0.3.0 section 7). */
import { z } from 'zod';
import * as scalar from '../scalars.ts';
import type {
  ListTasksParams,
  Message,
  MessageSendConfiguration,
  MessageSendParams,
  Part,
  PushNotificationConfig,
  PushNotificationConfigParams,
  TaskIdParams,
  TaskPushNotificationConfig,
  TaskQueryParams,
} from './types.ts';
import { TASK_STATES } from './types.ts';

const metadata = scalar.optionalField(scalar.jsonObjectSchema);
const texts = scalar.optionalField(z.array(z.string()));
const optionalText = scalar.optionalField(z.string());

const fileSchema = z
  .object({
    uri: scalar.optionalField(z.string().min(1)),
    bytes: scalar.optionalField(scalar.base64Schema),
    mimeType: optionalText,
    name: optionalText,
  })
  .check((context) => {
    if (Number('uri' in context.value) + Number('bytes' in context.value) === 1) return;
    context.issues.push({ code: 'custom', message: 'must have exactly one of uri, bytes', input: context.value });
  });

/** Section 6.5. */
export const partSchema: z.ZodType<Part> = z.discriminatedUnion(
  'kind',
  [
    z.object({ kind: z.literal('text'), text: z.string(), metadata }),
    z.object({ kind: z.literal('file'), file: fileSchema, metadata }),
    z.object({ kind: z.literal('data'), data: scalar.jsonObjectSchema, metadata }),
  ],
  { error: 'must be one of text, file, data' },
);

/** Section 6.4. */
export const messageSchema: z.ZodType<Message> = z.object({
  kind: scalar.optionalField(z.literal('message')),
  messageId: scalar.messageIdSchema,
  contextId: scalar.optionalField(scalar.idSchema),
  taskId: scalar.optionalField(scalar.idSchema),
  role: z.enum(['user', 'agent']),
  parts: z.array(partSchema).min(1),
  metadata,
  extensions: texts,
  referenceTaskIds: scalar.optionalField(z.array(scalar.idSchema)),
});

/** Sections 6.8 and 6.9. */
export const pushConfigSchema: z.ZodType<PushNotificationConfig> = z.object({
  id: scalar.optionalField(scalar.idSchema),
  url: scalar.webhookUrlSchema,
  token: optionalText,
  authentication: scalar.optionalField(z.object({ schemes: texts, credentials: optionalText })),
});

export const sendConfigurationSchema: z.ZodType<MessageSendConfiguration> = z.object({
  acceptedOutputModes: texts,
  historyLength: scalar.optionalField(scalar.historyLengthSchema),
  pushNotificationConfig: scalar.optionalField(pushConfigSchema),
  blocking: scalar.optionalField(z.boolean()),
});

/** `message/send` and `message/stream`. */
export const sendMessageSchema: z.ZodType<MessageSendParams> = z.object({
  message: messageSchema,
  configuration: scalar.optionalField(sendConfigurationSchema),
  metadata,
});

export const getTaskSchema: z.ZodType<TaskQueryParams> = z.object({
  id: scalar.idSchema,
  historyLength: scalar.optionalField(scalar.historyLengthSchema),
  metadata,
});

/** `tasks/list`, which 0.3.0 names but does not define: the filters of 1.0, with the states of 0.3. */
export const listTasksSchema: z.ZodType<ListTasksParams> = z.object({
  contextId: scalar.optionalField(scalar.idSchema),
  status: scalar.optionalField(z.enum(TASK_STATES).exclude(['unknown'])),
  pageSize: scalar.optionalField(scalar.pageSizeSchema),
  pageToken: scalar.optionalField(scalar.shortTextSchema),
  historyLength: scalar.optionalField(scalar.historyLengthSchema),
  statusTimestampAfter: scalar.optionalField(scalar.timestampSchema),
  includeArtifacts: scalar.optionalField(z.boolean()),
});

/** `tasks/cancel`, `tasks/resubscribe`, `tasks/pushNotificationConfig/list`. */
export const taskIdSchema: z.ZodType<TaskIdParams> = z.object({ id: scalar.idSchema, metadata });

/** `tasks/pushNotificationConfig/set`. */
export const setPushConfigSchema: z.ZodType<TaskPushNotificationConfig> = z.object({
  taskId: scalar.idSchema,
  pushNotificationConfig: pushConfigSchema,
});

/** `tasks/pushNotificationConfig/get`, where the configuration's id may be left out. */
export const getPushConfigSchema: z.ZodType<PushNotificationConfigParams> = z.object({
  id: scalar.idSchema,
  pushNotificationConfigId: scalar.optionalField(scalar.idSchema),
  metadata,
});

/** `tasks/pushNotificationConfig/delete`. */
export const deletePushConfigSchema: z.ZodType<PushNotificationConfigParams & { pushNotificationConfigId: string }> =
  z.object({ id: scalar.idSchema, pushNotificationConfigId: scalar.idSchema, metadata });

/** `agent/getAuthenticatedExtendedCard` has no parameters. */
export const extendedCardRequestSchema: z.ZodType<Record<string, never>> = z.object({});
