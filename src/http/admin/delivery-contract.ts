/** The management API of push deliveries: what its requests and answers hold. */
import { z } from 'zod';
import { pageFields } from './contract.ts';

/** Which deliveries; what is left out does not narrow. */
const filter = {
  agentId: z.string().min(1).max(64).optional(),
  taskId: z.string().min(1).max(256).optional(),
  ownerId: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .meta({ description: 'For the admin; others see their own in any case.' }),
};

/** GET /api/v1/push/deliveries */
export const listDeliveriesQuerySchema = z.strictObject({
  state: z.enum(['pending', 'dead']).optional(),
  ...filter,
  ...pageFields,
});

/** POST /api/v1/push/deliveries/redeliver */
export const redeliverRequestSchema = z.strictObject(filter);

export const deliveryIdParamsSchema = z.object({ id: z.string().max(256) });

export const deliverySchema = z.object({
  id: z.string(),
  eventId: z.string().meta({ description: 'What the receiver gets as `parley-event-id`.' }),
  ownerId: z.string(),
  agentId: z.string(),
  taskId: z.string(),
  configId: z.string(),
  seq: z.int().meta({ description: 'Of the event within its task.' }),
  host: z.string().meta({ description: "The receiver's host. Its address may be a secret, and is not shown." }),
  state: z.enum(['pending', 'dead']),
  createdAt: z.iso.datetime(),
  attempts: z.int().meta({ description: 'Since it was made, or revived.' }),
  nextAttemptAt: z.iso
    .datetime()
    .nullable()
    .meta({ description: 'null: it waits for the delivery before it, or is dead.' }),
  reason: z.string().nullable().meta({ description: 'Why it is dead: `gone`, `retries_exhausted`, `event_missing`.' }),
  diedAt: z.iso.datetime().nullable(),
  history: z
    .array(
      z.object({
        at: z.iso.datetime(),
        durationMs: z.int(),
        status: z.int().nullable().meta({ description: "The receiver's HTTP status; null: it gave none." }),
        error: z.string(),
      }),
    )
    .meta({ description: 'Failed attempts, at most the last 20.' }),
});
export const deliveryListSchema = z.object({
  deliveries: z.array(deliverySchema),
  nextPageToken: z.string().meta({ description: 'Empty: this is the last page.' }),
});
export const redeliveredSchema = z.object({
  redelivered: z.int().meta({ description: 'Dead letters that wait again. Repeat the call until it is 0.' }),
});

export type Delivery = z.output<typeof deliverySchema>;
export type DeliveryList = z.output<typeof deliveryListSchema>;
export type Redelivered = z.output<typeof redeliveredSchema>;
