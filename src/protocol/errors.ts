/** Every error a caller can meet: one closed set of codes, one class, one table to JSON-RPC, HTTP and gRPC. */

/** gRPC status codes by name (google.rpc.Code). */
export type GrpcStatus =
  | 'INVALID_ARGUMENT'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'PERMISSION_DENIED'
  | 'RESOURCE_EXHAUSTED'
  | 'FAILED_PRECONDITION'
  | 'UNIMPLEMENTED'
  | 'INTERNAL'
  | 'UNAVAILABLE'
  | 'UNAUTHENTICATED'
  | 'OUT_OF_RANGE'
  | 'DEADLINE_EXCEEDED';

interface ErrorRow {
  /** JSON-RPC `error.code` (A2A 1.0 section 9.5). */
  readonly jsonRpc: number;
  /** HTTP status of the REST binding, and of JSON-RPC where the request is refused before an operation runs. */
  readonly http: number;
  readonly grpc: GrpcStatus;
  /** `true`: refused before an operation ran, so that JSON-RPC answers with the HTTP status too. */
  readonly beforeOperation: boolean;
  /** `a2a`: an error named by the specification, whose ErrorInfo has the domain `a2a-protocol.org`. */
  readonly domain: 'a2a' | 'parley';
}

const row = (
  jsonRpc: number,
  http: number,
  grpc: GrpcStatus,
  beforeOperation: boolean,
  domain: 'a2a' | 'parley',
): ErrorRow => ({ jsonRpc, http, grpc, beforeOperation, domain });

/** A2A 1.0.1 section 5.4, then JSON-RPC 2.0, then what a server needs besides. */
export const ERROR_TABLE = {
  TASK_NOT_FOUND: row(-32001, 404, 'NOT_FOUND', false, 'a2a'),
  TASK_NOT_CANCELABLE: row(-32002, 400, 'FAILED_PRECONDITION', false, 'a2a'),
  PUSH_NOTIFICATION_NOT_SUPPORTED: row(-32003, 400, 'FAILED_PRECONDITION', false, 'a2a'),
  UNSUPPORTED_OPERATION: row(-32004, 400, 'FAILED_PRECONDITION', false, 'a2a'),
  CONTENT_TYPE_NOT_SUPPORTED: row(-32005, 400, 'INVALID_ARGUMENT', false, 'a2a'),
  INVALID_AGENT_RESPONSE: row(-32006, 500, 'INTERNAL', false, 'a2a'),
  EXTENDED_AGENT_CARD_NOT_CONFIGURED: row(-32007, 400, 'FAILED_PRECONDITION', false, 'a2a'),
  EXTENSION_SUPPORT_REQUIRED: row(-32008, 400, 'FAILED_PRECONDITION', false, 'a2a'),
  VERSION_NOT_SUPPORTED: row(-32009, 400, 'FAILED_PRECONDITION', true, 'a2a'),

  PARSE_ERROR: row(-32700, 400, 'INVALID_ARGUMENT', true, 'parley'),
  INVALID_REQUEST: row(-32600, 400, 'INVALID_ARGUMENT', true, 'parley'),
  METHOD_NOT_FOUND: row(-32601, 404, 'UNIMPLEMENTED', false, 'parley'),
  INVALID_PARAMS: row(-32602, 400, 'INVALID_ARGUMENT', true, 'parley'),
  INTERNAL: row(-32603, 500, 'INTERNAL', false, 'parley'),

  UNAUTHENTICATED: row(-32000, 401, 'UNAUTHENTICATED', true, 'parley'),
  PERMISSION_DENIED: row(-32000, 403, 'PERMISSION_DENIED', true, 'parley'),
  /** A resource of the management API, an agent or a path that is not there. */
  NOT_FOUND: row(-32000, 404, 'NOT_FOUND', true, 'parley'),
  METHOD_NOT_ALLOWED: row(-32600, 405, 'UNIMPLEMENTED', true, 'parley'),
  /** The same Idempotency-Key with another body. */
  IDEMPOTENCY_CONFLICT: row(-32602, 409, 'ALREADY_EXISTS', true, 'parley'),
  CONFLICT: row(-32000, 409, 'ALREADY_EXISTS', true, 'parley'),
  REQUEST_TIMEOUT: row(-32600, 408, 'DEADLINE_EXCEEDED', true, 'parley'),
  PAYLOAD_TOO_LARGE: row(-32600, 413, 'RESOURCE_EXHAUSTED', true, 'parley'),
  /** The request's own Content-Type. JSON-RPC has no code for it; that of the media types of parts says what to change. */
  UNSUPPORTED_MEDIA_TYPE: row(-32005, 415, 'INVALID_ARGUMENT', true, 'parley'),
  RATE_LIMITED: row(-32000, 429, 'RESOURCE_EXHAUSTED', true, 'parley'),
  /** A configured limit of this server is reached (tasks running, subscribers, history, ...). */
  LIMIT_EXCEEDED: row(-32000, 429, 'RESOURCE_EXHAUSTED', true, 'parley'),
  /** `Last-Event-ID` above the head of the task's log. */
  EVENT_ID_OUT_OF_RANGE: row(-32602, 400, 'OUT_OF_RANGE', true, 'parley'),
  HEADERS_TOO_LARGE: row(-32600, 431, 'RESOURCE_EXHAUSTED', true, 'parley'),
  /** A stored secret was tampered with, or sealed with a key that this server does not have. */
  DECRYPTION_FAILED: row(-32603, 500, 'INTERNAL', false, 'parley'),
  UNAVAILABLE: row(-32000, 503, 'UNAVAILABLE', true, 'parley'),
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERROR_TABLE;

/** One field of a request that is not valid: `field` is a path such as `message.parts[0].text`. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

export interface AppErrorOptions {
  readonly cause?: unknown;
  /** For operators: goes to the log, never to a caller. */
  readonly detail?: string;
  readonly violations?: readonly FieldViolation[];
  /** String facts for callers, sent as ErrorInfo.metadata (for example `taskId`). */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Seconds until a retry makes sense; sent as Retry-After. */
  readonly retryAfterSeconds?: number;
}

/**
 * The only error that crosses a layer. `message` is written for callers; what operators need besides goes into
 * `detail` and `cause`. Handle it with `switch (error.code)`.
 */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly detail: string | undefined;
  readonly violations: readonly FieldViolation[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.detail = options.detail;
    this.violations = options.violations ?? [];
    this.metadata = options.metadata ?? {};
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** Any thrown value as an AppError: what is not one already is a fault of the server, whose message stays inside. */
export function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  return new AppError('INTERNAL', 'Internal error', {
    cause: thrown,
    detail: thrown instanceof Error ? thrown.message : String(thrown),
  });
}

/** For the end of a switch over a union: fails to compile when a case is missing. */
export function assertNever(value: never): never {
  throw new AppError('INTERNAL', 'Internal error', { detail: `unexpected value ${JSON.stringify(value)}` });
}
