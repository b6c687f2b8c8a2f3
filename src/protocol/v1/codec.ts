/** A2A 1.0 on the wire. Stored text is 1.0 text already: encoders splice strings and never parse. */
import type { z } from 'zod';
import type { Codec, Operation, OperationCall, OperationRequests, RestInput, TaskPage } from '../codec.ts';
import { decodeWith } from '../decode.ts';
import { jsonRpcErrorBody, restErrorBody } from '../error-bodies.ts';
import { fromQuery, type QueryKinds, TASK_QUERIES } from '../query.ts';
import { isJsonObject } from '../scalars.ts';
import { invalidParams } from '../violations.ts';
import { METHODS, REST_ROUTES } from './methods.ts';
import { withJsonNames } from './original-names.ts';
import * as schemas from './schemas.ts';

const REQUEST_SCHEMAS: { readonly [O in Operation]: z.ZodType<OperationRequests[O]> } = {
  SendMessage: schemas.sendMessageSchema,
  SendStreamingMessage: schemas.sendMessageSchema,
  GetTask: schemas.getTaskSchema,
  ListTasks: schemas.listTasksSchema,
  CancelTask: schemas.taskIdSchema,
  SubscribeToTask: schemas.taskIdSchema,
  CreateTaskPushNotificationConfig: schemas.createPushConfigSchema,
  GetTaskPushNotificationConfig: schemas.pushConfigIdSchema,
  ListTaskPushNotificationConfigs: schemas.listPushConfigsSchema,
  DeleteTaskPushNotificationConfig: schemas.pushConfigIdSchema,
  GetExtendedAgentCard: schemas.extendedCardRequestSchema,
};

/** The query parameters of each operation without a body (section 11.5). */
const QUERY_KINDS: QueryKinds = {
  ...TASK_QUERIES,
  ListTaskPushNotificationConfigs: { pageSize: 'integer', pageToken: 'string' },
};

/** The request fields that the path's `{id}` and `{configId}` stand for. */
const PATH_FIELDS: Partial<Record<Operation, { readonly id: string; readonly configId?: string }>> = {
  GetTask: { id: 'id' },
  CancelTask: { id: 'id' },
  SubscribeToTask: { id: 'id' },
  CreateTaskPushNotificationConfig: { id: 'taskId' },
  GetTaskPushNotificationConfig: { id: 'taskId', configId: 'id' },
  ListTaskPushNotificationConfigs: { id: 'taskId' },
  DeleteTaskPushNotificationConfig: { id: 'taskId', configId: 'id' },
};

function decodeRequest(operation: Operation, fields: unknown): OperationCall {
  const request = decodeWith<OperationRequests[Operation]>(REQUEST_SCHEMAS[operation], fields);
  // The table above pairs each operation with its own request; TypeScript cannot follow that through a lookup.
  return { operation, request } as OperationCall;
}

function decodeRest(operation: Operation, input: RestInput): OperationCall {
  const { tenant, id, configId } = input.params;
  const fields: Record<string, unknown> = {
    ...bodyFields(withJsonNames(input.body)),
    ...fromQuery(withJsonNames(input.query) as RestInput['query'], { tenant: 'string', ...QUERY_KINDS[operation] }),
  };
  const names = PATH_FIELDS[operation];
  if (tenant !== undefined) setFromPath(fields, 'tenant', tenant);
  if (names !== undefined && id !== undefined) setFromPath(fields, names.id, id);
  if (names?.configId !== undefined && configId !== undefined) setFromPath(fields, names.configId, configId);
  return decodeRequest(operation, fields);
}

function bodyFields(body: unknown): Record<string, unknown> {
  if (body === undefined || body === null) return {};
  if (!isJsonObject(body)) throw invalidParams([{ field: 'body', description: 'expected object' }]);
  return body;
}

/** The path says which resource is meant; a body that names another one is refused, not overruled. */
function setFromPath(fields: Record<string, unknown>, name: string, value: string): void {
  const sent = fields[name];
  if (sent !== undefined && sent !== null && sent !== '' && sent !== value) {
    throw invalidParams([{ field: name, description: 'differs from the value in the path' }]);
  }
  fields[name] = value;
}

function encodeTaskPage(page: TaskPage): string {
  const token = JSON.stringify(page.nextPageToken);
  return `{"tasks":[${page.tasks.join(',')}],"nextPageToken":${token},"pageSize":${page.pageSize},"totalSize":${page.totalSize}}`;
}

/** The codec of A2A 1.0, the same for JSON-RPC and REST. */
export const codecV1: Codec = {
  version: '1.0',
  methods: METHODS,
  restRoutes: REST_ROUTES,
  decodeParams: (operation, params) => decodeRequest(operation, withJsonNames(params ?? {})),
  decodeRest,
  encodeTask: (taskJson) => taskJson,
  encodeMessage: (messageJson) => messageJson,
  encodeEvent: (streamResponseJson) => streamResponseJson,
  encodeSendResult: (result) => ('task' in result ? `{"task":${result.task}}` : `{"message":${result.message}}`),
  encodeTaskPage,
  encodePushConfig: (config) => JSON.stringify(config),
  encodePushConfigs: (configs, nextPageToken) => JSON.stringify({ configs, nextPageToken }),
  encodeDeleted: () => '{}',
  encodeCard: (card) => JSON.stringify(card),
  encodeJsonRpcError: jsonRpcErrorBody,
  encodeRestError: restErrorBody,
};
