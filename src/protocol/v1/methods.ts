/** The JSON-RPC methods and REST routes of A2A 1.0 (section 5.3). */
import { OPERATIONS, type Operation, type RestRoute } from '../codec.ts';

/** In 1.0 the method name is the operation's name. */
export const METHODS: ReadonlyMap<string, Operation> = new Map(OPERATIONS.map((operation) => [operation, operation]));

const TASK = '/tasks/{id}';
const PUSH_CONFIGS = `${TASK}/pushNotificationConfigs`;
const PUSH_CONFIG = `${PUSH_CONFIGS}/{configId}`;

/**
 * Section 11.3. For SubscribeToTask the prose says POST and the proto annotation GET; clients of both kinds exist, so
 * both are served.
 */
export const REST_ROUTES: readonly RestRoute[] = [
  { method: 'POST', path: '/message:send', operation: 'SendMessage' },
  { method: 'POST', path: '/message:stream', operation: 'SendStreamingMessage' },
  { method: 'GET', path: TASK, operation: 'GetTask' },
  { method: 'GET', path: '/tasks', operation: 'ListTasks' },
  { method: 'POST', path: `${TASK}:cancel`, operation: 'CancelTask' },
  { method: 'POST', path: `${TASK}:subscribe`, operation: 'SubscribeToTask' },
  { method: 'GET', path: `${TASK}:subscribe`, operation: 'SubscribeToTask' },
  { method: 'POST', path: PUSH_CONFIGS, operation: 'CreateTaskPushNotificationConfig' },
  { method: 'GET', path: PUSH_CONFIG, operation: 'GetTaskPushNotificationConfig' },
  { method: 'GET', path: PUSH_CONFIGS, operation: 'ListTaskPushNotificationConfigs' },
  { method: 'DELETE', path: PUSH_CONFIG, operation: 'DeleteTaskPushNotificationConfig' },
  { method: 'GET', path: '/extendedAgentCard', operation: 'GetExtendedAgentCard' },
];
