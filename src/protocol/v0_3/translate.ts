/** A2A 0.3 <-> 1.0 for messages, tasks, events and push configurations. What cannot cross is in LOSSY_FIELDS. */
import type { JsonObject } from '../json.ts';
import { isJsonObject } from '../scalars.ts';
import type * as v1 from '../v1/types.ts';
import type * as v03 from './types.ts';

/** One thing that does not survive a translation. */
export interface LossyField {
  readonly direction: '1.0->0.3' | '0.3->1.0';
  readonly field: string;
  readonly reason: string;
}

/** Everything that is lost; whatever is not listed comes back equal (a property test holds that). */
export const LOSSY_FIELDS: readonly LossyField[] = [
  {
    direction: '1.0->0.3',
    field: 'Part.filename',
    reason: 'only file parts have a name in 0.3; text and data parts lose it',
  },
  {
    direction: '1.0->0.3',
    field: 'Part.mediaType',
    reason: 'only file parts have a type in 0.3; text and data parts lose it',
  },
  {
    direction: '1.0->0.3',
    field: 'Part.metadata.data_part_compat',
    reason: 'reserved on data parts for the mark of a wrapped value; empty metadata beside a wrapped value is lost too',
  },
  { direction: '1.0->0.3', field: 'TaskPushNotificationConfig.tenant', reason: '0.3 has no tenants' },
  { direction: '1.0->0.3', field: 'AgentCard.signatures', reason: 'they sign the 1.0 form of the card' },
  { direction: '1.0->0.3', field: 'AgentInterface.tenant', reason: '0.3 has no tenants' },
  { direction: '1.0->0.3', field: 'OAuthFlows.deviceCode', reason: 'no such flow in 0.3' },
  { direction: '1.0->0.3', field: 'AuthorizationCodeOAuthFlow.pkceRequired', reason: 'no such field in 0.3' },
  {
    direction: '0.3->1.0',
    field: 'TaskStatus.state unknown',
    reason: 'becomes TASK_STATE_WORKING: not known to be over',
  },
  {
    direction: '0.3->1.0',
    field: 'TaskStatusUpdateEvent.final',
    reason: 'gone in 1.0; derived from the state on the way back',
  },
  {
    direction: '0.3->1.0',
    field: 'PushNotificationAuthenticationInfo.schemes',
    reason: '1.0 has one scheme: the first',
  },
  { direction: '0.3->1.0', field: 'AgentCapabilities.stateTransitionHistory', reason: 'gone in 1.0' },
];

/** Marks a data part whose value was no object and is wrapped as `{value}`; the name that the official SDKs use. */
export const WRAPPED_DATA_MARK = 'data_part_compat';

const STATE_TO_V03: Readonly<Record<v1.TaskState, v03.TaskState>> = {
  TASK_STATE_SUBMITTED: 'submitted',
  TASK_STATE_WORKING: 'working',
  TASK_STATE_COMPLETED: 'completed',
  TASK_STATE_FAILED: 'failed',
  TASK_STATE_CANCELED: 'canceled',
  TASK_STATE_INPUT_REQUIRED: 'input-required',
  TASK_STATE_REJECTED: 'rejected',
  TASK_STATE_AUTH_REQUIRED: 'auth-required',
};

const STATE_TO_V1: Readonly<Record<v03.TaskState, v1.TaskState>> = {
  submitted: 'TASK_STATE_SUBMITTED',
  working: 'TASK_STATE_WORKING',
  completed: 'TASK_STATE_COMPLETED',
  failed: 'TASK_STATE_FAILED',
  canceled: 'TASK_STATE_CANCELED',
  'input-required': 'TASK_STATE_INPUT_REQUIRED',
  rejected: 'TASK_STATE_REJECTED',
  'auth-required': 'TASK_STATE_AUTH_REQUIRED',
  unknown: 'TASK_STATE_WORKING',
};

export function stateToV03(state: v1.TaskState): v03.TaskState {
  return STATE_TO_V03[state];
}

export function stateToV1(state: v03.TaskState): v1.TaskState {
  return STATE_TO_V1[state];
}

