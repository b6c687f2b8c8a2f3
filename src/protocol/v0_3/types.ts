/** The A2A 0.3.0 data model as its JSON-RPC binding writes it: `kind` discriminators and lower-case states. */
import type { JsonObject } from '../json.ts';

export const TASK_STATES = [
  'submitted',
  'working',
  'input-required',
  'completed',
  'canceled',
  'failed',
  'rejected',
  'auth-required',
  'unknown',
] as const;
export type TaskState = (typeof TASK_STATES)[number];

export type Role = 'user' | 'agent';

export interface TextPart {
  kind: 'text';
  text: string;
  metadata?: JsonObject;
}

/** Exactly one of `uri` and `bytes` (base64) is present. */
export interface FileContent {
  uri?: string;
  bytes?: string;
  mimeType?: string;
  name?: string;
}

export interface FilePart {
  kind: 'file';
  file: FileContent;
  metadata?: JsonObject;
}

export interface DataPart {
  kind: 'data';
  data: JsonObject;
  metadata?: JsonObject;
}

export type Part = TextPart | FilePart | DataPart;

/** `kind` is optional on the way in: the specification's own examples leave it out. */
export interface Message {
  kind?: 'message';
  messageId: string;
  contextId?: string;
  taskId?: string;
  role: Role;
  parts: Part[];
  metadata?: JsonObject;
  extensions?: string[];
  referenceTaskIds?: string[];
}

export interface Artifact {
  artifactId: string;
  name?: string;
  description?: string;
  parts: Part[];
  metadata?: JsonObject;
  extensions?: string[];
}

export interface TaskStatus {
  state: TaskState;
  message?: Message;
  timestamp?: string;
}

export interface Task {
  kind: 'task';
  id: string;
  contextId: string;
  status: TaskStatus;
  artifacts?: Artifact[];
  history?: Message[];
  metadata?: JsonObject;
}

export interface TaskStatusUpdateEvent {
  kind: 'status-update';
  taskId: string;
  contextId: string;
  status: TaskStatus;
  final: boolean;
  metadata?: JsonObject;
}

export interface TaskArtifactUpdateEvent {
  kind: 'artifact-update';
  taskId: string;
  contextId: string;
  artifact: Artifact;
  append?: boolean;
  lastChunk?: boolean;
  metadata?: JsonObject;
}

/** One event of a stream, and the answer to `message/send` (a Task or a Message), told apart by `kind`. */
export type StreamResult = Task | (Message & { kind: 'message' }) | TaskStatusUpdateEvent | TaskArtifactUpdateEvent;

export interface PushNotificationAuthenticationInfo {
  schemes?: string[];
  credentials?: string;
}

export interface PushNotificationConfig {
  id?: string;
  url: string;
  token?: string;
  authentication?: PushNotificationAuthenticationInfo;
}

export interface TaskPushNotificationConfig {
  taskId: string;
  pushNotificationConfig: PushNotificationConfig;
}

export interface MessageSendConfiguration {
  acceptedOutputModes?: string[];
  historyLength?: number;
  pushNotificationConfig?: PushNotificationConfig;
  blocking?: boolean;
}

export interface MessageSendParams {
  message: Message;
  configuration?: MessageSendConfiguration;
  metadata?: JsonObject;
}

export interface TaskIdParams {
  id: string;
  metadata?: JsonObject;
}

export interface TaskQueryParams extends TaskIdParams {
  historyLength?: number;
}

export interface PushNotificationConfigParams extends TaskIdParams {
  pushNotificationConfigId?: string;
}

export interface ListTasksParams {
  contextId?: string;
  status?: TaskState;
  pageSize?: number;
  pageToken?: string;
  historyLength?: number;
  statusTimestampAfter?: string;
  includeArtifacts?: boolean;
}

/** `type` tells which; the other fields are OpenAPI's (`in`, `name`, `scheme`, `flows`, ...). */
export interface SecurityScheme {
  type: 'apiKey' | 'http' | 'oauth2' | 'openIdConnect' | 'mutualTLS';
  [field: string]: unknown;
}

export interface AgentInterface {
  url: string;
  transport: string;
}

export interface AgentExtension {
  uri: string;
  description?: string;
  required?: boolean;
  params?: JsonObject;
}

export interface AgentCapabilities {
  streaming?: boolean;
  pushNotifications?: boolean;
  stateTransitionHistory?: boolean;
  extensions?: AgentExtension[];
}

/** Scheme name to the scopes that it must have. */
export type SecurityRequirement = Record<string, string[]>;

export interface AgentSkill {
  id: string;
  name: string;
  description: string;
  tags: string[];
  examples?: string[];
  inputModes?: string[];
  outputModes?: string[];
  security?: SecurityRequirement[];
}

export interface AgentCard {
  protocolVersion: string;
  name: string;
  description: string;
  url: string;
  preferredTransport?: string;
  additionalInterfaces?: AgentInterface[];
  iconUrl?: string;
  provider?: { organization: string; url: string };
  version: string;
  documentationUrl?: string;
  capabilities: AgentCapabilities;
  securitySchemes?: Record<string, SecurityScheme>;
  security?: SecurityRequirement[];
  defaultInputModes: string[];
  defaultOutputModes: string[];
  skills: AgentSkill[];
  supportsAuthenticatedExtendedCard?: boolean;
}
