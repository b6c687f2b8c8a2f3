/** Plain A2A requests in every binding and version, so that tests can say what comes back byte by byte. */
import { randomUUID } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { type Dispatcher, request } from 'undici';
import type { IssuedKey } from '../../src/http/admin/contract.ts';
import type { Operation } from '../../src/protocol/codec.ts';
import type { JsonValue } from '../../src/protocol/json.ts';
import { grpcClientOf, grpcMethod } from './grpc-client.ts';
import type { ParleyProcess } from './server.ts';

/** How an operation is asked for. */
export interface Form {
  readonly binding: 'JSON-RPC' | 'REST' | 'gRPC';
  readonly version: '1.0' | '0.3';
}

export const FORMS: readonly Form[] = [
  { binding: 'JSON-RPC', version: '1.0' },
  { binding: 'REST', version: '1.0' },
  { binding: 'JSON-RPC', version: '0.3' },
  { binding: 'REST', version: '0.3' },
];

export const ALL_FORMS: readonly Form[] = [
  ...FORMS,
  { binding: 'gRPC', version: '1.0' },
  { binding: 'gRPC', version: '0.3' },
];

/** Whether a form has an operation: 0.3.0 lists no tasks over gRPC. */
export function hasOperation(form: Form, operation: Operation): boolean {
  return operation !== 'ListTasks' || form.binding !== 'gRPC' || form.version === '1.0';
}

/** The form of tests that are not about forms. */
export const REST: Form = { binding: 'REST', version: '1.0' };
export const JSON_RPC: Form = { binding: 'JSON-RPC', version: '1.0' };

export interface Fields {
  /** Of the message. Default: `hello`. */
  readonly text?: string;
  /** Default: a new one. */
  readonly messageId?: string;
  readonly contextId?: string;
  readonly taskId?: string;
  readonly returnImmediately?: boolean;
}

export interface WireRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below the agent's address, with a leading slash; empty for JSON-RPC. */
  readonly path: string;
  readonly body: object | undefined;
}

/** The id of every JSON-RPC request of this client. */
export const RPC_ID = 'request-1';

const METHODS_V03: Readonly<Record<Operation, string>> = {
  SendMessage: 'message/send',
  SendStreamingMessage: 'message/stream',
  GetTask: 'tasks/get',
  ListTasks: 'tasks/list',
  CancelTask: 'tasks/cancel',
  SubscribeToTask: 'tasks/resubscribe',
  CreateTaskPushNotificationConfig: 'tasks/pushNotificationConfig/set',
  GetTaskPushNotificationConfig: 'tasks/pushNotificationConfig/get',
  ListTaskPushNotificationConfigs: 'tasks/pushNotificationConfig/list',
  DeleteTaskPushNotificationConfig: 'tasks/pushNotificationConfig/delete',
  GetExtendedAgentCard: 'agent/getAuthenticatedExtendedCard',
};

function messageOf(version: Form['version'], fields: Fields): object {
  const { text = 'hello', messageId = randomUUID(), contextId, taskId } = fields;
  return {
    messageId,
    ...(contextId === undefined ? {} : { contextId }),
    ...(taskId === undefined ? {} : { taskId }),
    ...(version === '1.0'
      ? { role: 'ROLE_USER', parts: [{ text }] }
      : { role: 'user', parts: [{ kind: 'text', text }] }),
  };
}

function sendBody(version: Form['version'], fields: Fields): object {
  const { returnImmediately } = fields;
  const message = messageOf(version, fields);
  if (returnImmediately === undefined) return { message };
  return {
    message,
    configuration: version === '1.0' ? { returnImmediately } : { blocking: !returnImmediately },
  };
}

export const PUSH_CONFIG = { id: 'config-1', url: 'https://receiver.example/hook' };

function rpcParams(operation: Operation, version: Form['version'], fields: Fields): object {
  const taskId = fields.taskId ?? '';
  const isV1 = version === '1.0';
  switch (operation) {
    case 'SendMessage':
    case 'SendStreamingMessage':
      return sendBody(version, fields);
    case 'GetTask':
    case 'CancelTask':
    case 'SubscribeToTask':
      return { id: taskId };
    case 'CreateTaskPushNotificationConfig':
      return isV1 ? { taskId, ...PUSH_CONFIG } : { taskId, pushNotificationConfig: PUSH_CONFIG };
    case 'GetTaskPushNotificationConfig':
    case 'DeleteTaskPushNotificationConfig':
      return isV1 ? { taskId, id: PUSH_CONFIG.id } : { id: taskId, pushNotificationConfigId: PUSH_CONFIG.id };
    case 'ListTaskPushNotificationConfigs':
      return isV1 ? { taskId } : { id: taskId };
    case 'ListTasks':
      return fields.contextId === undefined ? {} : { contextId: fields.contextId };
    case 'GetExtendedAgentCard':
      return {};
  }
}

