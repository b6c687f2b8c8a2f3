/** The first step of every request: who is it, and may it go on at this rate. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ANONYMOUS, type Principal } from '../core/access/principal.ts';
import { AppError, toAppError } from '../protocol/errors.ts';
import type { RateLimiter } from './rate-limit.ts';
import { credentialOf } from './request.ts';

export interface Authenticates {
  /** Throws UNAUTHENTICATED. Synchronous for a credential that was seen before. */
  authenticate(credential: string | undefined): Principal | Promise<Principal>;
  /** Whether this is a key that has opened something lately. */
  isKnown(credential: string | undefined): boolean;
}

export interface GateOptions {
  readonly authenticator: Authenticates;
  /** Requests of one principal to one route; null: not limited. */
  readonly requests: RateLimiter | null;
  /** Failed attempts of one address; null: not limited. */
  readonly failures: RateLimiter | null;
}

/** An `onRequest` hook: the body of a request that may not go on is never read. Failures are counted by `countFailure`. */
export function gate(options: GateOptions) {
  const { authenticator, requests, failures } = options;
  const admit = (request: FastifyRequest, reply: FastifyReply, principal: Principal): void => {
    request.principal = principal;
    if (requests !== null) {
      const caller = principal.keyId ?? principal.ownerId;
      requests.take(`${caller} ${request.method} ${request.routeOptions.url}`, reply);
    }
  };
  return (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void => {
    try {
      const { isPublic } = request.routeOptions.config;
      // Reading what is public is never refused; trying keys is. A key that is known is not tried: whoever has it is
      // not to be shut out by others behind the same address.
      if (
        (isPublic !== true || request.method === 'POST') &&
        failures !== null &&
        failures.exhaustedForMs(request.ip) > 0
      ) {
        if (!authenticator.isKnown(credentialOf(request.headers))) failures.refuseIfExhausted(request.ip);
      }
      if (isPublic === true) {
        request.principal = ANONYMOUS;
        done();
        return;
      }
      const principal = authenticator.authenticate(credentialOf(request.headers));
      if (principal instanceof Promise) {
        principal.then((found) => admit(request, reply, found)).then(() => done(), done);
        return;
      }
      admit(request, reply, principal);
    } catch (error) {
      done(toAppError(error));
      return;
    }
    done();
  };
}

/** An `onError` hook, for the gate and for handlers that look at keys themselves. */
export function countFailure(options: GateOptions) {
  return async (request: FastifyRequest, _reply: FastifyReply, error: Error): Promise<void> => {
    if (error instanceof AppError && error.code === 'UNAUTHENTICATED') options.failures?.count(request.ip);
  };
}
