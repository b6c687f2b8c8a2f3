/** The client of @a2a-js/sdk 0.3.x. */
import type { Message, TaskPushNotificationConfig as OldConfig, Task as OldTask } from 'a2a-sdk-0.3';
import {
  type Client,
  ClientFactory,
  DefaultAgentCardResolver,
  JsonRpcTransportFactory,
  RestTransportFactory,
} from 'a2a-sdk-0.3/client';
import { GrpcTransportFactory } from 'a2a-sdk-0.3/client/grpc';
import * as translate from '../../../src/protocol/v0_3/translate.ts';
import type * as v03 from '../../../src/protocol/v0_3/types.ts';
import type { StreamResponse, Task, TaskPushNotificationConfig } from '../../../src/protocol/v1/types.ts';
import {
  type ClientUnderTest,
  type ConnectOptions,
  fetchWithKey,
  type InteropClient,
  keyInterceptor,
  rebased,
} from './client.ts';

type Binding = 'JSONRPC' | 'HTTP+JSON' | 'GRPC';

async function connect(binding: Binding, { cardUrl, key, through }: ConnectOptions): Promise<InteropClient> {
  const fetchImpl = fetchWithKey(key);
  const card = await new DefaultAgentCardResolver({ fetchImpl }).resolve(cardUrl, '');
  const url = rebased(card.url, through);
  const factory = new ClientFactory({
    transports: [
      new JsonRpcTransportFactory({ fetchImpl }),
      new RestTransportFactory({ fetchImpl }),
      new GrpcTransportFactory(),
    ],
    clientConfig: { interceptors: binding === 'GRPC' ? [keyInterceptor(key)] : [] },
    preferredTransports: [binding],
  });
  const additionalInterfaces = (card.additionalInterfaces ?? []).map((offered) => ({
    ...offered,
    url: rebased(offered.url, through),
  }));
  return adapted(await factory.createFromAgentCard({ ...card, url, additionalInterfaces }));
}

function adapted(client: Client): InteropClient {
  const request = (text: string, { taskId, contextId, isImmediate }: Parameters<InteropClient['send']>[1] = {}) => {
    const message: Message = {
      kind: 'message',
      messageId: crypto.randomUUID(),
      role: 'user',
      parts: [{ kind: 'text', text }],
      ...(taskId === undefined ? {} : { taskId }),
      ...(contextId === undefined ? {} : { contextId }),
    };
    return { message, configuration: { blocking: isImmediate !== true } };
  };
  return {
    async send(text, options) {
      const result = await client.sendMessage(request(text, options));
      if (result.kind !== 'task') throw new Error('the answer is no task');
      return taskOf(result);
    },
    stream: (text) => eventsOf(client.sendMessageStream(request(text))),
    get: async (id, historyLength) =>
      taskOf(await client.getTask({ id, ...(historyLength === undefined ? {} : { historyLength }) })),
    cancel: async (id) => taskOf(await client.cancelTask({ id })),
    subscribe: (id) => eventsOf(client.resubscribeTask({ id })),
    createPushConfig: async ({ taskId = '', ...config }) =>
      configOf(
        await client.setTaskPushNotificationConfig({
          taskId,
          pushNotificationConfig: translate.pushConfigToV03(config) as OldConfig['pushNotificationConfig'],
        }),
      ),
    getPushConfig: async (taskId, id) => configOf(await client.getTaskPushNotificationConfig(configId(taskId, id))),
    listPushConfigs: async (taskId) => (await client.listTaskPushNotificationConfig({ id: taskId })).map(configOf),
    deletePushConfig: (taskId, id) => client.deleteTaskPushNotificationConfig(configId(taskId, id)),
    cardExtensions: async () => ((await client.getAgentCard()).capabilities.extensions ?? []).map(({ uri }) => uri),
  };
}

/** What getting takes, by its types, is a task's id alone; it passes on whatever it is given. */
const configId = (taskId: string, id: string) => ({ id: taskId, pushNotificationConfigId: id });
const taskOf = (task: OldTask): Task => translate.taskToV1(task as v03.Task);

function configOf({ taskId, pushNotificationConfig }: OldConfig): TaskPushNotificationConfig {
  return { ...translate.pushConfigToV1(pushNotificationConfig), taskId };
}

async function* eventsOf(events: AsyncIterable<unknown>): AsyncGenerator<StreamResponse> {
  for await (const event of events) yield translate.eventToV1(event as v03.StreamResult);
}

export const SDK_V0_3: readonly ClientUnderTest[] = (['JSONRPC', 'HTTP+JSON', 'GRPC'] as const).map((binding) => ({
  name: `@a2a-js/sdk 0.3.x, ${binding}`,
  isOldGrpc: binding === 'GRPC',
  connect: (options) => connect(binding, options),
}));