function restRequest(operation: Operation, version: Form['version'], fields: Fields): WireRequest {
  const base = version === '1.0' ? '' : '/v1';
  const task = `${base}/tasks/${encodeURIComponent(fields.taskId ?? '')}`;
  const configs = `${task}/pushNotificationConfigs`;
  const get = (path: string): WireRequest => ({ method: 'GET', path, body: undefined });
  switch (operation) {
    case 'SendMessage':
      return { method: 'POST', path: `${base}/message:send`, body: sendBody(version, fields) };
    case 'SendStreamingMessage':
      return { method: 'POST', path: `${base}/message:stream`, body: sendBody(version, fields) };
    case 'GetTask':
      return get(task);
    case 'ListTasks':
      return get(`${base}/tasks${fields.contextId === undefined ? '' : `?contextId=${fields.contextId}`}`);
    case 'CancelTask':
      return { method: 'POST', path: `${task}:cancel`, body: {} };
    case 'SubscribeToTask':
      return get(`${task}:subscribe`);
    case 'CreateTaskPushNotificationConfig':
      return { method: 'POST', path: configs, body: PUSH_CONFIG };
    case 'GetTaskPushNotificationConfig':
      return get(`${configs}/${PUSH_CONFIG.id}`);
    case 'ListTaskPushNotificationConfigs':
      return get(configs);
    case 'DeleteTaskPushNotificationConfig':
      return { method: 'DELETE', path: `${configs}/${PUSH_CONFIG.id}`, body: undefined };
    case 'GetExtendedAgentCard':
      return get(version === '1.0' ? '/extendedAgentCard' : '/v1/card');
  }
}

/** An operation in one form. The fields that an operation has no use for are left out. */
export function wireRequest(operation: Operation, form: Form, fields: Fields = {}): WireRequest {
  if (form.binding === 'REST') return restRequest(operation, form.version, fields);
  const method = form.version === '1.0' ? operation : METHODS_V03[operation];
  const params = rpcParams(operation, form.version, fields);
  return { method: 'POST', path: '', body: { jsonrpc: '2.0', id: RPC_ID, method, params } };
}

export interface Caller {
  /** The agent's address. */
  readonly address: string;
  /** Credentials, and whatever else goes with every request. */
  readonly headers: Readonly<Record<string, string>>;
  readonly dispatcher?: Dispatcher;
  /** `host:port`, for calls by gRPC. */
  readonly grpcAddress?: string;
}

/** Calls to the default agent with this key; undefined: without one. */
export function callerOf(parley: ParleyProcess, key: string | undefined, headers: Record<string, string> = {}): Caller {
  const credential = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const grpcAddress = `127.0.0.1:${parley.ports.grpcPort}`;
  return { address: `${parley.url}/a2a`, headers: { ...credential, ...headers }, grpcAddress };
}

/** Headers of a request in this form. */
export function headersOf(caller: Caller, form: Form): Record<string, string> {
  return { 'a2a-version': form.version, ...caller.headers };
}

export interface Answer {
  /** Of HTTP; for gRPC its status code, with 200 for 0. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The whole body; of a stream its first frame. */
  readonly text: string;
  /** The body, or the data of the first frame. */
  readonly json: unknown;
}

/** Asks for one operation. A stream is left after its first frame. */
export async function ask(caller: Caller, operation: Operation, form: Form, fields: Fields = {}): Promise<Answer> {
  if (form.binding === 'gRPC') return askGrpc(caller, operation, form, fields);
  const { method, path, body } = wireRequest(operation, form, fields);
  const response = await request(`${caller.address}${path}`, {
    method,
    headers: { ...headersOf(caller, form), ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    body: body === undefined ? null : JSON.stringify(body),
    ...(caller.dispatcher === undefined ? {} : { dispatcher: caller.dispatcher }),
  });
  const isStream = String(response.headers['content-type']).startsWith('text/event-stream');
  const text = isStream ? await firstFrame(response.body) : await response.body.text();
  const data = isStream ? (/^data: (.*)$/m.exec(text)?.[1] ?? '') : text;
  return { status: response.statusCode, headers: response.headers, text, json: parsed(data) };
}

async function askGrpc(caller: Caller, operation: Operation, form: Form, fields: Fields): Promise<Answer> {
  const { method, message } = grpcRequest(operation, form.version, fields);
  const isStream = operation === 'SendStreamingMessage' || operation === 'SubscribeToTask';
  const metadata = Object.fromEntries(
    Object.entries(caller.headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const answer = await grpcClientOf(caller.grpcAddress ?? '').call(method, message, {
    metadata,
    deadlineMs: 10_000,
    ...(isStream ? { count: 1 } : {}),
  });
  const isDone = answer.code === 'OK' || (isStream && answer.messages.length === 1);
  const code = status[answer.code as keyof typeof status];
  // The JSON of a protobuf message leaves empty lists out.
  const empty = operation === 'ListTasks' ? { tasks: [] } : {};
  const json = isDone
    ? { ...empty, ...Object(answer.messages[0]) }
    : { error: { code, message: answer.message, details: answer.details } };
  const { head, trailers } = answer;
  return { status: isDone ? 200 : code, headers: { ...head, ...trailers }, text: JSON.stringify(json), json };
}

function grpcRequest(operation: Operation, version: Form['version'], fields: Fields): GrpcRequest {
  const method = grpcMethod(version, operation);
  if (version === '1.0') {
    return { method, message: rpcParams(operation, version, fields) as JsonValue };
  }
  const task = `tasks/${fields.taskId ?? ''}`;
  switch (operation) {
    case 'SendMessage':
    case 'SendStreamingMessage': {
      const { returnImmediately } = fields;
      const { parts, ...message } = messageOf('1.0', fields) as Record<string, JsonValue>;
      const configuration = returnImmediately === undefined ? {} : { configuration: { blocking: !returnImmediately } };
      return { method, message: { message: { ...message, content: parts ?? [] }, ...configuration } };
    }
    case 'CreateTaskPushNotificationConfig': {
      const { id, url } = PUSH_CONFIG;
      return { method, message: { parent: task, configId: id, config: { pushNotificationConfig: { id, url } } } };
    }
    case 'GetTaskPushNotificationConfig':
    case 'DeleteTaskPushNotificationConfig':
      return { method, message: { name: `${task}/pushNotificationConfigs/${PUSH_CONFIG.id}` } };
    case 'ListTaskPushNotificationConfigs':
      return { method, message: { parent: task } };
    case 'GetExtendedAgentCard':
      return { method, message: {} };
    default:
      return { method, message: { name: task } };
  }
}

interface GrpcRequest {
  readonly method: string;
  readonly message: JsonValue;
}

async function firstFrame(body: AsyncIterable<Uint8Array>): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    const frames = text.split('\n\n');
    const frame = frames.slice(0, -1).find((candidate) => candidate.includes('data: '));
    if (frame !== undefined) return frame;
  }
  return text;
}

function parsed(text: string): unknown {
  return text === '' ? undefined : (JSON.parse(text) as unknown);
}

/** The member of `json` that these names lead to, or undefined. */
export function at(json: unknown, ...names: readonly (string | number)[]): unknown {
  let value = json;
  for (const name of names) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string | number, unknown>)[name];
  }
  return value;
}

