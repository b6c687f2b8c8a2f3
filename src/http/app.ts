/** The API listener: one Fastify application with its hooks; each surface registers its own routes. */
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import type { Gate } from '../core/access/gate.ts';
import { isRequestId } from '../core/operations/service-parameters.ts';
import { restErrorBody } from '../protocol/error-bodies.ts';
import { AppError, ERROR_TABLE } from '../protocol/errors.ts';
import { failureCounter, gateHook, type OpensSessions } from './authenticate.ts';
import { sendError } from './errors.ts';
import { type HostRules, hostGuard } from './hosts.ts';
import { type BodyCheck, registerJsonParser } from './json-body.ts';
import { lazyLogger, quietLogger } from './lazy-logger.ts';
import { NO_SCHEMAS } from './no-schemas.ts';
import './request.ts';
import { closeWithConnection } from './waiting-answers.ts';

export interface AppOptions {
  readonly logger: FastifyBaseLogger;
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | null;
  readonly trustProxy: boolean;
  readonly bodyLimitBytes: number;
  readonly checkBody: BodyCheck;
  readonly headerLimitBytes: number;
  readonly maxConnections: number;
  readonly requestTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly hosts: HostRules;
  readonly gate: Gate;
  /** null where authentication is switched off. */
  readonly sessions: OpensSessions | null;
  /** For a request that brings no id of its own. */
  readonly newRequestId: () => string;
  /** The server is stopping: connections are closed after the answer, so that clients come back by another way. */
  readonly isLeaving: () => boolean;
  /** Something came that no handler saw, because it was no request, or not in time. */
  readonly onUnreadable: (status: number) => void;
  readonly onRequestDone: (method: string, route: string, status: number, seconds: number) => void;
}

/** Builds the application; the caller registers surfaces, listens and closes. */
export function createApp(options: AppOptions): FastifyInstance {
  const { logger, tls, hosts, onRequestDone } = options;
  const listener = {
    maxHeaderSize: options.headerLimitBytes,
    // The head is part of the request. Node would give it a minute of its own.
    headersTimeout: options.requestTimeoutMs,
    // Told here too: Node compares the two when the server is made, with five minutes where this one is missing.
    requestTimeout: options.requestTimeoutMs,
    // Node looks for requests that take too long every 30 seconds, which would be the shortest limit.
    connectionsCheckingInterval: Math.min(30_000, Math.ceil(options.requestTimeoutMs / 4)),
  };
  const { newRequestId } = options;
  const app = Fastify({
    loggerInstance: quietLogger(logger),
    logController: new LogController({ disableRequestLogging: true }),
    childLoggerFactory: (_quiet: FastifyBaseLogger, bindings: { reqId?: unknown }) =>
      lazyLogger(logger, String(bindings.reqId)),
    genReqId: (request: IncomingMessage) => {
      const given = request.headers['x-request-id'];
      return typeof given === 'string' && isRequestId(given) ? given : newRequestId();
    },
    requestIdHeader: false,
    schemaController: NO_SCHEMAS,
    // One proxy: the last address in the header is the one that it saw. What stands before it, the client has written.
    // As a function: the number that fastify takes here trusts nobody.
    trustProxy: options.trustProxy ? (_address: string, hop: number) => hop === 0 : false,
    bodyLimit: options.bodyLimitBytes,
    requestTimeout: options.requestTimeoutMs,
    keepAliveTimeout: options.keepAliveTimeoutMs,
    routerOptions: { maxParamLength: 512, caseSensitive: true, ignoreTrailingSlash: false },
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    http: listener,
    https: tls === null ? null : { ...tls, ...listener },
    clientErrorHandler: (error: Error, socket: Socket) => {
      const status = answerClientError(error, socket, newRequestId());
      if (status !== null) options.onUnreadable(status);
    },
    // URLs that the router cannot read: no hook and no other handler sees them.
    frameworkErrors: (error: unknown, request: FastifyRequest, reply: FastifyReply) => sendError(request, reply, error),
  } as never) as unknown as FastifyInstance;
  app.server.maxConnections = options.maxConnections;

  registerJsonParser(app, options.checkBody);
  app.decorateRequest('principal');
  app.decorateRequest('session');
  // Hooks call back instead of returning promises: every request passes all of them.
  app.addHook('onRequest', (request, reply, done) => {
    closeWithConnection(request.raw, reply.raw);
    reply.header('x-request-id', request.id).header('x-content-type-options', 'nosniff');
    if (options.isLeaving()) reply.header('connection', 'close');
    if (tls !== null) reply.header('strict-transport-security', 'max-age=31536000; includeSubDomains');
    done();
  });
  app.addHook('onRequest', hostGuard(hosts));
  app.addHook('onRequest', gateHook(options.gate, options.sessions));
  app.addHook('onError', failureCounter(options.gate));
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'none';
    onRequestDone(request.method, route, reply.statusCode, reply.elapsedTime / 1000);
    done();
  });
  app.setErrorHandler((error, request, reply) => sendError(request, reply, error));
  app.setNotFoundHandler((request, reply) => {
    const [path] = request.url.split('?');
    return sendError(request, reply, new AppError('NOT_FOUND', `There is no ${request.method} ${path}`));
  });
  return app;
}

/** What Node could not read as a request, so that no handler saw it. Answers the status that was sent, if any. */
function answerClientError(error: Error & { code?: string }, socket: Socket, requestId: string): number | null {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return null;
  }
  const told = clientError(error.code);
  const body = restErrorBody(told);
  const { http: status } = ERROR_TABLE[told.code];
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${requestId}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  return status;
}

function clientError(code: string | undefined): AppError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new AppError('HEADERS_TOO_LARGE', 'The headers are larger than server.headerLimitBytes allows');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new AppError('REQUEST_TIMEOUT', 'The request was not complete within server.requestTimeoutMs');
    default:
      return new AppError('INVALID_REQUEST', 'The request is not HTTP as this server reads it');
  }
}