/** Whether a 0.3 stream ends with this state: terminal, or waiting for the client (0.3.0 section 7.2.2). */
export function isFinalState(state: v1.TaskState): boolean {
  return state !== 'TASK_STATE_SUBMITTED' && state !== 'TASK_STATE_WORKING' && state !== 'TASK_STATE_AUTH_REQUIRED';
}

export function partToV03(part: v1.Part): v03.Part {
  if (part.text !== undefined) return { kind: 'text', text: part.text, ...withMetadata(part) };
  if (part.raw !== undefined)
    return { kind: 'file', file: { bytes: part.raw, ...fileLabels(part) }, ...withMetadata(part) };
  if (part.url !== undefined)
    return { kind: 'file', file: { uri: part.url, ...fileLabels(part) }, ...withMetadata(part) };
  const { [WRAPPED_DATA_MARK]: _reserved, ...metadata } = part.metadata ?? {};
  if (isJsonObject(part.data)) {
    return { kind: 'data', data: part.data, ...(part.metadata === undefined ? {} : { metadata }) };
  }
  return { kind: 'data', data: { value: part.data ?? null }, metadata: { ...metadata, [WRAPPED_DATA_MARK]: true } };
}

export function partToV1(part: v03.Part): v1.Part {
  switch (part.kind) {
    case 'text':
      return { text: part.text, ...withMetadata(part) };
    case 'file': {
      const { uri, bytes, mimeType, name } = part.file;
      return {
        ...(bytes === undefined ? { url: uri ?? '' } : { raw: bytes }),
        ...withMetadata(part),
        ...(name === undefined ? {} : { filename: name }),
        ...(mimeType === undefined ? {} : { mediaType: mimeType }),
      };
    }
    case 'data':
      return dataPartToV1(part);
  }
}

function dataPartToV1(part: v03.DataPart): v1.Part {
  if (part.metadata?.[WRAPPED_DATA_MARK] !== true) return { data: part.data, ...withMetadata(part) };
  const { [WRAPPED_DATA_MARK]: _mark, ...metadata } = part.metadata;
  const data = Object.hasOwn(part.data, 'value') ? (part.data.value ?? null) : part.data;
  return Object.keys(metadata).length === 0 ? { data } : { data, metadata };
}

function fileLabels(part: v1.Part): { mimeType?: string; name?: string } {
  return {
    ...(part.mediaType === undefined ? {} : { mimeType: part.mediaType }),
    ...(part.filename === undefined ? {} : { name: part.filename }),
  };
}

function withMetadata(holder: { metadata?: JsonObject }): { metadata?: JsonObject } {
  return holder.metadata === undefined ? {} : { metadata: holder.metadata };
}

export function messageToV03(message: v1.Message): v03.Message & { kind: 'message' } {
  const { role, parts, ...same } = message;
  return { kind: 'message', ...same, role: role === 'ROLE_USER' ? 'user' : 'agent', parts: parts.map(partToV03) };
}

/** The fields in the order of the 1.0 schema, so that the JSON text of equal messages is equal in both versions. */
export function messageToV1(message: v03.Message): v1.Message {
  const { messageId, contextId, taskId, metadata, extensions, referenceTaskIds } = message;
  return {
    messageId,
    ...(contextId === undefined ? {} : { contextId }),
    ...(taskId === undefined ? {} : { taskId }),
    role: message.role === 'user' ? 'ROLE_USER' : 'ROLE_AGENT',
    parts: message.parts.map(partToV1),
    ...(metadata === undefined ? {} : { metadata }),
    ...(extensions === undefined ? {} : { extensions }),
    ...(referenceTaskIds === undefined ? {} : { referenceTaskIds }),
  };
}

export function artifactToV03(artifact: v1.Artifact): v03.Artifact {
  return { ...artifact, parts: artifact.parts.map(partToV03) };
}

export function artifactToV1(artifact: v03.Artifact): v1.Artifact {
  return { ...artifact, parts: artifact.parts.map(partToV1) };
}

