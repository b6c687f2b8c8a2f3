/** Requests to try, one for each method and version. A test decodes each of them with the codec of its version. */
import type { Operation, ProtocolVersion } from '../../protocol/codec.ts';
import type { Json } from './openapi-shared.ts';

const TASK_ID = 'TASK_ID';
const HOOK = 'https://hooks.example.com/a2a';

const message = (text: string): Json => ({ messageId: 'm-1', role: 'ROLE_USER', parts: [{ text }] });
const messageV03 = (text: string): Json => ({
  kind: 'message',
  messageId: 'm-1',
  role: 'user',
  parts: [{ kind: 'text', text }],
});

const PARAMS: Readonly<Record<Operation, Json>> = {
  SendMessage: { message: message('hello') },
  SendStreamingMessage: { message: message('/stream count=5 interval=500') },
  GetTask: { id: TASK_ID, historyLength: 10 },
  ListTasks: { pageSize: 10 },
  CancelTask: { id: TASK_ID },
  SubscribeToTask: { id: TASK_ID },
  CreateTaskPushNotificationConfig: { taskId: TASK_ID, id: 'config-1', url: HOOK },
  GetTaskPushNotificationConfig: { taskId: TASK_ID, id: 'config-1' },
  ListTaskPushNotificationConfigs: { taskId: TASK_ID },
  DeleteTaskPushNotificationConfig: { taskId: TASK_ID, id: 'config-1' },
  GetExtendedAgentCard: {},
};

const PARAMS_V03: Readonly<Record<Operation, Json>> = {
  ...PARAMS,
  SendMessage: { message: messageV03('hello') },
  SendStreamingMessage: { message: messageV03('/stream count=5 interval=500') },
  CreateTaskPushNotificationConfig: { taskId: TASK_ID, pushNotificationConfig: { id: 'config-1', url: HOOK } },
  GetTaskPushNotificationConfig: { id: TASK_ID, pushNotificationConfigId: 'config-1' },
  ListTaskPushNotificationConfigs: { id: TASK_ID },
  DeleteTaskPushNotificationConfig: { id: TASK_ID, pushNotificationConfigId: 'config-1' },
};

/** The `params` of a JSON-RPC request. */
export function exampleParams(operation: Operation, version: ProtocolVersion): Json {
  return (version === '1.0' ? PARAMS : PARAMS_V03)[operation];
}

/** The body of a REST request, or undefined where it has none. 0.3 clients send ProtoJSON. */
export function exampleBody(operation: Operation, version: ProtocolVersion): Json | undefined {
  switch (operation) {
    case 'SendMessage':
    case 'SendStreamingMessage':
      return version === '1.0' ? PARAMS[operation] : { message: protoMessage(operation) };
    case 'CreateTaskPushNotificationConfig':
      return version === '1.0' ? { id: 'config-1', url: HOOK } : { config: { pushNotificationConfig: { url: HOOK } } };
    default:
      return undefined;
  }
}

function protoMessage(operation: 'SendMessage' | 'SendStreamingMessage'): Json {
  const text = operation === 'SendMessage' ? 'hello' : '/stream count=5 interval=500';
  return { messageId: 'm-1', role: 'ROLE_USER', content: [{ text }] };
}

/** What a stream looks like. */
export const STREAM_EXAMPLE = [
  'id: 1',
  'data: {"task":{"id":"0199","contextId":"0198","status":{"state":"TASK_STATE_SUBMITTED"}}}',
  '',
  'id: 2',
  'data: {"statusUpdate":{"taskId":"0199","contextId":"0198","status":{"state":"TASK_STATE_WORKING"}}}',
  '',
  '',
].join('\n');
