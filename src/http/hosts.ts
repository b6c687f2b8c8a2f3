/** Which names this server answers to, and which pages may call it: the guard against DNS rebinding and foreign pages. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError, toAppError } from '../protocol/errors.ts';

export interface HostRules {
  /** Host names without ports. */
  readonly allowedHosts: readonly string[];
  /** Origins beside the server's own. */
  readonly corsOrigins: readonly string[];
  readonly publicOrigin: string;
}

const ALLOWED_HEADERS =
  'authorization, content-type, x-api-key, a2a-version, a2a-extensions, idempotency-key, last-event-id, x-request-id';
const EXPOSED_HEADERS =
  'x-request-id, retry-after, ratelimit-limit, ratelimit-remaining, ratelimit-reset, etag, a2a-extensions';

/** Throws INVALID_REQUEST for a request to a name that is not among these, or to two names (RFC 9112 section 3.2). */
export function hostCheck(allowedHosts: readonly string[]): (request: FastifyRequest) => void {
  const hosts = new Set(allowedHosts.map((host) => host.toLowerCase()));
  return ({ raw, headers }) => {
    const name = hostName(headers.host);
    if (!hosts.has(name)) {
      throw new AppError('INVALID_REQUEST', `This server does not answer to the host ${name}; see server.allowedHosts`);
    }
    // Node keeps the first and drops the others: who stands in front may have looked at another one.
    if (countOf(raw.rawHeaders, 'host') > 1) throw new AppError('INVALID_REQUEST', 'The request has two Host headers');
  };
}

/** `rawHeaders` is name, value, name, value, and so on. */
function countOf(rawHeaders: readonly string[], name: string): number {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const header = rawHeaders[index];
    if (header?.length === name.length && header.toLowerCase() === name) count++;
  }
  return count;
}

/** An `onRequest` hook. Refuses foreign hosts and origins, and answers preflights of the listed origins. */
export function hostGuard(rules: HostRules) {
  const checkHost = hostCheck(rules.allowedHosts);
  const origins = new Set([...rules.corsOrigins, rules.publicOrigin].map((origin) => origin.toLowerCase()));
  return (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void => {
    const { host, origin } = request.headers;
    try {
      checkHost(request);
    } catch (error) {
      done(toAppError(error));
      return;
    }
    if (origin === undefined) {
      done();
      return;
    }
    const isSame = URL.canParse(origin) && new URL(origin).host === host?.toLowerCase();
    if (!isSame && !origins.has(origin.toLowerCase())) {
      const refusal = `Pages of ${origin} may not call this server; see server.corsOrigins`;
      done(new AppError('PERMISSION_DENIED', refusal));
      return;
    }
    reply.header('access-control-allow-origin', origin).header('vary', 'Origin');
    reply.header('access-control-expose-headers', EXPOSED_HEADERS);
    if (request.method !== 'OPTIONS') {
      done();
      return;
    }
    reply.header('access-control-allow-methods', 'GET, POST, PATCH, DELETE');
    reply.header('access-control-allow-headers', ALLOWED_HEADERS).header('access-control-max-age', '600');
    reply.code(204).send();
  };
}

/** `[::1]:8080` -> `[::1]`, `localhost:8080` -> `localhost`. */
function hostName(host: string | undefined): string {
  return (host ?? '').toLowerCase().replace(/:\d+$/, '');
}
