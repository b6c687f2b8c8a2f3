/** Sessions as the gate of every request sees them: the service, and the cookie that carries them. */
import type { FastifyRequest } from 'fastify';
import type { AdminKeySource } from '../core/access/admin-key.ts';
import type { RandomBytes } from '../core/access/api-keys.ts';
import type { Authenticator } from '../core/access/authenticator.ts';
import { credentialOf } from '../core/access/credential.ts';
import { mayStay } from '../core/access/may-stay.ts';
import type { SessionStore } from '../core/access/session-store.ts';
import { Sessions } from '../core/access/sessions.ts';
import type { Clock } from '../core/clock.ts';
import type { Ids } from '../core/ids.ts';
import type { Logger } from '../core/logger.ts';
import type { OpensSessions } from './authenticate.ts';
import { SessionCookie } from './session-cookie.ts';

export interface SessionPartsOptions {
  readonly mode: 'key' | 'none';
  readonly settings: { readonly idleMinutes: number; readonly maxHours: number; readonly maxPerOwner: number };
  readonly store: SessionStore;
  readonly authenticator: Authenticator;
  readonly adminKey: AdminKeySource;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly randomBytes: RandomBytes;
  readonly logger: Logger;
  /** A proxy in front ends TLS. */
  readonly isBehindTls: boolean;
  readonly publicUrl: string;
  readonly onEnded: (sessionId: string) => void;
}

export interface SessionParts {
  readonly mode: 'key' | 'none';
  readonly sessions: Sessions;
  readonly cookie: SessionCookie;
  /** For the gate; null where authentication is switched off. */
  readonly opened: OpensSessions | null;
  /** Whether who sent a request, by whatever credential, would still be let in as much; never rejects. */
  readonly mayStay: (request: FastifyRequest) => Promise<boolean>;
}

export function createSessions(options: SessionPartsOptions): SessionParts {
  const { mode, settings, publicUrl, isBehindTls, logger } = options;
  const { idleMinutes, maxHours, maxPerOwner } = settings;
  const limits = { idleMs: idleMinutes * 60_000, maxAgeMs: maxHours * 3_600_000, maxPerOwner };
  const sessions = new Sessions({ ...options, limits, log: logger });
  const { origin, protocol } = new URL(publicUrl);
  const cookie = new SessionCookie({ isSecure: isBehindTls || protocol === 'https:', publicOrigin: origin });
  const opened = {
    cookie,
    open: (token: string) => sessions.open(token),
    isKnown: (token: string) => sessions.isKnown(token),
  };
  const recheck = async ({ session, headers }: FastifyRequest, token: string | undefined) =>
    session === undefined
      ? options.authenticator.recheck(credentialOf(headers))
      : (await sessions.recheck(token ?? '')).principal;
  const stays = (request: FastifyRequest) =>
    mayStay(request.principal, () => recheck(request, cookie.tokenOf(request)));
  return { mode, mayStay: stays, sessions, cookie, opened: mode === 'none' ? null : opened };
}
