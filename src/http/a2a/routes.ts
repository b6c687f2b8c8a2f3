/** The addresses of agents: `/a2a` for the default one, `/a2a/agents/{agentId}` for each. */
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { readableIdJson } from '../../protocol/json-rpc.ts';
import { codecV1 } from '../../protocol/v1/codec.ts';
import { appErrorOf } from '../errors.ts';
import { checked } from '../json-body.ts';
import { agentOf } from './call.ts';
import { captureExchange } from './capture.ts';
import type { A2aDependencies } from './dependencies.ts';
import { handleJsonRpc, sendJsonRpcError } from './json-rpc.ts';
import { codecOrDefault, handleRest, methodNotAllowed, sendRestError } from './rest.ts';

const OTHER_METHODS = ['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
const REST_METHODS = ['POST', ...OTHER_METHODS];

/** Registered in a scope of its own: bodies are kept as text here, and errors have the form of their binding. */
export async function registerA2a(app: FastifyInstance, dependencies: A2aDependencies): Promise<void> {
  app.removeAllContentTypeParsers();
  const keepText = checked(dependencies.checkBody, (_request, body, done) => done(null, body));
  for (const type of ['application/json', 'application/a2a+json']) {
    app.addContentTypeParser(type, { parseAs: 'string' }, keepText);
  }
  app.setErrorHandler((error: FastifyError, request, reply) => sendBindingError(request, reply, error));

  const config = { errors: 'json-rpc' } as const;
  const { captures } = dependencies;
  // They answer by the reply and return nothing: that Fastify waits for a promise, and for the reply in it, has its price.
  const jsonRpc = (request: FastifyRequest, reply: FastifyReply): void => {
    if (captures.isActive) captureExchange(dependencies, 'JSONRPC', request, reply);
    handleJsonRpc(dependencies, request, reply).catch((error: unknown) => reply.send(error));
  };
  const rest = (request: FastifyRequest, reply: FastifyReply): void => {
    if (captures.isActive) captureExchange(dependencies, 'HTTP+JSON', request, reply);
    handleRest(dependencies, request, reply).catch((error: unknown) => reply.send(error));
  };
  // An agent's address takes POST only: that is JSON-RPC.
  const refuseMethod = (request: FastifyRequest): never => {
    agentOf(request, dependencies.agents);
    throw methodNotAllowed(request.method, ['POST']);
  };
  for (const address of ['/a2a', '/a2a/agents/:agentId']) {
    app.post(address, { config }, jsonRpc);
    app.post(`${address}/`, { config }, jsonRpc);
    app.route({ method: OTHER_METHODS, url: address, handler: refuseMethod });
    app.route({ method: REST_METHODS, url: `${address}/*`, handler: rest });
  }
}

/** What went wrong before a handler: authentication, limits, the body. */
function sendBindingError(request: FastifyRequest, reply: FastifyReply, thrown: unknown): unknown {
  const error = appErrorOf(thrown);
  if (error.code === 'UNAUTHENTICATED') reply.header('www-authenticate', 'Bearer');
  if (request.routeOptions.config.errors !== 'json-rpc') {
    return sendRestError(request, reply, codecOrDefault(request), error);
  }
  const idJson = typeof request.body === 'string' ? readableIdJson(request.body) : 'null';
  return sendJsonRpcError(reply, codecV1, idJson, error);
}
