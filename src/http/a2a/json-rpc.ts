/** The JSON-RPC binding (A2A 1.0 section 9): POST to an agent's address. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { answer, isStreaming, stream } from '../../core/operations/dispatch.ts';
import type { Codec } from '../../protocol/codec.ts';
import { type AppError, ERROR_TABLE, type ErrorCode, toAppError } from '../../protocol/errors.ts';
import {
  type JsonRpcRequest,
  parseJsonRpc,
  readableIdJson,
  refuseNotification,
  rpcError,
  rpcResult,
} from '../../protocol/json-rpc.ts';
import { codecFor, methodNotFound } from '../../protocol/version.ts';
import { reportFault } from '../errors.ts';
import { agentOf, HttpCall, keepPrivate, versionOf } from './call.ts';
import type { A2aDependencies } from './dependencies.ts';
import { jsonRpcFraming } from './framing.ts';
import { createSseStream } from './sse.ts';

const CONTENT_TYPE = 'application/json';

/** What `agents.invalidV03Status` is about. */
const NOT_VALID: ReadonlySet<ErrorCode> = new Set(['PARSE_ERROR', 'INVALID_REQUEST', 'INVALID_PARAMS']);

/** Also where the envelope is not valid, before which the version has not been asked for. */
function isV03(request: FastifyRequest): boolean {
  try {
    return versionOf(request) === '0.3';
  } catch {
    return false;
  }
}

/** The steps: envelope, version, method, parameters, agent, operation. Whoever gets here is authenticated. */
export async function handleJsonRpc(
  dependencies: A2aDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const { operations, agents, streams } = dependencies;
  // Errors that come before the version is known are told in the form of 1.0.
  let codec = codecFor('1.0');
  let idJson = 'null';
  let isStream = false;
  try {
    const rpc = parseBody(request.body, (id) => {
      idJson = id;
    });
    codec = codecFor(versionOf(request), 'JSONRPC');
    const operation = codec.methods.get(rpc.method);
    if (operation === undefined) throw methodNotFound(rpc.method, codec);
    const decoded = codec.decodeParams(operation, rpc.params);
    refuseNotification(rpc);
    const call = new HttpCall(request, reply, agentOf(request, agents), codec.version);
    isStream = isStreaming(operation);
    if (!isStream) {
      const result = await answer(operations, codec, call, decoded);
      if (decoded.operation === 'GetExtendedAgentCard') keepPrivate(reply);
      reply.header('content-type', CONTENT_TYPE).send(rpcResult(idJson, result));
      return;
    }
    const sink = createSseStream(streams, reply, jsonRpcFraming(codec, idJson));
    const source = await stream(operations, call, decoded, sink);
    if (source === 'empty') reply.code(204).send();
    else sink.bind(source);
  } catch (thrown) {
    const error = toAppError(thrown);
    const takesEvents = request.headers.accept?.includes('text/event-stream') === true;
    if (codec.version === '0.3' && isStream && takesEvents && !ERROR_TABLE[error.code].beforeOperation) {
      sendErrorEvent(reply, codec, idJson, error);
      return;
    }
    const isOk = dependencies.invalidV03Status === 'ok' && NOT_VALID.has(error.code) && isV03(request);
    sendJsonRpcError(reply, codec, idJson, error, isOk ? 200 : undefined);
  }
}

/**
 * What a streaming operation of 0.3 refuses is a stream of one event: a SendStreamingMessageResponse may be an error
 * (0.3 section 7.2), and clients of 0.3 read no code from anything but a stream.
 */
function sendErrorEvent(reply: FastifyReply, codec: Codec, idJson: string, error: AppError): FastifyReply {
  reportFault(reply, error);
  const data = rpcError(idJson, codec.encodeJsonRpcError(error));
  return reply
    .header('content-type', 'text/event-stream')
    .header('cache-control', 'no-cache')
    .send(`data: ${data}\n\n`);
}

/** The request; its id is told even where the rest is not valid, so that the error finds its way home. */
function parseBody(body: unknown, onId: (idJson: string) => void): JsonRpcRequest {
  const text = typeof body === 'string' ? body : '';
  try {
    const rpc = parseJsonRpc(text);
    onId(rpc.idJson);
    return rpc;
  } catch (error) {
    onId(readableIdJson(text));
    throw error;
  }
}

/** HTTP 200 for what an operation answers; the error's own status for what is refused before one ran, unless told otherwise. */
export function sendJsonRpcError(
  reply: FastifyReply,
  codec: Codec,
  idJson: string,
  error: AppError,
  status?: number,
): FastifyReply {
  const row = ERROR_TABLE[error.code];
  reportFault(reply, error);
  if (error.retryAfterSeconds !== undefined) reply.header('retry-after', String(error.retryAfterSeconds));
  return reply
    .code(status ?? (row.beforeOperation ? row.http : 200))
    .header('content-type', CONTENT_TYPE)
    .send(rpcError(idJson, codec.encodeJsonRpcError(error)));
}
