/** A client of all wires (1.0 and 0.3; JSON-RPC, REST and gRPC) that speaks 1.0 to the test, whatever it sends. */
import { request } from 'undici';
import type { Operation } from '../../../src/protocol/codec.ts';
import { isJsonObject } from '../../../src/protocol/scalars.ts';
import type { ParleyProcess } from '../../support/server.ts';
import { openSse } from '../../support/sse.ts';
import { callGrpc, streamGrpc } from './grpc-wire.ts';
import { eventOf, requestBody, resultOf, unwrapped } from './translation.ts';
import { restRequest, rpcMethod } from './wire-forms.ts';

export type Fields = Record<string, unknown>;

/** One way to talk to an agent. */
export interface Wire {
  readonly name: string;
  readonly version: '1.0' | '0.3';
  readonly binding: 'JSONRPC' | 'HTTP+JSON' | 'GRPC';
}

/** Those that are HTTP and JSON. */
export const WIRES: readonly Wire[] = [
  { name: '1.0 JSON-RPC', version: '1.0', binding: 'JSONRPC' },
  { name: '1.0 REST', version: '1.0', binding: 'HTTP+JSON' },
  { name: '0.3 JSON-RPC', version: '0.3', binding: 'JSONRPC' },
  { name: '0.3 REST', version: '0.3', binding: 'HTTP+JSON' },
];

export const ALL_WIRES: readonly Wire[] = [
  ...WIRES,
  { name: '1.0 gRPC', version: '1.0', binding: 'GRPC' },
  { name: '0.3 gRPC', version: '0.3', binding: 'GRPC' },
];

/** 0.3.0 has no ListTasks in its gRPC service. */
export const LISTING_WIRES: readonly Wire[] = ALL_WIRES.filter(({ name }) => name !== '0.3 gRPC');

/** An error as each wire tells it, in one form. */
export interface WireError {
  readonly reason: string;
  readonly message: string;
  /** Paths of the fields that are not valid. */
  readonly fields: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  /** JSON-RPC's `error.code`; for REST the HTTP status; for gRPC the status code. */
  readonly code: number;
}

export interface Answer {
  /** Of HTTP; for gRPC, 200 where there is no error, else its status code. */
  readonly status: number;
  readonly contentType: string;
  /** 1.0 form; undefined where there is an error. */
  readonly result: unknown;
  readonly error: WireError | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** Undefined where the body is no JSON. */
  readonly json: unknown;
}

export interface HttpOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text or bytes as they are; anything else as JSON, with `content-type: application/json`. */
  readonly body?: unknown;
}

