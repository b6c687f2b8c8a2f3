/** Requests of A2A 0.3, validated in their own form (so that errors name the fields the client sent), as 1.0 requests. */
import type { z } from 'zod';
import type { Operation, OperationCall, OperationRequests, RestInput } from '../codec.ts';
import { decodeWith } from '../decode.ts';
import { AppError } from '../errors.ts';
import { fromQuery, TASK_QUERIES } from '../query.ts';
import { isJsonObject } from '../scalars.ts';
import { invalidParams } from '../violations.ts';
import { camelNames, pushConfigFromProto, sendParamsFromProto } from './proto-json.ts';
import * as schemas from './schemas.ts';
import { messageToV1, pushConfigToV1, stateToV1 } from './translate.ts';
import type * as v03 from './types.ts';

type Decoders = { readonly [O in Operation]: (params: unknown) => OperationRequests[O] };

/** A decoder from a 0.3 schema and the way from its output to the 1.0 request. */
function via<P, R>(schema: z.ZodType<P>, toV1: (params: P) => R): (params: unknown) => R {
  return (params) => toV1(decodeWith(schema, params));
}

const DECODERS: Decoders = {
  SendMessage: via(schemas.sendMessageSchema, sendRequest),
  SendStreamingMessage: via(schemas.sendMessageSchema, sendRequest),
  GetTask: via(schemas.getTaskSchema, ({ id, historyLength }) => ({
    id,
    ...(historyLength === undefined ? {} : { historyLength }),
  })),
  ListTasks: via(schemas.listTasksSchema, ({ status, ...same }) => ({
    ...same,
    ...(status === undefined ? {} : { status: stateToV1(status) }),
  })),
  CancelTask: via(schemas.taskIdSchema, (params) => params),
  SubscribeToTask: via(schemas.taskIdSchema, (params) => params),
  CreateTaskPushNotificationConfig: via(schemas.setPushConfigSchema, ({ taskId, pushNotificationConfig }) => ({
    ...pushConfigToV1(pushNotificationConfig),
    id: pushNotificationConfig.id ?? defaultConfigId(taskId),
    taskId,
  })),
  GetTaskPushNotificationConfig: via(schemas.getPushConfigSchema, ({ id, pushNotificationConfigId }) => ({
    taskId: id,
    id: pushNotificationConfigId ?? defaultConfigId(id),
  })),
  ListTaskPushNotificationConfigs: via(schemas.taskIdSchema, ({ id }) => ({ taskId: id })),
  DeleteTaskPushNotificationConfig: via(schemas.deletePushConfigSchema, ({ id, pushNotificationConfigId }) => ({
    taskId: id,
    id: pushNotificationConfigId,
  })),
  GetExtendedAgentCard: via(schemas.extendedCardRequestSchema, () => ({})),
};

/**
 * In 0.3 a configuration may be set and asked for without an id; there is one such per task, and the official servers
 * give it the task's own id.
 */
function defaultConfigId(taskId: string): string {
  return taskId;
}

/**
 * 0.3.0 says of `blocking` only what `true` means. Absent, it is the server's choice, which is to wait, as the official
 * 0.3 server does: the client gets a finished answer.
 */
function sendRequest({ message, configuration, metadata }: v03.MessageSendParams): OperationRequests['SendMessage'] {
  return {
    message: messageToV1(message),
    ...(configuration === undefined ? {} : { configuration: sendConfiguration(configuration) }),
    ...(metadata === undefined ? {} : { metadata }),
  };
}

function sendConfiguration(
  configuration: v03.MessageSendConfiguration,
): NonNullable<OperationRequests['SendMessage']['configuration']> {
  const { acceptedOutputModes, historyLength, pushNotificationConfig, blocking } = configuration;
  return {
    ...(acceptedOutputModes === undefined ? {} : { acceptedOutputModes }),
    ...(pushNotificationConfig === undefined
      ? {}
      : { taskPushNotificationConfig: pushConfigToV1(pushNotificationConfig) }),
    ...(historyLength === undefined ? {} : { historyLength }),
    returnImmediately: blocking === false,
  };
}

/** JSON-RPC params of 0.3. Throws AppError INVALID_PARAMS with a violation for each bad field. */
export function decodeParams(operation: Operation, params: unknown): OperationCall {
  const request = DECODERS[operation](params ?? {});
  // The table above pairs each operation with its own request; TypeScript cannot follow that through a lookup.
  return { operation, request } as OperationCall;
}

/** A REST request of 0.3, in any of the forms that `proto-json.ts` names. */
export function decodeRest(operation: Operation, input: RestInput): OperationCall {
  const { id, configId } = input.params;
  switch (operation) {
    case 'SendMessage':
    case 'SendStreamingMessage':
      return decodeSendBody(operation, input.body);
    case 'CreateTaskPushNotificationConfig':
      return decodeParams(operation, { taskId: id, pushNotificationConfig: pushConfigFromProto(input.body) });
    case 'CancelTask':
      return decodeParams(operation, { ...optionalMetadata(input.body), id });
    default: {
      const query = fromQuery(camelQuery(input.query), TASK_QUERIES[operation] ?? {});
      return decodeParams(operation, {
        ...query,
        ...(id === undefined ? {} : { id }),
        ...(configId === undefined ? {} : { pushNotificationConfigId: configId }),
      });
    }
  }
}

/** Violations of parts are named as the client sent them: `content` in ProtoJSON. */
function decodeSendBody(operation: 'SendMessage' | 'SendStreamingMessage', body: unknown): OperationCall {
  try {
    return decodeParams(operation, sendParamsFromProto(body));
  } catch (error) {
    const message = isJsonObject(body) ? (body.message ?? body.request) : undefined;
    const hasContent = isJsonObject(message) && 'content' in message && !('parts' in message);
    if (!hasContent || !(error instanceof AppError) || error.code !== 'INVALID_PARAMS') throw error;
    throw invalidParams(
      error.violations.map(({ field, description }) => ({
        field: field.replace(/^message\.parts\b/, 'message.content'),
        description,
      })),
    );
  }
}

function optionalMetadata(body: unknown): { metadata?: unknown } {
  return isJsonObject(body) && body.metadata !== undefined ? { metadata: body.metadata } : {};
}

/** The conformance kit and the proto annotation write `history_length`; states may come in either version's spelling. */
function camelQuery(query: Readonly<Record<string, string>>): Record<string, string> {
  const camel: Record<string, string> = {};
  for (const [name, value] of Object.entries(camelNames(query))) {
    // A parameter that comes twice is a list at run time: the schema refuses it by its name.
    camel[name] = value as string;
  }
  return camel;
}
