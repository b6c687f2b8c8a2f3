/** /api/v1/push/deliveries: the outbox of push notifications, for owners and for the admin. */
import type { FastifyInstance } from 'fastify';
import { eventIdOf } from '../../core/push/payload.ts';
import type { PushDeliveries } from '../../core/push/push-deliveries.ts';
import type { DeliveryCursor, DeliveryRecord } from '../../core/push/push-store.ts';
import { invalidParams } from '../../protocol/violations.ts';
import type {} from '../request.ts';
import {
  type Delivery,
  type DeliveryList,
  deliveryIdParamsSchema,
  listDeliveriesQuerySchema,
  type Redelivered,
  redeliverRequestSchema,
} from './delivery-contract.ts';
import { validate } from './validate.ts';

const PATH = '/api/v1/push/deliveries';

export function registerDeliveries(
  app: FastifyInstance,
  { deliveries }: { readonly deliveries: PushDeliveries },
): void {
  app.get(PATH, async (request): Promise<DeliveryList> => {
    const { state, agentId, taskId, ownerId, pageSize, pageToken } = validate(listDeliveriesQuerySchema, request.query);
    const filter = { state, agentId, taskId, ownerId, agentIds: undefined };
    const page = await deliveries.list(request.principal, filter, parsePageToken(pageToken), pageSize);
    return { deliveries: page.deliveries.map(show), nextPageToken: formatPageToken(page.next) };
  });

  app.get(`${PATH}/:id`, async (request): Promise<Delivery> => {
    return show(await deliveries.get(request.principal, validate(deliveryIdParamsSchema, request.params).id));
  });

  app.post(`${PATH}/:id/redeliver`, async (request): Promise<Delivery> => {
    return show(await deliveries.redeliver(request.principal, validate(deliveryIdParamsSchema, request.params).id));
  });

  app.post(`${PATH}/redeliver`, async (request): Promise<Redelivered> => {
    const { agentId, taskId, ownerId } = validate(redeliverRequestSchema, request.body ?? {});
    const filter = { state: undefined, agentId, taskId, ownerId, agentIds: undefined };
    return { redelivered: await deliveries.redeliverAll(request.principal, filter) };
  });

  app.delete(`${PATH}/:id`, async (request, reply) => {
    await deliveries.discard(request.principal, validate(deliveryIdParamsSchema, request.params).id);
    return reply.code(204).send();
  });
}

function show(record: DeliveryRecord): Delivery {
  const { createdAtMs, nextAttemptAtMs, diedAtMs, history, ...same } = record;
  return {
    ...same,
    eventId: eventIdOf(record),
    createdAt: toTime(createdAtMs),
    nextAttemptAt: nextAttemptAtMs === null ? null : toTime(nextAttemptAtMs),
    diedAt: diedAtMs === null ? null : toTime(diedAtMs),
    history: history.map(({ atMs, ...attempt }) => ({ at: toTime(atMs), ...attempt })),
  };
}

const toTime = (ms: number) => new Date(ms).toISOString();

function formatPageToken(next: DeliveryCursor | null): string {
  return next === null ? '' : Buffer.from(`${next.configNum} ${next.state} ${next.seq}`).toString('base64url');
}

function parsePageToken(token: string): DeliveryCursor | null {
  if (token === '') return null;
  const [, configNum, state, seq] =
    /^(\d{1,15}) ([01]) (\d{1,7})$/.exec(Buffer.from(token, 'base64url').toString()) ?? [];
  if (configNum === undefined || state === undefined || seq === undefined) {
    throw invalidParams([{ field: 'pageToken', description: 'is not the nextPageToken of an earlier answer' }]);
  }
  return { configNum: Number(configNum), state: Number(state), seq: Number(seq) };
}
