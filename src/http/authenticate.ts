/** The first step of every request: who is it, and may it go on at this rate. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ANONYMOUS, type Principal } from '../core/access/principal.ts';
import { AppError } from '../protocol/errors.ts';
import type { RateLimiter } from './rate-limit.ts';
import { credentialOf } from './request.ts';


export interface Authenticates {
  /** Throws UNAUTHENTICATED. Synchronous for a credential that was seen before. */
  authenticate(credential: string | undefined): Principal | Promise<Principal>;
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
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { isPublic } = request.routeOptions.config;
    // Reading what is public is never refused; trying keys is.
    if (isPublic !== true || request.method === 'POST') failures?.refuseIfExhausted(request.ip);
    if (isPublic === true) {
      request.principal = ANONYMOUS;
      return;
    }
    const principal = authenticator.authenticate(credentialOf(request.headers));
    request.principal = principal instanceof Promise ? await principal : principal;
    if (requests !== null) {
      const caller = request.principal.keyId ?? request.principal.ownerId;
      requests.take(`${caller} ${request.method} ${request.routeOptions.url}`, reply);
    }
  };
}

/** An `onError` hook, for the gate and for handlers that look at keys themselves. */
export function countFailure(options: GateOptions) {
  return async (request: FastifyRequest, _reply: FastifyReply, error: Error): Promise<void> => {
    if (error instanceof AppError && error.code === 'UNAUTHENTICATED') options.failures?.count(request.ip);
  };
}