export function statusToV03(status: v1.TaskStatus): v03.TaskStatus {
  const { state, message, ...same } = status;
  return { state: stateToV03(state), ...(message === undefined ? {} : { message: messageToV03(message) }), ...same };
}

export function statusToV1(status: v03.TaskStatus): v1.TaskStatus {
  const { state, message, ...same } = status;
  return { state: stateToV1(state), ...(message === undefined ? {} : { message: messageToV1(message) }), ...same };
}

/** `contextId` is required in 0.3; a task without one gets the empty string, which 1.0 reads as none. */
export function taskToV03(task: v1.Task): v03.Task {
  const { id, contextId, status, artifacts, history, ...same } = task;
  return {
    kind: 'task',
    id,
    contextId: contextId ?? '',
    status: statusToV03(status),
    ...(artifacts === undefined ? {} : { artifacts: artifacts.map(artifactToV03) }),
    ...(history === undefined ? {} : { history: history.map(messageToV03) }),
    ...same,
  };
}

export function taskToV1(task: v03.Task): v1.Task {
  const { kind: _kind, id, contextId, status, artifacts, history, ...same } = task;
  return {
    id,
    ...(contextId === '' ? {} : { contextId }),
    status: statusToV1(status),
    ...(artifacts === undefined ? {} : { artifacts: artifacts.map(artifactToV1) }),
    ...(history === undefined ? {} : { history: history.map(messageToV1) }),
    ...same,
  };
}

/** One stream event; a Task or a Message is also the answer to a send. */
export function eventToV03(event: v1.StreamResponse): v03.StreamResult {
  if ('task' in event) return taskToV03(event.task);
  if ('message' in event) return messageToV03(event.message);
  if ('statusUpdate' in event) {
    const { taskId, contextId, status, ...same } = event.statusUpdate;
    const final = isFinalState(status.state);
    return { kind: 'status-update', taskId, contextId, status: statusToV03(status), final, ...same };
  }
  const { artifact, ...same } = event.artifactUpdate;
  return { kind: 'artifact-update', ...same, artifact: artifactToV03(artifact) };
}

export function eventToV1(event: v03.StreamResult): v1.StreamResponse {
  switch (event.kind) {
    case 'task':
      return { task: taskToV1(event) };
    case 'message':
      return { message: messageToV1(event) };
    case 'status-update': {
      const { kind: _kind, final: _final, status, ...same } = event;
      return { statusUpdate: { ...same, status: statusToV1(status) } };
    }
    case 'artifact-update': {
      const { kind: _kind, artifact, ...same } = event;
      return { artifactUpdate: { ...same, artifact: artifactToV1(artifact) } };
    }
  }
}

/** The inner configuration; 0.3 keeps the task's id beside it. */
export function pushConfigToV03(config: v1.TaskPushNotificationConfig): v03.PushNotificationConfig {
  const { id, url, token, authentication } = config;
  return {
    ...(id === undefined ? {} : { id }),
    url,
    ...(token === undefined ? {} : { token }),
    ...(authentication === undefined ? {} : { authentication: authenticationToV03(authentication) }),
  };
}

export function pushConfigToV1(config: v03.PushNotificationConfig): v1.TaskPushNotificationConfig {
  const { id, url, token } = config;
  const authentication = authenticationToV1(config.authentication ?? {});
  return {
    ...(id === undefined ? {} : { id }),
    url,
    ...(token === undefined ? {} : { token }),
    ...(authentication === undefined ? {} : { authentication }),
  };
}

function authenticationToV03(info: v1.AuthenticationInfo): v03.PushNotificationAuthenticationInfo {
  const { scheme, credentials } = info;
  return { schemes: [scheme], ...(credentials === undefined ? {} : { credentials }) };
}

/** Clients of 0.3 send an empty object for "none", and credentials without a scheme, which can only be a bearer token. */
function authenticationToV1(info: v03.PushNotificationAuthenticationInfo): v1.AuthenticationInfo | undefined {
  const scheme = info.schemes?.[0];
  if (info.credentials === undefined) return scheme === undefined ? undefined : { scheme };
  return { scheme: scheme ?? 'Bearer', credentials: info.credentials };
}
