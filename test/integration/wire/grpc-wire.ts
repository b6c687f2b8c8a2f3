/** The two gRPC wires: requests to their messages, answers back to the 1.0 form. */
import { status } from '@grpc/grpc-js';
import type { Operation } from '../../../src/protocol/codec.ts';
import type { JsonValue } from '../../../src/protocol/json.ts';
import { isJsonObject } from '../../../src/protocol/scalars.ts';
import {
  type GrpcAnswer,
  type GrpcCallOptions,
  type GrpcClient,
  grpcClientOf,
  grpcMethod,
} from '../../support/grpc-client.ts';
import { eventOf, requestBody, resultOf } from './translation.ts';
import type { Answer, CallOptions, Fields, StreamAnswer, Target, Wire, WireError } from './wire.ts';

const CONTENT_TYPE = 'application/grpc+proto';

function messageOf(wire: Wire, operation: Operation, fields: Fields): JsonValue {
  const form = requestBody(wire, operation, fields) as Fields;
  if (wire.version === '1.0') return form as JsonValue;
  const { id, taskId, historyLength } = form;
  const task = `tasks/${String(taskId ?? id)}`;
  switch (operation) {
    case 'GetTask':
      return { name: task, ...(historyLength === undefined ? {} : { historyLength: historyLength as number }) };
    case 'CancelTask':
    case 'SubscribeToTask':
      return { name: task };
    case 'CreateTaskPushNotificationConfig': {
      const { pushNotificationConfig } = form;
      return { parent: task, configId: 'config-1', config: { pushNotificationConfig } } as JsonValue;
    }
    case 'GetTaskPushNotificationConfig':
    case 'DeleteTaskPushNotificationConfig':
      return { name: `${task}/pushNotificationConfigs/${String(id)}` };
    case 'ListTaskPushNotificationConfigs':
      return { parent: task };
    default:
      return form as JsonValue;
  }
}

function clientOf(parley: Target): GrpcClient {
  const grpcPort = parley.ports?.grpcPort;
  if (grpcPort === undefined) throw new Error(`${parley.url} has no gRPC`);
  return grpcClientOf(`127.0.0.1:${grpcPort}`);
}

function ask(
  parley: Target,
  wire: Wire,
  operation: Operation,
  fields: Fields,
  options: CallOptions & Pick<GrpcCallOptions, 'count'>,
): Promise<GrpcAnswer> {
  const { headers = {}, count } = options;
  const metadata = { authorization: `Bearer ${parley.adminKey}`, ...headers };
  const message = messageOf(wire, operation, fields);
  const limits = { deadlineMs: 10_000, ...(count === undefined ? {} : { count }) };
  return clientOf(parley).call(grpcMethod(wire.version, operation), message, { metadata, ...limits });
}

const statusOf = ({ code }: GrpcAnswer): number => (code === 'OK' ? 200 : status[code as keyof typeof status]);

export async function callGrpc(
  parley: Target,
  wire: Wire,
  operation: Operation,
  fields: Fields,
  options: CallOptions,
): Promise<Answer> {
  const answer = await ask(parley, wire, operation, fields, options);
  const error = errorOf(answer);
  const [message] = answer.messages;
  const json = operation === 'ListTasks' ? { tasks: [], nextPageToken: '', totalSize: 0, ...Object(message) } : message;
  const result = error === undefined ? resultOf(wire, operation, withMilliseconds(json)) : undefined;
  return { status: statusOf(answer), contentType: CONTENT_TYPE, result, error };
}

export async function streamGrpc(
  parley: Target,
  wire: Wire,
  operation: 'SendStreamingMessage' | 'SubscribeToTask',
  fields: Fields,
  options: CallOptions & { readonly count?: number },
): Promise<StreamAnswer> {
  const answer = await ask(parley, wire, operation, fields, options);
  const wasLeft = answer.code === 'CANCELLED' && answer.messages.length === options.count;
  const error = wasLeft ? undefined : errorOf(answer);
  const first = Number(answer.head['first-event-id']);
  const ids = answer.messages.map((_message, index) => String(first + index));
  const last = answer.trailers['last-event-id'];
  if (last !== undefined && last !== ids.at(-1)) throw new Error(`The last event is ${ids.at(-1)}, not ${last}`);
  return {
    status: wasLeft ? 200 : statusOf(answer),
    contentType: CONTENT_TYPE,
    ids,
    events: answer.messages.map((message) => eventOf(wire, withMilliseconds(message))),
    error,
  };
}

function errorOf({ code, message, details }: GrpcAnswer): WireError | undefined {
  if (code === 'OK') return undefined;
  const objects = details.filter(isJsonObject);
  const info = objects.find((detail) => typeof detail['reason'] === 'string') ?? {};
  const violations = objects.flatMap((detail) => (detail['fieldViolations'] ?? []) as { field: string }[]);
  return {
    reason: typeof info['reason'] === 'string' ? info['reason'] : code,
    message,
    fields: violations.map(({ field }) => field),
    metadata: (info['metadata'] ?? {}) as Record<string, string>,
    code: status[code as keyof typeof status],
  };
}

/** The JSON of a Timestamp has no fraction where that is zero; the text that Parley writes always has one. */
function withMilliseconds(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withMilliseconds);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => {
      const isTime = name === 'timestamp' && typeof field === 'string' && /^\d{4}-.*Z$/.test(field);
      return [name, isTime ? new Date(field).toISOString() : withMilliseconds(field)];
    }),
  );
}
