/** Who may come in, and how often: the admin key, tokens, keys, sessions and rate limits. */
import { randomBytes } from 'node:crypto';
import { adminKeyProblem } from '../config/secrets.ts';
import type { AdminKeySource } from '../core/access/admin-key.ts';
import { AdminTokens } from '../core/access/admin-tokens.ts';
import { Authenticator } from '../core/access/authenticator.ts';
import type { Gate } from '../core/access/gate.ts';
import { createLimiters, isLimiting, type Limiters } from '../core/limits/limiters.ts';
import { createSessions, type SessionParts } from '../http/sessions.ts';
import { systemClock as clock, systemIds as ids } from '../ops/runtime.ts';
import { type MadeAdminKey, openAdminKey } from '../storage/admin-key-file.ts';
import { openRateCounts } from '../storage/open-rate-counts.ts';
import type { Data } from './data.ts';
import type { Ground } from './ground.ts';

export interface Access {
  readonly adminKey: AdminKeySource;
  /** The file of an admin key that Parley made, and whether this start made it. */
  readonly madeAdminKey: MadeAdminKey | null;
  readonly adminTokens: AdminTokens;
  readonly authenticator: Authenticator;
  readonly sessions: SessionParts;
  readonly limiters: Limiters;
  /** What every call of HTTP and gRPC passes. */
  readonly gate: Gate;
}

export interface AccessOptions {
  /** Called for a session that this replica ended. */
  readonly onSessionEnded: (sessionId: string) => void;
  /** Replicas that are known to be alive, this one included. */
  readonly replicas: () => number;
}

export async function openAccess(
  { config, logger, metrics, stops }: Ground,
  { storage }: Data,
  { onSessionEnded, replicas }: AccessOptions,
): Promise<Access> {
  const { mode } = config.auth;
  const keyFile = { dataDir: config.dataDir, problemOf: adminKeyProblem, randomBytes, clock, log: logger };
  const { source: adminKey, made: madeAdminKey } = openAdminKey({ ...config.auth, ...keyFile });
  const adminTokens = new AdminTokens({ adminKey, clock, ids, ttlSeconds: config.auth.adminTokenTtlSeconds });
  const authenticator = new Authenticator({
    mode,
    store: storage.apiKeys,
    adminKey,
    adminTokens,
    clock,
    metrics: metrics.auth,
    log: logger,
  });
  authenticator.start();
  stops.push(() => authenticator.stop());
  const sessions = createSessions({
    mode,
    settings: config.sessions,
    store: storage.sessions,
    authenticator,
    adminKey,
    clock,
    ids,
    randomBytes,
    logger,
    isBehindTls: config.server.behindTlsProxy,
    publicUrl: config.server.publicUrl,
    onEnded: onSessionEnded,
  });

  const countsAt = { redisUrl: config.redis.url, storage, clock, logger };
  const counts = isLimiting(config.rateLimit) ? await openRateCounts(countsAt) : null;
  stops.push(() => counts?.close());
  const limiters = createLimiters({
    settings: config.rateLimit,
    counts,
    replicas,
    clock,
    logger,
    metrics: metrics.rateLimit,
  });
  stops.push(() => limiters.stop());
  const gate = { authenticator, requests: limiters.requests, failures: limiters.failures };
  return { adminKey, madeAdminKey, adminTokens, authenticator, sessions, limiters, gate };
}
