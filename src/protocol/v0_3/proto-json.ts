/**
 * The JSON of the 0.3 REST binding. The 0.3.0 document shows the same objects as for JSON-RPC, but the official clients
 * (JavaScript and Python 0.3.x, and the conformance kit) send and parse ProtoJSON of the 0.3.0 proto definition: `content`
 * instead of `parts`, `ROLE_USER`, `TASK_STATE_CANCELLED` (two l), `{file:{fileWithUri|fileWithBytes,mimeType}}`,
 * `{data:{data:{}}}`, and compound resource names. They differ in the case of names (camelCase; the kit writes
 * snake_case) and Python's parser refuses unknown fields. So requests are read in each of these forms and in the
 * document's own, and answers hold exactly the fields of the 0.3.0 proto definition, in camelCase.
 */
import type { JsonObject } from '../json.ts';
import { isJsonObject } from '../scalars.ts';
import type * as v1 from '../v1/types.ts';
import { isFinalState, partToV03, pushConfigToV03 } from './translate.ts';
import type * as v03 from './types.ts';

type Fields = Record<string, unknown>;

/** What the 0.3.0 proto definition cannot carry in REST answers, besides LOSSY_FIELDS. */
export const PROTO_LOSSY_FIELDS: readonly string[] = [
  'Part.metadata',
  'Part.filename',
  'Message.referenceTaskIds',
  'AgentCard.iconUrl',
];

const ROLES: Readonly<Record<string, string>> = { ROLE_USER: 'user', ROLE_AGENT: 'agent' };

/** `body` of `message:send` and `message:stream` in the JSON-RPC form, for the schema to judge; other values pass. */
export function sendParamsFromProto(body: unknown): unknown {
  if (!isJsonObject(body)) return body;
  const { request, message = request, configuration, metadata } = body;
  const isProto = isJsonObject(message) && !('parts' in message);
  return {
    message: messageFromProto(message),
    ...(configuration === undefined ? {} : { configuration: configurationFromProto(configuration, isProto) }),
    ...(metadata === undefined ? {} : { metadata }),
  };
}

function messageFromProto(message: unknown): unknown {
  if (!isJsonObject(message)) return message;
  const { content, role, ...same }: Fields = camelNames(message);
  const parts = 'parts' in same ? same.parts : content;
  return {
    ...same,
    ...(role === undefined
      ? {}
      : { role: typeof role === 'string' && Object.hasOwn(ROLES, role) ? ROLES[role] : role }),
    ...(parts === undefined ? {} : { parts: Array.isArray(parts) ? parts.map(partFromProto) : parts }),
  };
}

function partFromProto(part: unknown): unknown {
  if (!isJsonObject(part)) return part;
  const { text, file, data, metadata, kind } = part;
  const rest = metadata === undefined ? {} : { metadata };
  if (kind !== undefined) return file === undefined ? part : { ...part, file: fileFromProto(file) };
  if (text !== undefined) return { kind: 'text', text, ...rest };
  if (file !== undefined) return { kind: 'file', file: fileFromProto(file), ...rest };
  if (data !== undefined) return { kind: 'data', data: dataFromProto(data), ...rest };
  return part;
}

/** An empty `fileWithUri` beside bytes is how some clients write "no URI". */
function fileFromProto(file: unknown): unknown {
  if (!isJsonObject(file)) return file;
  const { fileWithUri, fileWithBytes, ...same }: Fields = camelNames(file);
  const uri = fileWithUri ?? same.uri;
  const bytes = fileWithBytes ?? same.bytes;
  const { uri: _uri, bytes: _bytes, ...labels } = same;
  return {
    ...labels,
    ...(uri === undefined || uri === null || (uri === '' && bytes !== undefined) ? {} : { uri }),
    ...(bytes === undefined || bytes === null ? {} : { bytes }),
  };
}

function dataFromProto(data: unknown): unknown {
  return isJsonObject(data) && Object.keys(data).length === 1 && isJsonObject(data.data) ? data.data : data;
}

/**
 * In ProtoJSON an absent `blocking` is `false`, as its official clients rely on (they leave `false` out); in the
 * document's form it means the server's choice, which is to block.
 */
function configurationFromProto(configuration: unknown, isProto: boolean): unknown {
  if (!isJsonObject(configuration)) return configuration;
  const { pushNotification, blocking, ...same }: Fields = camelNames(configuration);
  const push = pushNotification ?? same.pushNotificationConfig;
  return {
    ...same,
    ...(push === undefined ? {} : { pushNotificationConfig: push }),
    ...(blocking === undefined || blocking === null ? (isProto ? { blocking: false } : {}) : { blocking }),
  };
}

