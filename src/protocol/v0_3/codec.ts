/** A2A 0.3 on the wire: one codec for JSON-RPC, and one for REST, whose JSON is another (see `proto-json.ts`). */
import type { Codec, TaskPage } from '../codec.ts';
import { BAD_REQUEST_TYPE, ERROR_INFO_TYPE, errorDomain } from '../error-bodies.ts';
import { type AppError, ERROR_TABLE, type ErrorCode } from '../errors.ts';
import type * as v1 from '../v1/types.ts';
import { METHODS, REST_ROUTES } from './methods.ts';
import { cardToProto, eventToProto, messageToProto, pushConfigToProto, taskToProto } from './proto-json.ts';
import { decodeParams, decodeRest } from './requests.ts';
import { eventToV03, messageToV03, pushConfigToV03, taskToV03 } from './translate.ts';
import { cardToV03 } from './translate-card.ts';

/** Stored text is 1.0 text that Parley wrote itself, so its shape is known. */
function parseTask(json: string): v1.Task {
  return JSON.parse(json) as v1.Task;
}

function parseMessage(json: string): v1.Message {
  return JSON.parse(json) as v1.Message;
}

function parseEvent(json: string): v1.StreamResponse {
  return JSON.parse(json) as v1.StreamResponse;
}

function encodeTask(taskJson: string): string {
  return JSON.stringify(taskToV03(parseTask(taskJson)));
}

function encodeMessage(messageJson: string): string {
  return JSON.stringify(messageToV03(parseMessage(messageJson)));
}

/** The page of 1.0 with the tasks of 0.3: 0.3.0 defines no answer for JSON-RPC. */
function encodeTaskPage(page: TaskPage): string {
  const { nextPageToken, pageSize, totalSize } = page;
  const tail = JSON.stringify({ nextPageToken, pageSize, totalSize }).slice(1);
  return `{"tasks":[${page.tasks.map(encodeTask).join(',')}],${tail}`;
}

function nestedPushConfig(config: v1.TaskPushNotificationConfig): object {
  return { taskId: config.taskId ?? '', pushNotificationConfig: pushConfigToV03(config) };
}

/**
 * 0.3.0 has the codes -32001 to -32007. What 1.0 added is nearest to "this operation is not supported" (-32004);
 * `data.reason` still tells which it is.
 */
function jsonRpcCode(code: ErrorCode): number {
  if (code === 'VERSION_NOT_SUPPORTED' || code === 'EXTENSION_SUPPORT_REQUIRED') {
    return ERROR_TABLE.UNSUPPORTED_OPERATION.jsonRpc;
  }
  return ERROR_TABLE[code].jsonRpc;
}

/** `data` is one object in 0.3: ErrorInfo, with the violations of a bad request beside it. Never `detail` or `cause`. */
function errorData(error: AppError): object {
  const hasMetadata = Object.keys(error.metadata).length > 0;
  return {
    '@type': error.violations.length > 0 ? BAD_REQUEST_TYPE : ERROR_INFO_TYPE,
    reason: error.code,
    domain: errorDomain(error),
    ...(hasMetadata ? { metadata: error.metadata } : {}),
    ...(error.violations.length > 0 ? { fieldViolations: error.violations } : {}),
    ...(error.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: error.retryAfterSeconds }),
  };
}

function encodeJsonRpcError(error: AppError): string {
  return JSON.stringify({ code: jsonRpcCode(error.code), message: error.message, data: errorData(error) });
}

const ERROR_NAMES: Partial<Record<ErrorCode, string>> = {
  EXTENDED_AGENT_CARD_NOT_CONFIGURED: 'AuthenticatedExtendedCardNotConfiguredError',
  EXTENSION_SUPPORT_REQUIRED: 'UnsupportedOperationError',
  VERSION_NOT_SUPPORTED: 'UnsupportedOperationError',
  PARSE_ERROR: 'JSONParseError',
};

/** TASK_NOT_FOUND -> TaskNotFoundError: the name of 0.3.0 section 8.2 where it has one. */
function errorName(code: ErrorCode): string {
  const words = code.split('_').map((word) => `${word.slice(0, 1)}${word.slice(1).toLowerCase()}`);
  return ERROR_NAMES[code] ?? `${words.join('').replace(/Error$/, '')}Error`;
}

/**
 * 0.3.0 asks for "a JSONRPCError or equivalent" in REST too. The official JavaScript client reads the numeric `code`
 * and `message` at the top; others read the error's name from `error`.
 */
function encodeRestError(error: AppError): string {
  const code = jsonRpcCode(error.code);
  return JSON.stringify({ code, message: error.message, error: errorName(error.code), data: errorData(error) });
}

/** A translated card keeps no signature; one that this server answers with is signed in each form that it may have. */
const signaturesOf = ({ signatures }: v1.AgentCard): Pick<v1.AgentCard, 'signatures'> =>
  signatures === undefined ? {} : { signatures };

/** The codec of A2A 0.3 over JSON-RPC. */
export const codecV03: Codec = {
  version: '0.3',
  methods: METHODS,
  restRoutes: REST_ROUTES,
  decodeParams,
  decodeRest,
  encodeTask,
  encodeMessage,
  encodeEvent: (streamResponseJson) => JSON.stringify(eventToV03(parseEvent(streamResponseJson))),
  encodeSendResult: (result) => ('task' in result ? encodeTask(result.task) : encodeMessage(result.message)),
  encodeTaskPage,
  encodePushConfig: (config) => JSON.stringify(nestedPushConfig(config)),
  encodePushConfigs: (configs) => JSON.stringify(configs.map(nestedPushConfig)),
  encodeDeleted: () => 'null',
  encodeCard: (card) => JSON.stringify({ ...cardToV03(card), ...signaturesOf(card) }),
  encodeJsonRpcError,
  encodeRestError,
};

/**
 * The codec of A2A 0.3 over REST: it reads the same, and answers in the ProtoJSON that 0.3 clients parse. A list of
 * tasks is the bare array of the document (0.3.0 section 7.3), of tasks in the JSON-RPC form: only the document's own
 * readers ask for it.
 */
export const codecV03Rest: Codec = {
  ...codecV03,
  encodeTask: (taskJson) => JSON.stringify(taskToProto(parseTask(taskJson))),
  encodeMessage: (messageJson) => JSON.stringify(messageToProto(parseMessage(messageJson))),
  encodeEvent: (streamResponseJson) => JSON.stringify(eventToProto(parseEvent(streamResponseJson))),
  encodeSendResult: (result) =>
    JSON.stringify(
      'task' in result
        ? eventToProto({ task: parseTask(result.task) })
        : eventToProto({ message: parseMessage(result.message) }),
    ),
  encodeTaskPage: (page) => `[${page.tasks.map(encodeTask).join(',')}]`,
  encodePushConfig: (config) => JSON.stringify(pushConfigToProto(config)),
  encodePushConfigs: (configs, nextPageToken) =>
    JSON.stringify({ configs: configs.map(pushConfigToProto), ...(nextPageToken === '' ? {} : { nextPageToken }) }),
  encodeDeleted: () => '{}',
  encodeCard: (card) => JSON.stringify({ ...cardToProto(card, cardToV03(card)), ...signaturesOf(card) }),
};
