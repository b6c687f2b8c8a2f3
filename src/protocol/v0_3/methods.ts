/** The JSON-RPC methods and REST routes of A2A 0.3.0 (specification 0.3.0 section 3.5.6). */
import type { Operation, RestRoute } from '../codec.ts';

export const METHODS: ReadonlyMap<string, Operation> = new Map<string, Operation>([
  ['message/send', 'SendMessage'],
  ['message/stream', 'SendStreamingMessage'],
  ['tasks/get', 'GetTask'],
  // Named by 0.3.0 for gRPC and REST only; served in JSON-RPC too, so that all bindings offer the same.
  ['tasks/list', 'ListTasks'],
  ['tasks/cancel', 'CancelTask'],
  ['tasks/resubscribe', 'SubscribeToTask'],
  ['tasks/pushNotificationConfig/set', 'CreateTaskPushNotificationConfig'],
  ['tasks/pushNotificationConfig/get', 'GetTaskPushNotificationConfig'],
  ['tasks/pushNotificationConfig/list', 'ListTaskPushNotificationConfigs'],
  ['tasks/pushNotificationConfig/delete', 'DeleteTaskPushNotificationConfig'],
  ['agent/getAuthenticatedExtendedCard', 'GetExtendedAgentCard'],
]);

const TASK = '/v1/tasks/{id}';
const PUSH_CONFIGS = `${TASK}/pushNotificationConfigs`;
const PUSH_CONFIG = `${PUSH_CONFIGS}/{configId}`;

/** Clients subscribe by POST (the document) and by GET (the proto annotation). */
export const REST_ROUTES: readonly RestRoute[] = [
  { method: 'POST', path: '/v1/message:send', operation: 'SendMessage' },
  { method: 'POST', path: '/v1/message:stream', operation: 'SendStreamingMessage' },
  { method: 'GET', path: TASK, operation: 'GetTask' },
  { method: 'GET', path: '/v1/tasks', operation: 'ListTasks' },
  { method: 'POST', path: `${TASK}:cancel`, operation: 'CancelTask' },
  { method: 'POST', path: `${TASK}:subscribe`, operation: 'SubscribeToTask' },
  { method: 'GET', path: `${TASK}:subscribe`, operation: 'SubscribeToTask' },
  { method: 'POST', path: PUSH_CONFIGS, operation: 'CreateTaskPushNotificationConfig' },
  { method: 'GET', path: PUSH_CONFIG, operation: 'GetTaskPushNotificationConfig' },
  { method: 'GET', path: PUSH_CONFIGS, operation: 'ListTaskPushNotificationConfigs' },
  { method: 'DELETE', path: PUSH_CONFIG, operation: 'DeleteTaskPushNotificationConfig' },
  { method: 'GET', path: '/v1/card', operation: 'GetExtendedAgentCard' },
];
