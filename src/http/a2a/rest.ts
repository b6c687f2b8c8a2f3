/** The HTTP+JSON binding (A2A 1.0 section 11): paths below an agent's address. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { answer, isStreaming, stream } from '../../core/operations/dispatch.ts';
import type { Codec, RestRoute } from '../../protocol/codec.ts';
import { AppError, ERROR_TABLE, toAppError } from '../../protocol/errors.ts';
import { parseJson } from '../../protocol/parse-json.ts';
import { codecV1 } from '../../protocol/v1/codec.ts';
import { codecFor } from '../../protocol/version.ts';
import { reportFault } from '../errors.ts';
import { agentOf, HttpCall, keepPrivate, versionOf } from './call.ts';
import type { A2aDependencies } from './dependencies.ts';
import { restFraming } from './framing.ts';
import { matchRoute, otherVersionOf } from './rest-routes.ts';
import { createSseStream } from './sse.ts';

/** The steps: version, route, parameters, agent, operation. Whoever gets here is authenticated. */
export async function handleRest(
  dependencies: A2aDependencies,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const { operations, agents, streams } = dependencies;
  let codec: Codec = codecV1;
  try {
    codec = codecFor(versionOf(request), 'HTTP+JSON');
    const { route, params } = findRoute(codec, request.method, pathOf(request));
    const query = request.query as Record<string, string>;
    const decoded = codec.decodeRest(route.operation, { params, query, body: bodyOf(request) });
    const call = new HttpCall(request, reply, agentOf(request, agents), codec.version);
    if (!isStreaming(route.operation)) {
      const result = await answer(operations, codec, call, decoded);
      if (decoded.operation === 'GetExtendedAgentCard') keepPrivate(reply);
      reply.header('content-type', contentType(codec, request)).send(result);
      return;
    }
    const sink = createSseStream(streams, reply, restFraming(codec));
    const source = await stream(operations, call, decoded, sink);
    if (source === 'empty') reply.code(204).send();
    else sink.bind(source);
  } catch (thrown) {
    sendRestError(request, reply, codec, toAppError(thrown));
  }
}

/** Below the agent's address, still percent-encoded: an encoded slash or colon belongs to an id. */
function pathOf(request: FastifyRequest): string {
  const address = request.routeOptions.url ?? '';
  const [path = ''] = request.url.split('?');
  return path
    .split('/')
    .slice(address.split('/').length - 1)
    .join('/');
}

export function methodNotAllowed(method: string, allowed: readonly string[]): AppError {
  const allow = allowed.join(', ');
  return new AppError('METHOD_NOT_ALLOWED', `${method} is not allowed here; ${allow} is`, { metadata: { allow } });
}

function findRoute(codec: Codec, method: string, path: string): { route: RestRoute; params: Record<string, string> } {
  const asked = method === 'HEAD' ? 'GET' : method;
  const exact = matchRoute(codec, asked, path);
  // Some clients encode the colon before a verb, too.
  const match = exact.status === 'found' ? exact : matchRoute(codec, asked, path.replace(/%3A([a-z]+)$/i, ':$1'));
  if (match.status === 'found') {
    if (method === 'HEAD' && isStreaming(match.route.operation)) throw methodNotAllowed(method, ['GET', 'POST']);
    return match;
  }
  if (match.status === 'method') throw methodNotAllowed(method, match.allowed);
  const other = otherVersionOf(codec, asked, path);
  const hint = other === null ? '' : `; it is a path of A2A ${other}: send the header A2A-Version: ${other}`;
  throw new AppError('NOT_FOUND', `A2A ${codec.version} has no ${method} ${path}${hint}`);
}

function bodyOf(request: FastifyRequest): unknown {
  if (request.body === undefined || request.body === null || request.body === '') return undefined;
  return parseJson(request.body as string, [{ field: 'body', description: 'is not JSON' }]);
}

/** `application/a2a+json` (section 11.1), unless the client takes only `application/json`; 0.3 knows only that. */
function contentType(codec: Codec, request: FastifyRequest): string {
  if (codec.version === '0.3') return 'application/json';
  const accept = request.headers.accept ?? '*/*';
  const isPlain =
    accept.includes('application/json') && !accept.includes('application/a2a+json') && !accept.includes('*/*');
  return isPlain ? 'application/json' : 'application/a2a+json';
}

export function sendRestError(
  request: FastifyRequest,
  reply: FastifyReply,
  codec: Codec,
  error: AppError,
): FastifyReply {
  const row = ERROR_TABLE[error.code];
  reportFault(reply, error);
  if (error.retryAfterSeconds !== undefined) reply.header('retry-after', String(error.retryAfterSeconds));
  if (error.metadata['allow'] !== undefined) reply.header('allow', error.metadata['allow']);
  return reply.code(row.http).header('content-type', contentType(codec, request)).send(codec.encodeRestError(error));
}

/** The version of a request that failed before its handler, as far as it can be told. */
export function codecOrDefault(request: FastifyRequest): Codec {
  try {
    return codecFor(versionOf(request), 'HTTP+JSON');
  } catch {
    return codecV1;
  }
}
