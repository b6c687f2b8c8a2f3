/** The client of @a2a-js/sdk 1.x: its own 1.0, and what it speaks to agents of 0.3. */
import * as sdk from '@a2a-js/sdk';
import * as sdkClient from '@a2a-js/sdk/client';
import {
  type Client,
  DefaultAgentCardResolver,
  JsonRpcTransportFactory,
  RestTransportFactory,
} from '@a2a-js/sdk/client';
import { GrpcTransportFactory } from '@a2a-js/sdk/client/grpc';
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

async function connect(version: '1.0' | '0.3', binding: Binding, options: ConnectOptions): Promise<InteropClient> {
  const { cardUrl, key, through } = options;
  const fetchImpl = fetchWithKey(key);
  const card = await new DefaultAgentCardResolver({ fetchImpl }).resolve(cardUrl, '');
  // The card offers both versions over each binding; the client takes the first that it knows.
  const supportedInterfaces = card.supportedInterfaces
    .filter(({ protocolBinding, protocolVersion }) => protocolBinding === binding && protocolVersion === version)
    .map((offered) => ({ ...offered, url: rebased(offered.url, through) }));
  const transportOptions = { fetchImpl, legacyCompat: { enabled: true } };
  const factory = new sdkClient.ClientFactory({
    transports: [
      new JsonRpcTransportFactory(transportOptions),
      new RestTransportFactory(transportOptions),
      new GrpcTransportFactory({ legacyCompat: { enabled: true } }),
    ],
    clientConfig: { interceptors: binding === 'GRPC' ? [keyInterceptor(key)] : [] },
  });
  const client = adapted(await factory.createFromAgentCard({ ...card, supportedInterfaces }));
  if (version === '1.0') return client;
  // Its 0.3 has no ListTasks: the operation is not in the JSON-RPC of 0.3.0.
  const { list: _none, ...others } = client;
  return others;
}

function adapted(client: Client): InteropClient {
  const request = (text: string, { taskId, contextId, isImmediate }: Parameters<InteropClient['send']>[1] = {}) =>
    sdk.SendMessageRequest.fromJSON({
      message: { messageId: crypto.randomUUID(), role: 'ROLE_USER', parts: [{ text }], taskId, contextId },
      configuration: { returnImmediately: isImmediate === true },
    });
  return {
    async send(text, options) {
      const result = await client.sendMessage(request(text, options));
      if (!('status' in result)) throw new Error('the answer is no task');
      return taskOf(result);
    },
    stream: (text) => eventsOf(client.sendMessageStream(request(text))),
    get: async (id, historyLength) => taskOf(await client.getTask(sdk.GetTaskRequest.fromJSON({ id, historyLength }))),
    list: async (contextId) => {
      const page = await client.listTasks(sdk.ListTasksRequest.fromJSON({ contextId }));
      return page.tasks.map(taskOf);
    },
    cancel: async (id) => taskOf(await client.cancelTask(sdk.CancelTaskRequest.fromJSON({ id }))),
    subscribe: (id) => eventsOf(client.resubscribeTask(sdk.SubscribeToTaskRequest.fromJSON({ id }))),
    createPushConfig: async (config) =>
      configOf(await client.createTaskPushNotificationConfig(sdk.TaskPushNotificationConfig.fromJSON(config))),
    getPushConfig: async (taskId, id) =>
      configOf(
        await client.getTaskPushNotificationConfig(sdk.GetTaskPushNotificationConfigRequest.fromJSON({ taskId, id })),
      ),
    async listPushConfigs(taskId) {
      const asked = sdk.ListTaskPushNotificationConfigsRequest.fromJSON({ taskId });
      return (await client.listTaskPushNotificationConfig(asked)).configs.map(configOf);
    },
    deletePushConfig: (taskId, id) =>
      client.deleteTaskPushNotificationConfig(sdk.DeleteTaskPushNotificationConfigRequest.fromJSON({ taskId, id })),
    cardExtensions: async () => ((await client.getAgentCard()).capabilities?.extensions ?? []).map(({ uri }) => uri),
  };
}

const taskOf = (task: sdk.Task): Task => sdk.Task.toJSON(task) as Task;
const configOf = (config: sdk.TaskPushNotificationConfig): TaskPushNotificationConfig =>
  sdk.TaskPushNotificationConfig.toJSON(config) as TaskPushNotificationConfig;

async function* eventsOf(events: AsyncIterable<sdk.StreamResponse>): AsyncGenerator<StreamResponse> {
  for await (const event of events) yield sdk.StreamResponse.toJSON(event) as StreamResponse;
}

const under = (version: '1.0' | '0.3', binding: Binding): ClientUnderTest => ({
  name: `@a2a-js/sdk 1.x, ${version} ${binding}`,
  isOldGrpc: version === '0.3' && binding === 'GRPC',
  connect: (options) => connect(version, binding, options),
});

export const SDK_V1: readonly ClientUnderTest[] = [
  under('1.0', 'JSONRPC'),
  under('1.0', 'HTTP+JSON'),
  under('0.3', 'JSONRPC'),
  under('0.3', 'HTTP+JSON'),
  under('1.0', 'GRPC'),
  under('0.3', 'GRPC'),
];
