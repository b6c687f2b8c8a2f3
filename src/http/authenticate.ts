/** The first step of every request: who is it, and may it go on at this rate. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ANONYMOUS, type Principal } from '../core/access/principal.ts';
import { AppError } from '../protocol/errors.ts';
import type { RateLimiter } from './rate-limit.ts';

export interface Authenticates {
  /** Throws UNAUTHENTICATED. Synchronous for a credential that was seen before. */
  authenticate(credential: string | undefined): Principal | Promise<Principal>;
}

export interface GateOptions {
  readonly authenticator: Authenticates;
  /** Requests of one principal; null: not limited. */
  readonly requests: RateLimiter | null;
  /** Failed attempts of one address. */
  readonly failures: RateLimiter;
}

/** `Authorization: Bearer KEY`, or `x-api-key: KEY`. */
export function credentialOf(request: FastifyRequest): string | undefined {
  const { authorization } = request.headers;
  if (authorization !== undefined) {
    const match = /^bearer +(\S+)$/i.exec(authorization);
    // Another scheme is a credential all the same, and not a valid one.
    return match?.[1] ?? '';
  }
  const key = request.headers['x-api-key'];
  return Array.isArray(key) ? key[0] : key;
}

/** An `onRequest` hook: the body of a request that may not go on is never read. */
export function gate(options: GateOptions) {
  const { authenticator, requests, failures } = options;
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (request.routeOptions.config.access === 'public') {
      request.principal = ANONYMOUS;
      return;
    }
    failures.refuseIfExhausted(request.ip);
    try {
      const principal = authenticator.authenticate(credentialOf(request));
      request.principal = principal instanceof Promise ? await principal : principal;
    } catch (error) {
      if (error instanceof AppError && error.code === 'UNAUTHENTICATED') {
        reply.header('www-authenticate', 'Bearer');
        failures.count(request.ip);
      }
      throw error;
    }
    if (requests !== null) requests.take(request.principal.keyId ?? request.principal.ownerId, reply);
  };
}
