/** What stands before every request: who is it, and may it go on at this rate. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { credentialOf } from '../core/access/credential.ts';
import { countFailure, type Gate, refuseGuessing, takeRequest } from '../core/access/gate.ts';
import { ANONYMOUS, NOBODY, type Principal } from '../core/access/principal.ts';
import { isSessionOver, type OpenSession } from '../core/access/sessions.ts';
import { toAppError } from '../protocol/errors.ts';
import type { SessionCookie } from './session-cookie.ts';

/** Sessions as far as requests use them. */
export interface OpensSessions {
  readonly cookie: SessionCookie;
  /** Rejects with UNAUTHENTICATED. */
  open(token: string): Promise<OpenSession>;
  isKnown(token: string): boolean;
}

/**
 * An `onRequest` hook: the body of a request that may not go on is never read. Failures are counted by `failureCounter`.
 * @param sessions null: there are none, as where authentication is switched off.
 */
export function gateHook(gate: Gate, sessions: OpensSessions | null) {
  const admit = (request: FastifyRequest, reply: FastifyReply, principal: Principal): void | Promise<void> => {
    request.principal = principal;
    return takeRequest(gate, principal, `${request.method} ${request.routeOptions.url}`, reply);
  };
  return (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void => {
    try {
      const { isPublic, isOptional } = request.routeOptions.config;
      const credential = credentialOf(request.headers);
      const token = credential === undefined ? sessions?.cookie.tokenOf(request) : undefined;
      if (isPublic === true) {
        // Reading what is public is never refused; trying keys in a body is, whatever else the request may show.
        if (request.method === 'POST') refuseGuessing(gate, request.ip, () => undefined);
        request.principal = ANONYMOUS;
        done();
        return;
      }
      // A session that is known is no more tried than a key that is.
      if (token === undefined || sessions?.isKnown(token) !== true) {
        refuseGuessing(gate, request.ip, () => credential);
      }
      if (isOptional === true && sessions !== null && credential === undefined && token === undefined) {
        request.principal = NOBODY;
        done();
        return;
      }
      const found =
        token === undefined || sessions === null
          ? gate.authenticator.authenticate(credential)
          : bySession(request, sessions, token);
      if (found instanceof Promise) {
        found.then((principal) => admit(request, reply, principal)).then(() => done(), done);
        return;
      }
      const admitted = admit(request, reply, found);
      if (admitted !== undefined) {
        admitted.then(() => done(), done);
        return;
      }
    } catch (error) {
      done(toAppError(error));
      return;
    }
    done();
  };
}

/** Who has this cookie, if a page of this server sent it. */
async function bySession(request: FastifyRequest, sessions: OpensSessions, token: string): Promise<Principal> {
  try {
    const session = await sessions.open(token);
    sessions.cookie.checkOrigin(request, session);
    request.session = session;
    return session.principal;
  } catch (error) {
    if (request.routeOptions.config.isOptional === true && isSessionOver(error)) return NOBODY;
    throw error;
  }
}

/** An `onError` hook, for the gate and for handlers that look at keys themselves. */
export function failureCounter(gate: Gate) {
  return async (request: FastifyRequest, _reply: FastifyReply, error: Error): Promise<void> => {
    // Nobody has tried a key with the cookie of a session that has ended.
    if (!isSessionOver(error)) countFailure(gate, request.ip, error);
  };
}
