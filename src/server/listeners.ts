/** The listeners of a server: the API, metrics and readiness beside it, and gRPC. None listens yet. */
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { FastifyInstance } from 'fastify';
import type { Config } from '../config/load.ts';
import { isLoopbackHost } from '../config/network.ts';
import { type GrpcListener, listenGrpc } from '../grpc/listener.ts';
import type { GrpcOptions } from '../grpc/options.ts';
import { createApp } from '../http/app.ts';
import type { Readiness } from '../http/health.ts';
import type { BodyCheck } from '../http/json-body.ts';
import { createOpsApp } from '../http/ops-app.ts';
import { systemClock as clock } from '../ops/runtime.ts';
import { AppError } from '../protocol/errors.ts';
import type { Access } from './access.ts';
import type { Ground } from './ground.ts';

/** How long stopping waits for connections that are in use, once the time to drain is over. */
export const CLOSE_MS = 5000;

/** For balancers and Prometheus. */
export function createOps({ config, logger, metrics, stops }: Ground, readiness: Readiness): FastifyInstance {
  const allowedHosts = isLoopbackHost(config.ops.metricsHost) ? config.server.allowedHosts : null;
  const ops = createOpsApp({ logger, readiness, metrics: metrics.registry, allowedHosts });
  stops.push(() => ops.close());
  return ops;
}

export interface ApiParts {
  readonly access: Access;
  readonly newRequestId: () => string;
  readonly checkBody: BodyCheck;
  readonly isLeaving: () => boolean;
}

export function createApi(
  { config, logger, metrics, activity, stops }: Ground,
  { access, newRequestId, checkBody, isLeaving }: ApiParts,
): FastifyInstance {
  const { server } = config;
  const api = createApp({
    ...server,
    gate: access.gate,
    sessions: access.sessions.opened,
    newRequestId,
    checkBody,
    isLeaving,
    logger,
    tls: tlsOf(server.tls),
    hosts: { ...server, publicOrigin: new URL(server.publicUrl).origin },
    onRequestDone: (method, route, status, seconds) => {
      metrics.http.requestDone(method, route, status, seconds);
      activity.requestDone(status);
    },
    onUnreadable: metrics.http.unreadable,
  });
  stops.push(() => closeSoon(api));
  return api;
}

/** Waits for answers on their way, yet not for clients that never finish their request: anyone can be such a client. */
async function closeSoon(app: FastifyInstance): Promise<void> {
  const cancel = clock.after(CLOSE_MS, () => app.server.closeAllConnections());
  try {
    await app.close();
  } finally {
    cancel();
  }
}

/** Takes connections, and answers them once `serve` is called. The caller stops it. */
export async function openGrpc(
  { server, grpc }: Config,
  shared: Omit<GrpcOptions, 'host' | 'port' | 'tls' | 'trustProxy' | 'limits' | 'health' | 'reflection'>,
): Promise<GrpcListener> {
  const { trustProxy } = server;
  const tls = tlsOf(grpc.tls);
  // The library that takes them is loaded when the server has started, too late to refuse them.
  if (tls !== null) checkTls(tls);
  return listenGrpc({ ...shared, ...grpc, tls, trustProxy, limits: { ...server, ...grpc } });
}

/** Throws UNAVAILABLE where the certificate and the key are none, or of different pairs. */
function checkTls(tls: { cert: Buffer; key: Buffer }): void {
  try {
    createSecureContext(tls);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `gRPC cannot use the certificate of grpc.tls.certFile with the key of grpc.tls.keyFile: ${reason}`;
    throw new AppError('UNAVAILABLE', message, { cause });
  }
}

function tlsOf({ certFile, keyFile }: Config['server']['tls']): { cert: Buffer; key: Buffer } | null {
  if (certFile === undefined || keyFile === undefined) return null;
  return { cert: readFileSync(certFile), key: readFileSync(keyFile) };
}
