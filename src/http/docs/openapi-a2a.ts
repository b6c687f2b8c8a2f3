/** The A2A surface in the OpenAPI description: cards, JSON-RPC, and REST in 1.0 and 0.3, at both addresses. */
import type { Operation, ProtocolVersion, RestRoute } from '../../protocol/codec.ts';
import type { ErrorCode } from '../../protocol/errors.ts';
import { isJsonObject } from '../../protocol/scalars.ts';
import { codecFor } from '../../protocol/version.ts';
import { exampleBody, exampleParams, STREAM_EXAMPLE } from './openapi-examples.ts';
import {
  ANSWER_HEADERS,
  BODY_ERRORS,
  COMMON_ERRORS,
  errorResponses,
  type Json,
  jsonResponse,
  parameterRef,
  schemaRef,
} from './openapi-shared.ts';

export interface OperationInfo {
  readonly summary: string;
  readonly description: string;
  readonly errors: readonly ErrorCode[];
  /** Schema of the request in 1.0 and in 0.3. */
  readonly request: Readonly<Record<ProtocolVersion, string | null>>;
  /** Schema of the answer in 1.0; null: in this version there is none but an error. */
  readonly answer: string | null;
  readonly isStream?: boolean;
}

const SEND_ERRORS: readonly ErrorCode[] = [
  'TASK_NOT_FOUND',
  'UNSUPPORTED_OPERATION',
  'CONTENT_TYPE_NOT_SUPPORTED',
  'PUSH_NOTIFICATION_NOT_SUPPORTED',
  'IDEMPOTENCY_CONFLICT',
  'LIMIT_EXCEEDED',
];
const NO_PUSH = 'No agent of this version declares push notifications: the answer is PUSH_NOTIFICATION_NOT_SUPPORTED.';
const push = (summary: string, v1: string, v03: string): OperationInfo => ({
  summary,
  description: NO_PUSH,
  errors: ['PUSH_NOTIFICATION_NOT_SUPPORTED'],
  request: { '1.0': v1, '0.3': v03 },
  answer: null,
});

export const OPERATION_INFO: Readonly<Record<Operation, OperationInfo>> = {
  SendMessage: {
    summary: 'Send a message',
    description:
      'Begins a task, or continues the one that `message.taskId` names. Answers when the task has ended or waits for input; with `configuration.returnImmediately` (0.3: `blocking: false`) as soon as it is stored. The task goes on when the client leaves.',
    errors: SEND_ERRORS,
    request: { '1.0': 'SendMessageRequest', '0.3': 'V03MessageSendParams' },
    answer: 'SendMessageResponse',
  },
  SendStreamingMessage: {
    summary: 'Send a message and follow its task',
    description:
      'The Task first, then its events as they are stored. The stream ends when the task has ended; it stays open while the task waits for input.',
    errors: SEND_ERRORS,
    request: { '1.0': 'SendMessageRequest', '0.3': 'V03MessageSendParams' },
    answer: 'StreamResponse',
    isStream: true,
  },
  GetTask: {
    summary: 'Get a task',
    description: 'The task with its artifacts and as much of its history as `historyLength` allows.',
    errors: ['TASK_NOT_FOUND', 'INVALID_PARAMS'],
    request: { '1.0': 'GetTaskRequest', '0.3': 'V03TaskQueryParams' },
    answer: 'Task',
  },
  ListTasks: {
    summary: 'List tasks',
    description: "The caller's own tasks of this agent, newest status first.",
    errors: ['INVALID_PARAMS'],
    request: { '1.0': 'ListTasksRequest', '0.3': 'V03ListTasksParams' },
    answer: 'ListTasksResponse',
  },
  CancelTask: {
    summary: 'Cancel a task',
    description: 'Answers when the cancellation is stored.',
    errors: ['TASK_NOT_FOUND', 'TASK_NOT_CANCELABLE'],
    request: { '1.0': 'TaskIdRequest', '0.3': 'V03TaskIdParams' },
    answer: 'Task',
  },
  SubscribeToTask: {
    summary: 'Follow a task',
    description:
      'The Task as it is, then its events. With `Last-Event-ID` only what came after that event, also of a task that has ended since.',
    errors: ['TASK_NOT_FOUND', 'UNSUPPORTED_OPERATION', 'EVENT_ID_OUT_OF_RANGE', 'LIMIT_EXCEEDED'],
    request: { '1.0': 'TaskIdRequest', '0.3': 'V03TaskIdParams' },
    answer: 'StreamResponse',
    isStream: true,
  },
  CreateTaskPushNotificationConfig: push(
    'Set a push configuration',
    'TaskPushNotificationConfig',
    'V03TaskPushNotificationConfig',
  ),
  GetTaskPushNotificationConfig: push(
    'Get a push configuration',
    'PushConfigIdRequest',
    'V03GetPushNotificationConfigParams',
  ),
  ListTaskPushNotificationConfigs: push(
    'List push configurations',
    'ListTaskPushNotificationConfigsRequest',
    'V03TaskIdParams',
  ),
  DeleteTaskPushNotificationConfig: push(
    'Delete a push configuration',
    'PushConfigIdRequest',
    'V03DeletePushNotificationConfigParams',
  ),
  GetExtendedAgentCard: {
    summary: 'Get the extended card',
    description: 'No agent of this version has one: the answer is UNSUPPORTED_OPERATION.',
    errors: ['UNSUPPORTED_OPERATION'],
    request: { '1.0': null, '0.3': null },
    answer: null,
  },
};

