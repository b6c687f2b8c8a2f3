/** The JSON-RPC binding (A2A 1.0 section 9): POST to an agent's address. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { answer, isStreaming, stream } from '../../core/operations/dispatch.ts';
import type { Codec } from '../../protocol/codec.ts';
import { type AppError, ERROR_TABLE, toAppError } from '../../protocol/errors.ts';
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

/** The steps: envelope, version, method, parameters, agent, operation. Whoever gets here is authenticated. */
export async function handleJsonRpc(
  dependencies: A2aDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { operations, agents, streams } = dependencies;
  // Errors that come before the version is known are told in the form of 1.0.
  let codec = codecFor('1.0');
  let idJson = 'null';
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
    if (!isStreaming(operation)) {
      const result = await answer(operations, codec, call, decoded);
      if (decoded.operation === 'GetExtendedAgentCard') keepPrivate(reply);
      return await reply.header('content-type', CONTENT_TYPE).send(rpcResult(idJson, result));
    }
    const sink = createSseStream(streams, reply, jsonRpcFraming(codec, idJson));
    const source = await stream(operations, call, decoded, sink);
    if (source === 'empty') return await reply.code(204).send();
    sink.bind(source);
    return reply;
  } catch (thrown) {
    return sendJsonRpcError(reply, codec, idJson, toAppError(thrown));
  }
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

/** HTTP 200 for what an operation answers; the error's own status for what is refused before one ran. */
export function sendJsonRpcError(
  reply: FastifyReply,
  codec: Codec,
  idJson: string,
  error: AppError,
): Promise<FastifyReply> | FastifyReply {
  const row = ERROR_TABLE[error.code];
  reportFault(reply, error);
  if (error.retryAfterSeconds !== undefined) reply.header('retry-after', String(error.retryAfterSeconds));
  return reply
    .code(row.beforeOperation ? row.http : 200)
    .header('content-type', CONTENT_TYPE)
    .send(rpcError(idJson, codec.encodeJsonRpcError(error)));
}