/**
 * `body` of POST `.../pushNotificationConfigs` as the inner configuration. It comes as `{config: {pushNotificationConfig}}`
 * (the proto's create request), as `{pushNotificationConfig}` (the JavaScript client), or bare.
 */
export function pushConfigFromProto(body: unknown): unknown {
  if (!isJsonObject(body)) return body;
  const request: Fields = camelNames(body);
  const holder: Fields = isJsonObject(request.config) ? camelNames(request.config) : request;
  const inner = holder.pushNotificationConfig ?? (isJsonObject(request.config) ? request.config : body);
  if (!isJsonObject(inner)) return inner;
  const id = [inner.id, request.configId, lastSegment(holder.name)].find((candidate) => isText(candidate));
  return id === undefined ? inner : { ...inner, id };
}

function lastSegment(name: unknown): string | undefined {
  return typeof name === 'string' ? /\/pushNotificationConfigs\/([^/]+)$/.exec(name)?.[1] : undefined;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** Field names in camelCase; the two spellings of ProtoJSON are equal, and the camelCase one wins. */
export function camelNames(object: Readonly<Record<string, unknown>>): Fields {
  const renamed: Fields = {};
  for (const [name, value] of Object.entries(object)) {
    if (name === '__proto__') continue;
    const camel = name.replaceAll(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase());
    if (camel === name || !Object.hasOwn(object, camel)) renamed[camel] = value;
  }
  return renamed;
}

export function taskToProto(task: v1.Task): object {
  return {
    id: task.id,
    ...(task.contextId === undefined ? {} : { contextId: task.contextId }),
    status: statusToProto(task.status),
    ...(task.artifacts === undefined ? {} : { artifacts: task.artifacts.map(artifactToProto) }),
    ...(task.history === undefined ? {} : { history: task.history.map(messageToProto) }),
    ...metadataOf(task),
  };
}

export function messageToProto(message: v1.Message): object {
  const { parts, referenceTaskIds: _gone, ...same } = message;
  return { ...same, content: parts.map(partToProto) };
}

/** `{task}`, `{message}`, `{statusUpdate}` or `{artifactUpdate}`: of a stream, and of a send. */
export function eventToProto(event: v1.StreamResponse): object {
  if ('task' in event) return { task: taskToProto(event.task) };
  if ('message' in event) return { message: messageToProto(event.message) };
  if ('statusUpdate' in event) {
    const { status, ...same } = event.statusUpdate;
    const final = isFinalState(status.state);
    return { statusUpdate: { ...same, status: statusToProto(status), ...(final ? { final } : {}) } };
  }
  const { artifact, ...same } = event.artifactUpdate;
  return { artifactUpdate: { ...same, artifact: artifactToProto(artifact) } };
}

export function pushConfigToProto(config: v1.TaskPushNotificationConfig): object {
  const name = `tasks/${config.taskId ?? ''}/pushNotificationConfigs/${config.id ?? ''}`;
  return { name, pushNotificationConfig: pushConfigToV03(config) };
}

/** The card: requirements and schemes have the 1.0 form in the 0.3.0 proto definition, the rest is that of JSON-RPC. */
export function cardToProto(card: v1.AgentCard, old: v03.AgentCard): object {
  const { iconUrl: _gone, securitySchemes: _schemes, security: _security, skills: _skills, ...same } = old;
  return {
    ...same,
    ...(card.securitySchemes === undefined ? {} : { securitySchemes: card.securitySchemes }),
    ...(card.securityRequirements === undefined ? {} : { security: card.securityRequirements }),
    skills: card.skills.map(({ securityRequirements, ...skill }) =>
      securityRequirements === undefined ? skill : { ...skill, security: securityRequirements },
    ),
  };
}

function statusToProto(status: v1.TaskStatus): object {
  const { state, message, timestamp } = status;
  return {
    state: state === 'TASK_STATE_CANCELED' ? 'TASK_STATE_CANCELLED' : state,
    ...(message === undefined ? {} : { message: messageToProto(message) }),
    ...(timestamp === undefined ? {} : { timestamp }),
  };
}

function artifactToProto(artifact: v1.Artifact): object {
  return { ...artifact, parts: artifact.parts.map(partToProto) };
}

function partToProto(part: v1.Part): object {
  const old = partToV03(part);
  if (old.kind === 'text') return { text: old.text };
  if (old.kind === 'data') return { data: { data: old.data } };
  const { uri, bytes, mimeType } = old.file;
  return {
    file: {
      ...(bytes === undefined ? { fileWithUri: uri ?? '' } : { fileWithBytes: bytes }),
      ...(mimeType === undefined ? {} : { mimeType }),
    },
  };
}

function metadataOf(holder: { metadata?: JsonObject }): { metadata?: JsonObject } {
  return holder.metadata === undefined ? {} : { metadata: holder.metadata };
}