const A2A_ERRORS: readonly ErrorCode[] = [
  ...COMMON_ERRORS,
  'INVALID_PARAMS',
  'VERSION_NOT_SUPPORTED',
  'EXTENSION_SUPPORT_REQUIRED',
];
const ADDRESSES = ['/a2a', '/a2a/agents/{agentId}'] as const;
type Address = (typeof ADDRESSES)[number];
const agentParameters = (address: Address): Json[] => (address === '/a2a' ? [] : [parameterRef('agentId')]);
const isSend = (operation: Operation): boolean => operation === 'SendMessage' || operation === 'SendStreamingMessage';

function streamResponse(): Json {
  const schema = { type: 'string', contentMediaType: 'text/event-stream' };
  return {
    description:
      'Server-sent events: `id` is the number of the event within its task, `data` one StreamResponse (in JSON-RPC: an answer whose `result` is one). A comment line comes at least every 15 s by default.',
    headers: ANSWER_HEADERS,
    content: { 'text/event-stream': { schema, example: STREAM_EXAMPLE } },
  };
}

const NOTHING_LEFT = {
  description: 'The task has ended and nothing came after `Last-Event-ID`.',
  headers: ANSWER_HEADERS,
};

// ---- REST ----

/** @param wire schemas by name, from which query parameters are made. */
export function restPaths(wire: Readonly<Record<string, object>>): Record<string, Json> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const address of ADDRESSES) {
    for (const version of ['1.0', '0.3'] as const) {
      for (const route of codecFor(version, 'HTTP+JSON').restRoutes) {
        const path = `${address}${route.path}`;
        (paths[path] ??= {})[route.method.toLowerCase()] = restOperation(route, version, address, wire);
      }
    }
  }
  return paths;
}

