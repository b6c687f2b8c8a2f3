/** The first step of every request: who is it, and may it go on at this rate. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ANONYMOUS, NOBODY, type Principal } from '../core/access/principal.ts';
import type { OpenSession } from '../core/access/sessions.ts';
import { AppError, toAppError } from '../protocol/errors.ts';
import type { RateLimiter } from './rate-limit.ts';
import { credentialOf } from './request.ts';
import type { SessionCookie } from './session-cookie.ts';

export interface Authenticates {
  /** Throws UNAUTHENTICATED. Synchronous for a credential that was seen before. */
  authenticate(credential: string | undefined): Principal | Promise<Principal>;
  /** Whether this is a key that has opened something lately. */
  isKnown(credential: string | undefined): boolean;
}

/** Sessions as far as requests use them. */
export interface OpensSessions {
  readonly cookie: SessionCookie;
  /** Rejects with UNAUTHENTICATED. */
  open(token: string): Promise<OpenSession>;
  isKnown(token: string): boolean;
}

export interface GateOptions {
  readonly authenticator: Authenticates;
  /** null: there are none, as where authentication is switched off. */
  readonly sessions: OpensSessions | null;
  /** Requests of one principal to one route; null: not limited. */
  readonly requests: RateLimiter | null;
  /** Failed attempts of one address; null: not limited. */
  readonly failures: RateLimiter | null;
}

/** An `onRequest` hook: the body of a request that may not go on is never read. Failures are counted by `countFailure`. */
export function gate(options: GateOptions) {
  const { authenticator, sessions, requests, failures } = options;
  const admit = (request: FastifyRequest, reply: FastifyReply, principal: Principal): void => {
    request.principal = principal;
    if (requests !== null) {
      const caller = principal.keyId ?? principal.ownerId;
      requests.take(`${caller} ${request.method} ${request.routeOptions.url}`, reply);
    }
  };
  /** What the cookie opens, for requests without another credential. */
  const bySession = async (request: FastifyRequest, { cookie, open }: OpensSessions, token: string) => {
    const session = await open(token);
    cookie.checkOrigin(request, session);
    request.session = session;
    return session.principal;
  };
  return (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void => {
    try {
      const { isPublic, isOptional } = request.routeOptions.config;
      const credential = credentialOf(request.headers);
      const token = credential === undefined ? sessions?.cookie.tokenOf(request) : undefined;
      // Reading what is public is never refused; trying keys is. What is known is not tried: whoever has it is not to be
      // shut out by others behind the same address.
      if (
        (isPublic !== true || request.method === 'POST') &&
        failures !== null &&
        failures.exhaustedForMs(request.ip) > 0
      ) {
        const isKnown = token === undefined ? authenticator.isKnown(credential) : sessions?.isKnown(token) === true;
        if (!isKnown) failures.refuseIfExhausted(request.ip);
      }
      if (isPublic === true) {
        request.principal = ANONYMOUS;
        done();
        return;
      }
      if (isOptional === true && credential === undefined && token === undefined && sessions !== null) {
        request.principal = NOBODY;
        done();
        return;
      }
      const found =
        token === undefined || sessions === null
          ? authenticator.authenticate(credential)
          : bySession(request, sessions, token).catch((error: unknown) => {
              if (isOptional === true && isSessionOver(error)) return NOBODY;
              throw error;
            });
      if (found instanceof Promise) {
        found.then((principal) => admit(request, reply, principal)).then(() => done(), done);
        return;
      }
      admit(request, reply, found);
    } catch (error) {
      done(toAppError(error));
      return;
    }
    done();
  };
}

/** The cookie of a session that has ended: nobody tried a key. */
function isSessionOver(error: unknown): boolean {
  return error instanceof AppError && error.code === 'UNAUTHENTICATED' && error.metadata['session'] !== undefined;
}

/** An `onError` hook, for the gate and for handlers that look at keys themselves. */
export function countFailure(options: GateOptions) {
  return async (request: FastifyRequest, _reply: FastifyReply, error: Error): Promise<void> => {
    if (error instanceof AppError && error.code === 'UNAUTHENTICATED' && !isSessionOver(error)) {
      options.failures?.count(request.ip);
    }
  };
}
