/**
 * The gRPC service of A2A 0.3.0 (its `specification/grpc/a2a.proto`). Requests name resources (`tasks/{id}`) where REST
 * has them in the path; all else is the ProtoJSON that the codec of 0.3 REST reads and writes.
 */
import type { Operation, OperationCall, RestInput } from '../codec.ts';
import type { GrpcMethod, GrpcService } from '../grpc.ts';
import { isJsonObject } from '../scalars.ts';
import { invalidParams } from '../violations.ts';
import { codecV03Rest } from './codec.ts';

/** ListTasks is not among them: 0.3.0 has it in no service definition. */
const METHODS: readonly GrpcMethod[] = [
  { name: 'SendMessage', operation: 'SendMessage' },
  { name: 'SendStreamingMessage', operation: 'SendStreamingMessage' },
  { name: 'GetTask', operation: 'GetTask' },
  { name: 'CancelTask', operation: 'CancelTask' },
  { name: 'TaskSubscription', operation: 'SubscribeToTask' },
  { name: 'CreateTaskPushNotificationConfig', operation: 'CreateTaskPushNotificationConfig' },
  { name: 'GetTaskPushNotificationConfig', operation: 'GetTaskPushNotificationConfig' },
  { name: 'ListTaskPushNotificationConfig', operation: 'ListTaskPushNotificationConfigs' },
  { name: 'DeleteTaskPushNotificationConfig', operation: 'DeleteTaskPushNotificationConfig' },
  { name: 'GetAgentCard', operation: 'GetExtendedAgentCard' },
];

type Fields = Readonly<Record<string, unknown>>;

/** Greedy: an id may hold slashes, which belong to it. */
const TASK = { pattern: /^tasks\/(.+)$/s, form: 'tasks/{id}' };
const CONFIG = {
  pattern: /^tasks\/(.+)\/pushNotificationConfigs\/([^/]+)$/s,
  form: 'tasks/{id}/pushNotificationConfigs/{configId}',
};
/** The annotation of 0.3.0 has the collection below the task as the parent, its clients have the task. */
const PARENT = { pattern: /^tasks?\/(.+?)(?:\/pushNotificationConfigs)?$/s, form: 'tasks/{id}' };

function decode(operation: Operation, request: unknown): OperationCall {
  const fields: Fields = isJsonObject(request) ? request : {};
  return codecV03Rest.decodeRest(operation, { params: {}, query: {}, body: undefined, ...inputOf(operation, fields) });
}

function inputOf(operation: Operation, fields: Fields): Partial<RestInput> {
  switch (operation) {
    case 'SendMessage':
    case 'SendStreamingMessage':
      return { body: withContent(fields) };
    case 'GetTask': {
      const { historyLength } = fields;
      const query = typeof historyLength === 'number' ? { historyLength: String(historyLength) } : {};
      return { params: idOf(fields, 'name', TASK), query };
    }
    case 'CancelTask':
    case 'SubscribeToTask':
      return { params: idOf(fields, 'name', TASK) };
    case 'GetTaskPushNotificationConfig':
    case 'DeleteTaskPushNotificationConfig':
      return { params: idOf(fields, 'name', CONFIG) };
    case 'CreateTaskPushNotificationConfig':
      return { params: idOf(fields, 'parent', PARENT), body: fields };
    case 'ListTaskPushNotificationConfigs':
      return { params: idOf(fields, 'parent', PARENT) };
    default:
      return {};
  }
}

/** ProtoJSON leaves an empty list out; errors are to name the field that the client knows. */
function withContent(fields: Fields): Fields {
  const { message } = fields;
  return isJsonObject(message) ? { ...fields, message: { content: [], ...message } } : fields;
}

/** The ids in a resource name. */
function idOf(
  fields: Fields,
  field: 'name' | 'parent',
  { pattern, form }: { readonly pattern: RegExp; readonly form: string },
): Record<string, string> {
  const name = fields[field];
  const match = typeof name === 'string' ? pattern.exec(name) : null;
  const [, id, configId] = match ?? [];
  if (id === undefined) throw invalidParams([{ field, description: `must be ${form}` }]);
  return configId === undefined ? { id } : { id, configId };
}

export const grpcV03: GrpcService = { name: 'a2a.v1.A2AService', methods: METHODS, codec: codecV03Rest, decode };
