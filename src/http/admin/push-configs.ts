/** /api/v1/tasks/{id}/push-configs: who is told of a task, by the operations that clients of A2A use. */
import type { FastifyInstance } from 'fastify';
import type { PushConfigs } from '../../core/push/push-configs.ts';
import type { TaskPushNotificationConfig } from '../../protocol/v1/types.ts';
import {
  createPushConfigRequestSchema,
  listPushConfigsQuerySchema,
  type PushConfig,
  type PushConfigList,
  pushConfigParamsSchema,
} from './push-config-contract.ts';
import { callOnTask, type TaskCallDeps } from './task-calls.ts';
import { TASKS_PATH } from './tasks.ts';
import { validate } from './validate.ts';

export interface PushConfigRoutesDeps extends TaskCallDeps {
  readonly push: PushConfigs;
}

const PATH = `${TASKS_PATH}/:id/push-configs`;

export function registerPushConfigs(app: FastifyInstance, deps: PushConfigRoutesDeps): void {
  const { push } = deps;

  app.get(PATH, async (request, reply): Promise<PushConfigList> => {
    const { pageToken } = validate(listPushConfigsQuerySchema, request.query);
    const { head, call } = await callOnTask(deps, request, reply, 'push-configs-read');
    const { configs, nextPageToken } = await push.list(call, { taskId: head.id, pageToken });
    const isOwn = head.ownerId === request.principal.ownerId;
    return { configs: configs.map((config) => show(config, isOwn)), nextPageToken };
  });

  app.post(PATH, async (request, reply): Promise<PushConfig> => {
    const asked = validate(createPushConfigRequestSchema, request.body);
    const { head, call } = await callOnTask(deps, request, reply, 'push-config-made');
    const made = await push.create(call, { taskId: head.id, ...asked });
    void reply.code(201);
    return show(made, head.ownerId === request.principal.ownerId);
  });

  app.delete(`${PATH}/:configId`, async (request, reply) => {
    const { configId } = validate(pushConfigParamsSchema, request.params);
    const { head, call } = await callOnTask(deps, request, reply, 'push-config-deleted');
    await push.delete(call, { taskId: head.id, id: configId });
    return reply.code(204).send();
  });
}

function show({ id = '', url, authentication }: TaskPushNotificationConfig, isOwn: boolean): PushConfig {
  return { id, host: new URL(url).host, url: isOwn ? url : null, scheme: authentication?.scheme ?? null };
}