function restOperation(
  { operation, method, path }: RestRoute,
  version: ProtocolVersion,
  address: Address,
  wire: Readonly<Record<string, object>>,
): Json {
  const info = OPERATION_INFO[operation];
  const isOldPath = version === '0.3';
  const example = exampleBody(operation, version);
  const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '');
  const twin = operation === 'SubscribeToTask' && method === 'GET' ? '_get' : '';
  return {
    operationId: `${isOldPath ? 'v03_' : ''}${operation}${twin}${address === '/a2a' ? '' : '_ofAgent'}`,
    tags: [`REST ${version}`],
    summary: twin === '' ? info.summary : `${info.summary}, by GET`,
    description: info.description,
    parameters: [
      ...agentParameters(address),
      ...names.map((name) => parameterRef(name === 'id' ? 'taskId' : name)),
      parameterRef(isOldPath ? 'A2A-Version-0.3' : 'A2A-Version-1.0'),
      parameterRef('A2A-Extensions'),
      parameterRef('x-request-id'),
      ...(isSend(operation) ? [parameterRef('Idempotency-Key')] : []),
      ...(info.isStream === true ? [parameterRef('Last-Event-ID'), parameterRef('lastEventId')] : []),
      ...(method === 'GET' ? queryParameters(info.request[version], names, wire) : []),
    ],
    ...(example === undefined ? {} : { requestBody: restBody(info.request[version] ?? '', version, example) }),
    responses: {
      ...(info.answer === null ? {} : { 200: restAnswer(info, operation, version) }),
      ...(info.isStream === true ? { 204: NOTHING_LEFT } : {}),
      ...errorResponses(
        [...A2A_ERRORS, ...(method === 'POST' ? BODY_ERRORS : []), 'METHOD_NOT_ALLOWED', ...info.errors],
        isOldPath ? 'V03RestError' : 'RestError',
      ),
    },
  };
}

function restAnswer(info: OperationInfo, operation: Operation, version: ProtocolVersion): Json {
  if (info.isStream === true) return streamResponse();
  if (version === '1.0') return jsonResponse(`${info.answer}.`, schemaRef(info.answer ?? ''), 'application/a2a+json');
  const isList = operation === 'ListTasks';
  return jsonResponse(
    isList ? 'A list of tasks.' : 'In the ProtoJSON of 0.3.0.',
    isList ? { type: 'array', items: schemaRef('V03Task') } : { type: 'object' },
  );
}

/** 0.3 clients differ in what they send; every form of theirs is read. */
function restBody(schema: string, version: ProtocolVersion, example: Json): Json {
  const isOld = version === '0.3';
  const media = {
    schema: isOld
      ? { anyOf: [schemaRef(schema), { type: 'object', description: 'The same in the ProtoJSON of 0.3.0.' }] }
      : schemaRef(schema),
    example,
  };
  return {
    required: true,
    content: { 'application/json': media, ...(isOld ? {} : { 'application/a2a+json': media }) },
  };
}

/** The fields of a request that are neither in the path nor for a gateway, as query parameters. */
function queryParameters(
  request: string | null,
  pathNames: readonly string[],
  wire: Readonly<Record<string, object>>,
): Json[] {
  const schema = request === null ? undefined : wire[request];
  const properties = schema !== undefined && 'properties' in schema ? schema.properties : undefined;
  if (!isJsonObject(properties)) return [];
  const skipped = new Set([...pathNames, 'id', 'taskId', 'tenant', 'metadata', 'pushNotificationConfigId']);
  return Object.entries(properties)
    .filter(([name]) => !skipped.has(name))
    .map(([name, property]) => ({ name, in: 'query', schema: property }));
}

// ---- JSON-RPC ----

export function jsonRpcPaths(): Record<string, Json> {
  return Object.fromEntries(ADDRESSES.map((address) => [address, { post: jsonRpcOperation(address) }]));
}

