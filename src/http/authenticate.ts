/** What stands before every request: who is it, and may it go on at this rate. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { credentialOf } from '../core/access/credential.ts';
import { countFailure, type Gate, refuseGuessing, takeRequest } from '../core/access/gate.ts';
import { ANONYMOUS, type Principal } from '../core/access/principal.ts';
import { toAppError } from '../protocol/errors.ts';

/** An `onRequest` hook: the body of a request that may not go on is never read. Failures are counted by `failureCounter`. */
export function gateHook(gate: Gate) {
  const admit = (request: FastifyRequest, reply: FastifyReply, principal: Principal): void => {
    request.principal = principal;
    takeRequest(gate, principal, `${request.method} ${request.routeOptions.url}`, reply);
  };
  return (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void => {
    try {
      const { isPublic } = request.routeOptions.config;
      // Reading what is public is never refused; trying keys is.
      if (isPublic !== true || request.method === 'POST') {
        refuseGuessing(gate, request.ip, () => credentialOf(request.headers));
      }
      if (isPublic === true) {
        request.principal = ANONYMOUS;
        done();
        return;
      }
      const principal = gate.authenticator.authenticate(credentialOf(request.headers));
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
export function failureCounter(gate: Gate) {
  return async (request: FastifyRequest, _reply: FastifyReply, error: Error): Promise<void> => {
    countFailure(gate, request.ip, error);
  };
}