/** One request, answered or failed within ten seconds. */
export async function http(url: string, options: HttpOptions = {}): Promise<HttpAnswer> {
  const { body } = options;
  const isRaw = body === undefined || typeof body === 'string' || body instanceof Uint8Array;
  const response = await request(url, {
    method: (options.method ?? (body === undefined ? 'GET' : 'POST')) as 'GET',
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...options.headers },
    body: isRaw ? (body ?? null) : JSON.stringify(body),
    headersTimeout: 10_000,
    bodyTimeout: 10_000,
  });
  const text = await response.body.text();
  return { status: response.statusCode, headers: response.headers, text, json: parsed(text) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A server, and the key that its caller has. */
export type Target = Pick<ParleyProcess, 'url' | 'adminKey'> & {
  /** For gRPC. */
  readonly ports?: Pick<ParleyProcess['ports'], 'grpcPort'>;
};

export function bearer(parley: Target): Record<string, string> {
  return { authorization: `Bearer ${parley.adminKey}` };
}

export interface CallOptions {
  /** Of the agent; default `/a2a`. */
  readonly address?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends `fields`, a request in its 1.0 form, over `wire`, and brings the answer into the 1.0 form. */
export async function call(
  parley: Target,
  wire: Wire,
  operation: Operation,
  fields: Fields,
  options: CallOptions = {},
): Promise<Answer> {
  if (wire.binding === 'GRPC') return callGrpc(parley, wire, operation, fields, options);
  const { url, ...rest } = requestOf(parley, wire, operation, fields, options);
  const answer = await http(url, rest);
  const contentType = String(answer.headers['content-type'] ?? '').replace(/;.*/, '');
  const error = errorOf(wire, answer.json);
  const result = error === undefined ? resultOf(wire, operation, unwrapped(wire, answer.json)) : undefined;
  return { status: answer.status, contentType, result, error };
}

export interface StreamAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly ids: readonly (string | undefined)[];
  /** StreamResponses in their 1.0 form. */
  readonly events: readonly unknown[];
  readonly error: WireError | undefined;
}

/** The same for the operations that stream: reads to the end, or until `count` events are here. */
export async function stream(
  parley: Target,
  wire: Wire,
  operation: 'SendStreamingMessage' | 'SubscribeToTask',
  fields: Fields,
  options: CallOptions & { readonly count?: number } = {},
): Promise<StreamAnswer> {
  if (wire.binding === 'GRPC') return streamGrpc(parley, wire, operation, fields, options);
  const { url, method, headers, body } = requestOf(parley, wire, operation, fields, options);
  const source = await openSse(url, {
    method: method as 'POST',
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: body as object }),
  });
  const contentType = String(source.headers['content-type'] ?? '').replace(/;.*/, '');
  if (contentType !== 'text/event-stream') {
    const error = errorOf(wire, parsed(await source.text()));
    return { status: source.status, contentType, ids: [], events: [], error };
  }
  const events = await source.collect(options.count);
  source.close();
  // 0.3 tells the error of a streaming operation as the only event.
  const refused = errorOf(wire, parsed(events[0]?.data ?? ''));
  if (refused !== undefined) return { status: source.status, contentType, ids: [], events: [], error: refused };
  return {
    status: source.status,
    contentType,
    ids: events.map(({ id }) => id),
    events: events.map(({ data }) => eventOf(wire, unwrapped(wire, JSON.parse(data)))),
    error: undefined,
  };
}

function requestOf(
  parley: Target,
  wire: Wire,
  operation: Operation,
  fields: Fields,
  options: CallOptions,
): HttpOptions & { readonly url: string } {
  const address = `${parley.url}${options.address ?? '/a2a'}`;
  // 0.3 clients send no such header.
  const version = wire.version === '1.0' ? { 'a2a-version': '1.0' } : {};
  const headers = { ...bearer(parley), ...version, ...options.headers };
  if (wire.binding === 'JSONRPC') {
    const params = requestBody(wire, operation, fields);
    const body = { jsonrpc: '2.0', id: 'a', method: rpcMethod(wire, operation), params };
    return { url: address, method: 'POST', headers, body };
  }
  const { path, ...rest } = restRequest(wire, operation, fields);
  return { url: `${address}${path}`, headers, ...rest };
}

/** The error in the body of an answer, undefined where it is none. */
export function errorOf(wire: Pick<Wire, 'version' | 'binding'>, json: unknown): WireError | undefined {
  if (!isJsonObject(json)) return undefined;
  const isOldRest = wire.version === '0.3' && wire.binding === 'HTTP+JSON';
  const isError = isOldRest ? typeof json.error === 'string' : isJsonObject(json.error);
  if (!isError) return undefined;
  const error = (isOldRest ? json : json.error) as Fields;
  const details = [error['details'] ?? error['data'] ?? []].flat() as Fields[];
  const violations = details.flatMap((detail) => (detail['fieldViolations'] ?? []) as { field: string }[]);
  const info = details.find((detail) => typeof detail['reason'] === 'string') ?? {};
  return {
    reason: String(info['reason']),
    message: String(error['message']),
    fields: violations.map(({ field }) => field),
    metadata: (info['metadata'] ?? {}) as Record<string, string>,
    code: Number(error['code']),
  };
}

/** A message of a user with one text part and an id of its own. */
export function textMessage(text: string, more: Fields = {}): Fields {
  return { messageId: crypto.randomUUID(), role: 'ROLE_USER', parts: [{ text }], ...more };
}
