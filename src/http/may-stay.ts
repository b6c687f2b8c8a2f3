/** Whether who opened a stream may still do so: a stream lives no longer than the credential that opened it. */
import type { FastifyRequest } from 'fastify';
import type { Principal } from '../core/access/principal.ts';
import type { OpenSession } from '../core/access/sessions.ts';
import { AppError } from '../protocol/errors.ts';
import { credentialOf } from './request.ts';
import type { SessionCookie } from './session-cookie.ts';

export interface Rechecks {
  readonly authenticator: { recheck(credential: string | undefined): Principal | Promise<Principal> };
  readonly sessions: { recheck(token: string): Promise<OpenSession> };
  readonly cookie: SessionCookie;
}

/** Never rejects. A database that cannot be asked ends no stream. */
export type MayStay = (request: FastifyRequest) => Promise<boolean>;

export function mayStay({ authenticator, sessions, cookie }: Rechecks): MayStay {
  return async (request) => {
    const { principal: before, session, headers } = request;
    try {
      const now =
        session === undefined
          ? await authenticator.recheck(credentialOf(headers))
          : (await sessions.recheck(cookie.tokenOf(request) ?? '')).principal;
      return now === before || mayAllThat(now, before);
    } catch (error) {
      return !(error instanceof AppError && error.code === 'UNAUTHENTICATED');
    }
  };
}

/** Whether `now` has every scope and agent that `before` had. */
function mayAllThat(now: Principal, before: Principal): boolean {
  const { agents } = now;
  if (![...before.scopes].every((scope) => now.scopes.has(scope))) return false;
  return agents === null || (before.agents !== null && [...before.agents].every((agent) => agents.has(agent)));
}
