/** What the parts of the OpenAPI description share: headers, error bodies, answers. */
import { BAD_REQUEST_TYPE, ERROR_INFO_TYPE, RETRY_INFO_TYPE } from '../../protocol/error-bodies.ts';
import { ERROR_TABLE, type ErrorCode } from '../../protocol/errors.ts';

export type Json = Readonly<Record<string, unknown>>;

/** The form of an error's body: google.rpc.Status, JSON-RPC, or REST as 0.3 has it. */
export type ErrorForm = 'RestError' | 'JsonRpcErrorResponse' | 'V03RestError';

export const schemaRef = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });
const headerRef = (name: string): Json => ({ $ref: `#/components/headers/${name}` });
export const parameterRef = (name: string): Json => ({ $ref: `#/components/parameters/${name}` });

/** Errors that any request with a credential can meet. */
export const COMMON_ERRORS: readonly ErrorCode[] = [
  'INVALID_REQUEST',
  'UNAUTHENTICATED',
  'PERMISSION_DENIED',
  'NOT_FOUND',
  'RATE_LIMITED',
  'HEADERS_TOO_LARGE',
  'INTERNAL',
  'UNAVAILABLE',
];
/** Errors that a request with a body can meet besides. */
export const BODY_ERRORS: readonly ErrorCode[] = [
  'PARSE_ERROR',
  'INVALID_PARAMS',
  'PAYLOAD_TOO_LARGE',
  'UNSUPPORTED_MEDIA_TYPE',
];

const ALWAYS = { 'x-request-id': headerRef('x-request-id') };
/** Headers of every answer that an authenticated request gets. */
export const ANSWER_HEADERS: Json = {
  ...ALWAYS,
  'RateLimit-Limit': headerRef('RateLimit-Limit'),
  'RateLimit-Remaining': headerRef('RateLimit-Remaining'),
  'RateLimit-Reset': headerRef('RateLimit-Reset'),
};

const headerOf = (description: string, schema: Json): Json => ({ description, schema });

export const HEADERS: Json = {
  'x-request-id': headerOf('The id of the request, as sent or made by the server; the log has it too.', {
    type: 'string',
  }),
  'RateLimit-Limit': headerOf('Requests that a minute allows. Only where `rateLimit.perMinute` is set.', {
    type: 'integer',
  }),
  'RateLimit-Remaining': headerOf('Requests left in this minute.', { type: 'integer' }),
  'RateLimit-Reset': headerOf('Seconds until the next minute begins.', { type: 'integer' }),
  'Retry-After': headerOf('Seconds until a retry makes sense.', { type: 'integer' }),
  'WWW-Authenticate': headerOf('`Bearer`.', { type: 'string' }),
  ETag: headerOf('Of the answer; send it as `If-None-Match` to get 304 while nothing has changed.', {
    type: 'string',
  }),
};

const detail = (type: string, properties: Json): Json => ({
  type: 'object',
  required: ['@type', ...Object.keys(properties).filter((name) => name !== 'metadata')],
  properties: { '@type': { const: type }, ...properties },
});

const ALL_CODES = Object.keys(ERROR_TABLE) as ErrorCode[];
const unique = <T>(values: readonly T[]): T[] => [...new Set(values)];

const V03_DATA: Json = {
  type: 'object',
  required: ['@type', 'reason', 'domain'],
  properties: {
    '@type': { type: 'string' },
    reason: schemaRef('ErrorReason'),
    domain: { type: 'string' },
    metadata: { type: 'object', additionalProperties: { type: 'string' } },
    fieldViolations: { type: 'array', items: schemaRef('FieldViolation') },
    retryAfterSeconds: { type: 'integer' },
  },
};

export const ERROR_SCHEMAS: Json = {
  ErrorReason: { type: 'string', enum: ALL_CODES, description: 'The name of the error: the same in every transport.' },
  FieldViolation: {
    type: 'object',
    required: ['field', 'description'],
    properties: {
      field: { type: 'string', description: 'A path such as `message.parts[0].text`.' },
      description: { type: 'string' },
    },
  },
  ErrorDetail: {
    oneOf: [
      detail(ERROR_INFO_TYPE, {
        reason: schemaRef('ErrorReason'),
        domain: { enum: ['a2a-protocol.org', 'parley'] },
        metadata: { type: 'object', additionalProperties: { type: 'string' } },
      }),
      detail(BAD_REQUEST_TYPE, { fieldViolations: { type: 'array', items: schemaRef('FieldViolation') } }),
      detail(RETRY_INFO_TYPE, { retryDelay: { type: 'string', description: 'Such as `5s`.' } }),
    ],
  },
  RestError: {
    type: 'object',
    description: 'google.rpc.Status in its HTTP form (A2A 1.0 section 11.6).',
    required: ['error'],
    properties: {
      error: {
        type: 'object',
        required: ['code', 'status', 'message', 'details'],
        properties: {
          code: { type: 'integer', description: 'The HTTP status.' },
          status: { enum: unique(ALL_CODES.map((code) => ERROR_TABLE[code].grpc)) },
          message: { type: 'string' },
          details: { type: 'array', items: schemaRef('ErrorDetail') },
        },
      },
    },
  },
  JsonRpcErrorResponse: {
    type: 'object',
    required: ['jsonrpc', 'id', 'error'],
    properties: {
      jsonrpc: { const: '2.0' },
      id: { type: ['string', 'number', 'null'] },
      error: {
        type: 'object',
        required: ['code', 'message', 'data'],
        properties: {
          code: { enum: unique(ALL_CODES.map((code) => ERROR_TABLE[code].jsonRpc)) },
          message: { type: 'string' },
          data: {
            description: 'A list of details; in 0.3 one object.',
            oneOf: [{ type: 'array', items: schemaRef('ErrorDetail') }, V03_DATA],
          },
        },
      },
    },
  },
  V03RestError: {
    type: 'object',
    required: ['code', 'message', 'error', 'data'],
    properties: {
      code: { type: 'integer', description: 'The JSON-RPC number of the error.' },
      message: { type: 'string' },
      error: { type: 'string', description: 'Such as `TaskNotFoundError`.' },
      data: V03_DATA,
    },
  },
};

function errorHeaders(status: number): Json {
  if (status === 401) return { ...ALWAYS, 'WWW-Authenticate': headerRef('WWW-Authenticate') };
  if (status === 429) return { ...ANSWER_HEADERS, 'Retry-After': headerRef('Retry-After') };
  return status === 503 ? { ...ALWAYS, 'Retry-After': headerRef('Retry-After') } : ALWAYS;
}

/** Answers by HTTP status for these errors, each naming its codes. In JSON-RPC only those that have a status of their own. */
export function errorResponses(codes: readonly ErrorCode[], form: ErrorForm): Record<string, Json> {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of unique(codes)) {
    const { http, beforeOperation } = ERROR_TABLE[code];
    if (form === 'JsonRpcErrorResponse' && !beforeOperation) continue;
    byStatus.set(http, [...(byStatus.get(http) ?? []), code]);
  }
  const responses = [...byStatus].map(([status, names]): [string, Json] => [
    String(status),
    {
      description: names.map((name) => `\`${name}\``).join(', '),
      headers: errorHeaders(status),
      content: { 'application/json': { schema: schemaRef(form) } },
    },
  ]);
  return Object.fromEntries(responses);
}

/** An answer with JSON of this schema. */
export function jsonResponse(description: string, schema: Json, mediaType = 'application/json'): Json {
  return { description, headers: ANSWER_HEADERS, content: { [mediaType]: { schema } } };
}
