/** Errors on their way out: what Fastify or Node say as AppErrors, and what operators get to read. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { restErrorBody } from '../protocol/error-bodies.ts';
import { AppError, ERROR_TABLE, toAppError } from '../protocol/errors.ts';

/** Logs a fault of the server with all that is known; what a caller did wrong is only worth a line at debug. */
export function reportFault(reply: FastifyReply, error: AppError): void {
  const { log } = reply.request;
  const { http } = ERROR_TABLE[error.code];
  if (http < 500) log.debug({ code: error.code }, error.message);
  else log.error({ err: error, code: error.code }, 'request failed');
  if (http >= 500) reply.header('x-request-id', reply.request.id);
  // Closing, as Fastify asks for, would overtake the answer to a client that still sends; Node drops the rest instead,
  // for as long as server.requestTimeoutMs.
  if (error.code === 'PAYLOAD_TOO_LARGE') reply.removeHeader('connection');
}

/** Fastify's and Node's own errors, told in our words. */
export function appErrorOf(thrown: unknown): AppError {
  if (thrown instanceof AppError || !(thrown instanceof Error) || !('code' in thrown)) return toAppError(thrown);
  switch (thrown.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new AppError('PAYLOAD_TOO_LARGE', 'The body is larger than server.bodyLimitBytes allows');
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new AppError('UNSUPPORTED_MEDIA_TYPE', 'The body must be application/json or application/a2a+json');
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
      return new AppError('PARSE_ERROR', 'The body is not JSON, or not as long as Content-Length says');
    case 'FST_ERR_BAD_URL':
    case 'FST_ERR_ASYNC_CONSTRAINT':
      return new AppError('INVALID_REQUEST', 'The URL is not valid');
    case 'ECONNRESET':
      return new AppError('INVALID_REQUEST', 'The request ended before its body was complete');
    default:
      return 'statusCode' in thrown && typeof thrown.statusCode === 'number' && thrown.statusCode < 500
        ? new AppError('INVALID_REQUEST', 'The request is not valid', { cause: thrown })
        : toAppError(thrown);
  }
}

/** The answer of every surface but JSON-RPC: google.rpc.Status as JSON (A2A 1.0 section 11.6). */
export function sendError(_request: FastifyRequest, reply: FastifyReply, thrown: unknown): FastifyReply {
  const error = appErrorOf(thrown);
  reportFault(reply, error);
  if (error.retryAfterSeconds !== undefined) reply.header('retry-after', String(error.retryAfterSeconds));
  if (error.code === 'UNAUTHENTICATED') reply.header('www-authenticate', 'Bearer');
  return reply
    .code(ERROR_TABLE[error.code].http)
    .header('content-type', 'application/json; charset=utf-8')
    .send(restErrorBody(error));
}
