/** Which names this server answers to, and which pages may call it: the guard against DNS rebinding and foreign pages. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../protocol/errors.ts';

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

/** An `onRequest` hook. Refuses foreign hosts and origins, and answers preflights of the listed origins. */
export function hostGuard(rules: HostRules) {
  const hosts = new Set(rules.allowedHosts.map((host) => host.toLowerCase()));
  const origins = new Set([...rules.corsOrigins, rules.publicOrigin].map((origin) => origin.toLowerCase()));
  return (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void => {
    const { host, origin } = request.headers;
    const name = hostName(host);
    if (!hosts.has(name)) {
      const refusal = `This server does not answer to the host ${name}; see server.allowedHosts`;
      done(new AppError('INVALID_REQUEST', refusal));
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
