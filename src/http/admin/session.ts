/** /api/v1/session and /api/v1/sessions: signing in to the console and out of it, and what is signed in. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { authorize } from '../../core/access/authorize.ts';
import { NOBODY, type Principal } from '../../core/access/principal.ts';
import type { SessionRecord } from '../../core/access/session-store.ts';
import type { OpenSession, Sessions } from '../../core/access/sessions.ts';
import { AppError } from '../../protocol/errors.ts';
import type {} from '../request.ts';
import type { SessionCookie } from '../session-cookie.ts';
import {
  listSessionsQuerySchema,
  type Session,
  type SessionList,
  sessionIdParamsSchema,
  signInRequestSchema,
  type WhoAmI,
} from './session-contract.ts';
import { validate } from './validate.ts';

/** The longest key, escaped in JSON in the longest way, fits. */
const MAX_BODY_BYTES = 8 * 1024;
const PATH = '/api/v1/session';

export interface SessionRoutesDeps {
  readonly sessions: Sessions;
  readonly cookie: SessionCookie;
  readonly authentication: 'key' | 'none';
}

export function registerSessions(app: FastifyInstance, deps: SessionRoutesDeps): void {
  const { sessions, cookie, authentication } = deps;

  const show = (record: SessionRecord, name: string, currentId: string | undefined): Session => ({
    id: record.id,
    kind: record.kind,
    name,
    ownerId: record.ownerId,
    keyId: record.keyId,
    createdAt: toTime(record.createdAtMs),
    lastSeenAt: toTime(record.lastSeenAtMs),
    expiresAt: toTime(sessions.endOf(record)),
    userAgent: record.userAgent,
    isCurrent: record.id === currentId,
  });
  const whoAmI = (principal: Principal, session: OpenSession | undefined): WhoAmI => ({
    authentication,
    principal: principal === NOBODY ? null : shownPrincipal(principal),
    session: session === undefined ? null : show(session.record, principal.name, session.id),
    csrfToken: session?.csrfToken ?? null,
  });
  const uncached = (reply: FastifyReply): void => void reply.header('cache-control', 'no-store');

  app.get(PATH, { config: { isOptional: true } }, async (request, reply): Promise<WhoAmI> => {
    uncached(reply);
    return whoAmI(request.principal, request.session);
  });

  // Anyone may send it a body, and reading that must not keep others waiting.
  app.post(PATH, { config: { isPublic: true }, bodyLimit: MAX_BODY_BYTES }, async (request, reply): Promise<WhoAmI> => {
    uncached(reply);
    // A foreign page must not sign its visitor in, either.
    cookie.checkPage(request, false);
    const { key } = validate(signInRequestSchema, request.body);
    if (authentication === 'none') {
      throw new AppError(
        'CONFLICT',
        'Authentication is switched off (auth.mode is none): there is nothing to sign in to',
      );
    }
    const { token, session } = await sessions.signIn(key, request.headers['user-agent'] ?? '');
    const { record, principal } = session;
    const maxAgeSeconds = Math.floor((record.expiresAtMs - record.createdAtMs) / 1000);
    void reply.code(201).header('set-cookie', cookie.set(token, maxAgeSeconds));
    request.log.info({ sessionId: session.id, ownerId: principal.ownerId, keyId: principal.keyId }, 'signed in');
    return whoAmI(principal, session);
  });

  app.delete(PATH, async (request, reply) => {
    const { session } = request;
    if (session === undefined) throw noSession();
    await sessions.end(session.id, null);
    logEnd(request, session.id);
    return reply.code(204).header('set-cookie', cookie.clear()).send();
  });

  app.get('/api/v1/sessions', async (request, reply): Promise<SessionList> => {
    const { all } = validate(listSessionsQuerySchema, request.query);
    const { principal, session } = request;
    if (all === 'true') authorize(principal, 'session.read', { kind: 'server' });
    uncached(reply);
    const listed = await sessions.list(all === 'true' ? null : principal.ownerId);
    return { sessions: listed.map(({ record, name }) => show(record, name, session?.id)) };
  });

  app.delete('/api/v1/sessions/:id', async (request, reply) => {
    const { id } = validate(sessionIdParamsSchema, request.params);
    const { principal } = request;
    await sessions.end(id, principal.scopes.has('admin') ? null : principal.ownerId);
    logEnd(request, id);
    return reply.code(204).send();
  });
}

function logEnd(request: FastifyRequest, sessionId: string): void {
  request.log.info({ sessionId, by: request.principal.name }, 'session ended');
}

function shownPrincipal({ kind, name, ownerId, keyId, scopes, agents }: Principal): WhoAmI['principal'] {
  const isAdmin = scopes.has('admin');
  return { kind, name, ownerId, keyId, scopes: [...scopes], agents: agents === null ? null : [...agents], isAdmin };
}

function noSession(): AppError {
  return new AppError(
    'NOT_FOUND',
    'This request has no session: its credential is a key, which is sent anew each time',
  );
}

const toTime = (ms: number) => new Date(ms).toISOString();
