/** The management API of a task's push configurations: what its requests and answers hold. */
import { z } from 'zod';
import { idSchema, optionalField, webhookUrlSchema } from '../../protocol/scalars.ts';
import { authenticationInfoSchema } from '../../protocol/v1/schemas.ts';

/** POST /api/v1/tasks/{id}/push-configs */
export const createPushConfigRequestSchema = z.strictObject({
  id: optionalField(idSchema).meta({ description: 'Default: the server makes one. One that exists is replaced.' }),
  url: webhookUrlSchema.meta({ description: 'Where each event is sent to, by POST.' }),
  token: optionalField(z.string().min(1)).meta({
    description: 'Sent as `x-a2a-notification-token`, and shown to nobody again.',
  }),
  authentication: optionalField(authenticationInfoSchema).meta({
    description: 'Sent as the header `Authorization`. Credentials are shown to nobody again.',
  }),
});

export const pushConfigParamsSchema = z.object({ id: z.string().max(256), configId: z.string().max(256) });

export const pushConfigSchema = z.object({
  id: z.string(),
  host: z.string(),
  url: z.string().nullable().meta({ description: 'For its owner. It may be a secret: others see the host.' }),
  scheme: z.string().nullable().meta({ description: 'Of its credentials; null: it has none.' }),
});
export const pushConfigListSchema = z.object({
  configs: z.array(pushConfigSchema),
  nextPageToken: z.string().meta({ description: 'Empty: this is the last page.' }),
});
export const listPushConfigsQuerySchema = z.strictObject({ pageToken: z.string().max(512).default('') });

export type CreatePushConfigRequest = z.input<typeof createPushConfigRequestSchema>;
export type PushConfig = z.output<typeof pushConfigSchema>;
export type PushConfigList = z.output<typeof pushConfigListSchema>;
