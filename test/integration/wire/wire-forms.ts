/** How each wire names its operations and where it puts the fields of a request. */
import type { Operation } from '../../../src/protocol/codec.ts';
import { codecFor } from '../../../src/protocol/version.ts';
import { requestBody } from './translation.ts';
import type { Fields, Wire } from './wire.ts';

export function rpcMethod(wire: Wire, operation: Operation): string {
  for (const [method, named] of codecFor(wire.version).methods) if (named === operation) return method;
  throw new Error(`${wire.name} has no ${operation}`);
}

export interface RestForm {
  readonly method: string;
  /** Below the agent's address, with its query. */
  readonly path: string;
  readonly body?: unknown;
}

/** Written out, and not taken from the server's own tables: these are the paths of the two documents. */
const PATHS: Readonly<Record<Operation, readonly [method: string, path: string]>> = {
  SendMessage: ['POST', '/message:send'],
  SendStreamingMessage: ['POST', '/message:stream'],
  GetTask: ['GET', '/tasks/{id}'],
  ListTasks: ['GET', '/tasks'],
  CancelTask: ['POST', '/tasks/{id}:cancel'],
  SubscribeToTask: ['POST', '/tasks/{id}:subscribe'],
  CreateTaskPushNotificationConfig: ['POST', '/tasks/{taskId}/pushNotificationConfigs'],
  GetTaskPushNotificationConfig: ['GET', '/tasks/{taskId}/pushNotificationConfigs/{id}'],
  ListTaskPushNotificationConfigs: ['GET', '/tasks/{taskId}/pushNotificationConfigs'],
  DeleteTaskPushNotificationConfig: ['DELETE', '/tasks/{taskId}/pushNotificationConfigs/{id}'],
  GetExtendedAgentCard: ['GET', '/extendedAgentCard'],
};

export function restRequest(wire: Wire, operation: Operation, fields: Fields): RestForm {
  const [method, template] = PATHS[operation];
  const form = requestBody(wire, operation, fields) as Fields;
  const inPath = new Set<string>();
  const path = template.replace(/\{(\w+)\}/g, (_match, name: string) => {
    inPath.add(name);
    return encodeURIComponent(String(fields[name]));
  });
  const rest = Object.entries(form).filter(([name]) => !inPath.has(name));
  const prefix = wire.version === '0.3' ? '/v1' : '';
  const place = wire.version === '0.3' && operation === 'GetExtendedAgentCard' ? '/card' : path;
  if (method === 'POST') return { method, path: `${prefix}${place}`, body: Object.fromEntries(rest) };
  const query = new URLSearchParams(rest.map(([name, value]): [string, string] => [name, String(value)])).toString();
  return { method, path: `${prefix}${place}${query === '' ? '' : `?${query}`}` };
}