/** The result of an operation, without what the binding and version put around it: a Task where there is one. */
export function resultOf({ json }: Answer): unknown {
  const result = at(json, 'result') ?? json;
  return at(result, 'task') ?? result;
}

/** The id of the Task in an answer. Throws when there is none. */
export function taskIdOf(answer: Answer): string {
  const id = at(resultOf(answer), 'id');
  if (typeof id !== 'string') throw new Error(`There is no task in ${answer.status} ${answer.text}`);
  return id;
}

/** The state of the Task in an answer, in the words of 1.0, whatever the form. */
export function stateOf(answer: Answer): string {
  const state = String(at(resultOf(answer), 'status', 'state'));
  if (state.startsWith('TASK_STATE_')) return state.replace('CANCELLED', 'CANCELED');
  return `TASK_STATE_${state.replace('-', '_').toUpperCase()}`;
}

export interface WireError {
  /** HTTP status. */
  readonly status: number;
  /** JSON-RPC code; REST 1.0 repeats its HTTP status. */
  readonly code: unknown;
  /** The reason of ErrorInfo. */
  readonly reason: unknown;
  readonly message: unknown;
}

/** The error that an answer says, in whatever form; undefined where it says none. */
export function errorOf({ status, json }: Answer): WireError | undefined {
  const inner = at(json, 'error');
  if (inner === undefined) return undefined;
  // REST 0.3 has the error's name there, and its fields beside it.
  const error = typeof inner === 'string' ? json : inner;
  const info = at(error, 'data', 0) ?? at(error, 'data') ?? at(error, 'details', 0);
  return { status, code: at(error, 'code'), reason: at(info, 'reason'), message: at(error, 'message') };
}

/** What `POST /api/v1/keys` takes besides a name. */
export interface KeyFields {
  readonly name?: string;
  readonly scopes?: readonly string[];
  readonly agents?: readonly string[];
  readonly expiresAt?: string;
  readonly ownerId?: string;
}

/** One request of the management API, as the admin unless `key` says otherwise. */
export async function manage(
  parley: ParleyProcess,
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
  path: string,
  options: { readonly body?: object; readonly key?: string } = {},
): Promise<Answer> {
  const { body, key = parley.adminKey } = options;
  const response = await request(`${parley.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const text = await response.body.text();
  return { status: response.statusCode, headers: response.headers, text, json: parsed(text) };
}

/** Makes an API key. Throws when it is refused. */
export async function issueKey(parley: ParleyProcess, fields: KeyFields = {}): Promise<IssuedKey> {
  const answer = await manage(parley, 'POST', '/api/v1/keys', { body: { name: 'test', ...fields } });
  if (answer.status !== 201) throw new Error(`No key was made: ${answer.status} ${answer.text}`);
  return answer.json as IssuedKey;
}

/** The value of a metric without labels, or of the one series that `series` names in full. Undefined: there is none. */
export async function metricOf(parley: ParleyProcess, series: string): Promise<number | undefined> {
  const { body } = await request(`${parley.metricsUrl}/metrics`);
  const line = (await body.text()).split('\n').find((candidate) => candidate.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}
