/** What one protocol version must provide. `v1/codec.ts` and `v0_3/codec.ts` are the two; nothing else knows a version. */
import type { AppError } from './errors.ts';
import type {
  AgentCard,
  GetTaskRequest,
  ListPushConfigsRequest,
  ListTasksRequest,
  PushConfigIdRequest,
  SendMessageRequest,
  TaskIdRequest,
  TaskPushNotificationConfig,
} from './v1/types.ts';

export type ProtocolVersion = '1.0' | '0.3';

/** The operations of A2A 1.0 section 5.3, by their 1.0 method names. */
export const OPERATIONS = [
  'SendMessage',
  'SendStreamingMessage',
  'GetTask',
  'ListTasks',
  'CancelTask',
  'SubscribeToTask',
  'CreateTaskPushNotificationConfig',
  'GetTaskPushNotificationConfig',
  'ListTaskPushNotificationConfigs',
  'DeleteTaskPushNotificationConfig',
  'GetExtendedAgentCard',
] as const;
export type Operation = (typeof OPERATIONS)[number];

/** The request of each operation, always in its 1.0 form, valid by the schema. */
export interface OperationRequests {
  SendMessage: SendMessageRequest;
  SendStreamingMessage: SendMessageRequest;
  GetTask: GetTaskRequest;
  ListTasks: ListTasksRequest;
  CancelTask: TaskIdRequest;
  SubscribeToTask: TaskIdRequest;
  CreateTaskPushNotificationConfig: TaskPushNotificationConfig & { taskId: string };
  GetTaskPushNotificationConfig: PushConfigIdRequest;
  ListTaskPushNotificationConfigs: ListPushConfigsRequest;
  DeleteTaskPushNotificationConfig: PushConfigIdRequest;
  GetExtendedAgentCard: { tenant?: string };
}

/** A decoded request with its operation; a union, so that `switch (call.operation)` narrows `request`. */
export type OperationCall = {
  [O in Operation]: { readonly operation: O; readonly request: OperationRequests[O] };
}[Operation];

/** One page of ListTasks: each task as 1.0 JSON text. */
export interface TaskPage {
  readonly tasks: readonly string[];
  readonly nextPageToken: string;
  readonly pageSize: number;
  readonly totalSize: number;
}

/** One REST route below an agent's address. */
export interface RestRoute {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Path below the agent's address, `{id}` and `{configId}` standing for one segment each. */
  readonly path: string;
  readonly operation: Operation;
}

/** Query and path parameters of a REST request, as strings; `undefined` body where the method has none. */
export interface RestInput {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export interface Codec {
  readonly version: ProtocolVersion;
  /** JSON-RPC method name -> operation. */
  readonly methods: ReadonlyMap<string, Operation>;
  readonly restRoutes: readonly RestRoute[];

  /** Validates JSON-RPC `params`. Throws AppError INVALID_PARAMS with a violation for each bad field. */
  decodeParams(operation: Operation, params: unknown): OperationCall;
  /** The same for a REST request: path and query parameters (strings) and the body. */
  decodeRest(operation: Operation, input: RestInput): OperationCall;

  /** 1.0 Task JSON text -> this version's Task JSON text. */
  encodeTask(taskJson: string): string;
  /** 1.0 Message JSON text -> this version's. */
  encodeMessage(messageJson: string): string;
  /** 1.0 StreamResponse JSON text -> what this version sends as one stream event. */
  encodeEvent(streamResponseJson: string): string;
  /** The answer to SendMessage: a Task, or a Message (exactly one), as 1.0 JSON text. */
  encodeSendResult(result: { readonly task: string } | { readonly message: string }): string;
  encodeTaskPage(page: TaskPage): string;
  encodePushConfig(config: TaskPushNotificationConfig): string;
  encodePushConfigs(configs: readonly TaskPushNotificationConfig[], nextPageToken: string): string;
  /** The answer to a deletion. */
  encodeDeleted(): string;
  encodeCard(card: AgentCard): string;

  /** The `error` member of a JSON-RPC answer. */
  encodeJsonRpcError(error: AppError): string;
  /** The body of a REST error answer. */
  encodeRestError(error: AppError): string;
}