function jsonRpcOperation(address: Address): Json {
  return {
    operationId: address === '/a2a' ? 'jsonRpc' : 'jsonRpc_ofAgent',
    tags: ['JSON-RPC'],
    summary: 'Call a method',
    description:
      'One JSON-RPC 2.0 request. `A2A-Version` says which version its method is of; without the header it is 0.3. The answer to a streaming method is an event stream. Errors of an operation have HTTP status 200; what is refused before one runs has its own status and a JSON-RPC error.',
    parameters: [
      ...agentParameters(address),
      ...['A2A-Version-1.0', 'A2A-Extensions', 'x-request-id', 'Idempotency-Key', 'Last-Event-ID', 'lastEventId'].map(
        parameterRef,
      ),
    ],
    requestBody: {
      required: true,
      content: { 'application/json': { schema: schemaRef('JsonRpcRequest'), examples: jsonRpcExamples() } },
    },
    responses: {
      200: {
        description: 'The result, an error of the operation, or the events of a stream.',
        headers: ANSWER_HEADERS,
        content: {
          'application/json': {
            schema: { oneOf: [schemaRef('JsonRpcSuccessResponse'), schemaRef('JsonRpcErrorResponse')] },
          },
          'text/event-stream': { schema: { type: 'string', contentMediaType: 'text/event-stream' } },
        },
      },
      204: NOTHING_LEFT,
      ...errorResponses(
        [...A2A_ERRORS, ...BODY_ERRORS, 'IDEMPOTENCY_CONFLICT', 'LIMIT_EXCEEDED', 'EVENT_ID_OUT_OF_RANGE'],
        'JsonRpcErrorResponse',
      ),
    },
  };
}

function* methods(): Generator<{ name: string; operation: Operation; version: ProtocolVersion }> {
  for (const version of ['1.0', '0.3'] as const) {
    for (const [name, operation] of codecFor(version).methods) yield { name, operation, version };
  }
}

function jsonRpcExamples(): Json {
  const examples = [...methods()].map(({ name, operation, version }) => [
    name,
    {
      summary: `${name} (${version})`,
      'x-parley-version': version,
      value: { jsonrpc: '2.0', id: 1, method: name, params: exampleParams(operation, version) },
    },
  ]);
  return Object.fromEntries(examples) as Json;
}

export function jsonRpcSchemas(): Record<string, Json> {
  const id = { type: ['string', 'number', 'null'] };
  const request = (name: string, params: string | null): Json => ({
    type: 'object',
    title: name,
    required: ['jsonrpc', 'id', 'method', ...(params === null ? [] : ['params'])],
    properties: {
      jsonrpc: { const: '2.0' },
      id,
      method: { const: name },
      params: params === null ? { type: 'object' } : schemaRef(params),
    },
  });
  return {
    JsonRpcRequest: {
      oneOf: [...methods()].map(({ name, operation, version }) =>
        request(name, OPERATION_INFO[operation].request[version]),
      ),
    },
    JsonRpcSuccessResponse: {
      type: 'object',
      required: ['jsonrpc', 'id', 'result'],
      properties: { jsonrpc: { const: '2.0' }, id, result: { description: 'What the method answers.' } },
    },
  };
}

// ---- cards ----

export function cardPaths(): Record<string, Json> {
  const operation = (operationId: string, summary: string, parameters: Json[]): Json => ({
    get: {
      operationId,
      tags: ['Cards'],
      summary,
      description: 'Public. Clients of 1.0 and of 0.3 can read it: it has the fields of both.',
      security: [],
      parameters,
      responses: {
        200: {
          description: 'AgentCard.',
          headers: { ETag: { $ref: '#/components/headers/ETag' } },
          content: { 'application/json': { schema: schemaRef('AgentCard') } },
        },
        304: { description: 'Not changed: the ETag of `If-None-Match` is the current one.' },
        ...(parameters.length === 0 ? {} : errorResponses(['NOT_FOUND'], 'RestError')),
      },
    },
  });
  return {
    '/.well-known/agent-card.json': operation('getCard', 'The card of the default agent', []),
    '/a2a/.well-known/agent-card.json': operation('getCardAtAddress', 'The same, below its address', []),
    '/a2a/agents/{agentId}/.well-known/agent-card.json': operation('getCardOfAgent', 'The card of an agent', [
      parameterRef('agentId'),
    ]),
  };
}
