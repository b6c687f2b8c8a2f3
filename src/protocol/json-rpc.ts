/** The JSON-RPC 2.0 envelope (A2A 1.0 section 9): reading requests, building answers as text. */
import { AppError } from './errors.ts';
import { parseJson } from './parse-json.ts';
import { isJsonObject } from './scalars.ts';

export type JsonRpcId = string | number | null;

export interface JsonRpcRequest {
  /** `null` also where the request has none; see {@link JsonRpcRequest.isNotification}. */
  readonly id: JsonRpcId;
  /** The JSON text of `id`, for every answer to this request. */
  readonly idJson: string;
  readonly method: string;
  /** An object, an array, or undefined; the operation's schema decides. */
  readonly params: unknown;
  /** The request has no `id`. Nothing may run for it: see {@link refuseNotification}. */
  readonly isNotification: boolean;
}

/**
 * The request in `text`. A missing `id` is not refused here, so that a caller who also named an unknown method or sent
 * invalid params hears of that first; call {@link refuseNotification} before anything runs.
 *
 * @throws AppError PARSE_ERROR where the text is no JSON, INVALID_REQUEST where it is no single JSON-RPC 2.0 request
 *   (batches are not supported). {@link readableIdJson} gives the id for the error's answer.
 */
export function parseJsonRpc(text: string): JsonRpcRequest {
  const request = parseJson(text);
  if (Array.isArray(request)) throw invalid('Batches are not supported: send one JSON-RPC request per HTTP request');
  if (!isJsonObject(request)) throw invalid('A JSON-RPC request must be an object');
  const { jsonrpc, method, params, id } = request;
  if (id !== undefined && !isJsonRpcId(id))
    throw invalid(`id must be a string, a number or null; a string has at most ${MAX_ID_LENGTH} characters`);
  if (jsonrpc !== '2.0') throw invalid('jsonrpc must be "2.0"');
  if (typeof method !== 'string' || method === '') throw invalid('method must be a string');
  if (params !== undefined && params !== null && typeof params !== 'object') {
    throw invalid('params must be an object');
  }
  const isNotification = id === undefined;
  return { id: id ?? null, idJson: JSON.stringify(id ?? null), method, params: params ?? undefined, isNotification };
}

/** @throws AppError INVALID_REQUEST for a request without `id`: every A2A operation has an answer. */
export function refuseNotification(request: JsonRpcRequest): void {
  if (request.isNotification) throw invalid('id is required: A2A has no notifications');
}

/** The JSON text of the id of a request that was refused, as far as it can be read; else `null`. */
export function readableIdJson(text: string): string {
  try {
    const request: unknown = JSON.parse(text);
    if (isJsonObject(request) && request.id !== undefined && isJsonRpcId(request.id)) return JSON.stringify(request.id);
  } catch {
    // Not JSON: there is no id to read, and the parse error itself is already the answer.
  }
  return 'null';
}

/** A success answer; both arguments are JSON text. */
export function rpcResult(idJson: string, resultJson: string): string {
  return `{"jsonrpc":"2.0","id":${idJson},"result":${resultJson}}`;
}

/** An error answer; both arguments are JSON text. */
export function rpcError(idJson: string, errorJson: string): string {
  return `{"jsonrpc":"2.0","id":${idJson},"error":${errorJson}}`;
}

/** Every event of a stream repeats the id: a long one would multiply what the stream sends and buffers. */
const MAX_ID_LENGTH = 1024;

/** Integers beyond 2^53 would come back changed, so they are refused rather than answered under another id. */
function isJsonRpcId(id: unknown): id is JsonRpcId {
  if (typeof id === 'number') return Number.isFinite(id) && (!Number.isInteger(id) || Number.isSafeInteger(id));
  return (typeof id === 'string' && id.length <= MAX_ID_LENGTH) || id === null;
}

function invalid(reason: string): AppError {
  return new AppError('INVALID_REQUEST', `Invalid JSON-RPC request: ${reason}`);
}
