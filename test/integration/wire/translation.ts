/** Requests from 1.0 to what a wire sends, and answers back to 1.0. */
import type { Operation } from '../../../src/protocol/codec.ts';
import { isJsonObject } from '../../../src/protocol/scalars.ts';
import * as translate from '../../../src/protocol/v0_3/translate.ts';
import type * as v03 from '../../../src/protocol/v0_3/types.ts';
import type * as v1 from '../../../src/protocol/v1/types.ts';
import type { Fields, Wire } from './wire.ts';

const isOld = (wire: Wire): boolean => wire.version === '0.3';
/** REST and gRPC: both are ProtoJSON. */
const isOldRest = (wire: Wire): boolean => isOld(wire) && wire.binding !== 'JSONRPC';

/** JSON-RPC `params`, or the fields of a REST request wherever they go, in the form of the wire. */
export function requestBody(wire: Wire, operation: Operation, fields: Fields): unknown {
  if (!isOld(wire)) return fields;
  switch (operation) {
    case 'SendMessage':
    case 'SendStreamingMessage':
      return sendBody(wire, fields as unknown as v1.SendMessageRequest);
    case 'ListTasks': {
      const { status, ...same } = fields;
      return status === undefined ? same : { ...same, status: translate.stateToV03(status as v1.TaskState) };
    }
    case 'CreateTaskPushNotificationConfig': {
      const { taskId, ...config } = fields;
      const nested = translate.pushConfigToV03(config as unknown as v1.TaskPushNotificationConfig);
      return { taskId, pushNotificationConfig: nested };
    }
    case 'GetTaskPushNotificationConfig':
    case 'DeleteTaskPushNotificationConfig':
      return isOldRest(wire) ? fields : { id: fields['taskId'], pushNotificationConfigId: fields['id'] };
    case 'ListTaskPushNotificationConfigs':
      return isOldRest(wire) ? fields : { id: fields['taskId'] };
    default:
      return fields;
  }
}

/** REST in the ProtoJSON that the official 0.3 clients send, JSON-RPC in the document's own form. */
function sendBody(wire: Wire, { message, configuration }: v1.SendMessageRequest): Fields {
  const { returnImmediately, taskPushNotificationConfig, ...same } = configuration ?? {};
  const push = taskPushNotificationConfig && translate.pushConfigToV03(taskPushNotificationConfig);
  const blocking = returnImmediately !== true;
  if (!isOldRest(wire)) {
    const pushed = push === undefined ? {} : { pushNotificationConfig: push };
    return { message: translate.messageToV03(message), configuration: { ...same, ...pushed, blocking } };
  }
  const { parts, ...rest } = message;
  const pushed = push === undefined ? {} : { pushNotification: push };
  return {
    message: { ...rest, content: parts.map(partToProto) },
    configuration: { ...same, ...pushed, blocking },
  };
}

function partToProto(part: v1.Part): Fields {
  const { text, raw, url, data, mediaType } = part;
  const mimeType = mediaType === undefined ? {} : { mimeType: mediaType };
  if (text !== undefined) return { text };
  if (raw !== undefined) return { file: { fileWithBytes: raw, ...mimeType } };
  return url === undefined ? { data: { data } } : { file: { fileWithUri: url, ...mimeType } };
}

/** What an answer or an event holds: in JSON-RPC it lies inside the envelope. */
export function unwrapped(wire: Wire, json: unknown): unknown {
  return wire.binding === 'JSONRPC' ? (json as Fields | undefined)?.['result'] : json;
}

/** The answer of an operation that does not stream, out of its envelope. */
export function resultOf(wire: Wire, operation: Operation, result: unknown): unknown {
  switch (operation) {
    case 'SendMessage':
      return eventOf(wire, result);
    case 'GetTask':
    case 'CancelTask':
      return taskOf(wire, result);
    case 'ListTasks':
      return pageOf(wire, result);
    default:
      return result;
  }
}

/** One StreamResponse, or the answer of a send. */
export function eventOf(wire: Wire, event: unknown): unknown {
  if (!isOld(wire)) return event;
  return isOldRest(wire) ? eventFromProto(event as Fields) : translate.eventToV1(event as v03.StreamResult);
}

export function taskOf(wire: Wire, json: unknown): unknown {
  if (!isOld(wire)) return json;
  return isOldRest(wire) ? fromProto(json) : translate.taskToV1(json as v03.Task);
}

/** 0.3 REST lists a bare array of tasks in the form of JSON-RPC, without a token. */
export function pageOf(wire: Wire, json: unknown): unknown {
  if (!isOld(wire)) return json;
  if (Array.isArray(json)) return { tasks: (json as v03.Task[]).map(translate.taskToV1) };
  const { tasks, ...same } = json as { tasks: v03.Task[] };
  return { ...same, tasks: tasks.map(translate.taskToV1) };
}

function eventFromProto(event: Fields): unknown {
  const { statusUpdate, ...same } = event;
  if (!isJsonObject(statusUpdate)) return fromProto(same);
  const { final: _gone, ...update } = statusUpdate;
  return { statusUpdate: fromProto(update) };
}

/** ProtoJSON of the 0.3.0 definition differs from 1.0 in these few names only, wherever they stand. */
function fromProto(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fromProto);
  if (!isJsonObject(value)) return value === 'TASK_STATE_CANCELLED' ? 'TASK_STATE_CANCELED' : value;
  const fields: Fields = {};
  for (const [name, field] of Object.entries(value)) {
    if (name === 'content' || name === 'parts') fields['parts'] = (field as unknown as Fields[]).map(partFromProto);
    else fields[name] = name === 'metadata' ? field : fromProto(field);
  }
  return fields;
}

function partFromProto(part: Fields): Fields {
  const { file, data, ...same } = part;
  if (isJsonObject(data)) return { ...same, data: data.data };
  if (!isJsonObject(file)) return part;
  const { fileWithBytes, fileWithUri, mimeType } = file;
  const mediaType = mimeType === undefined ? {} : { mediaType: mimeType };
  return fileWithBytes === undefined ? { url: fileWithUri, ...mediaType } : { raw: fileWithBytes, ...mediaType };
}
