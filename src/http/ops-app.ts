/** The ops listener: metrics for Prometheus and the health checks, apart from the API. */
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { sendError } from './errors.ts';
import { type Readiness, registerHealth } from './health.ts';
import { hostCheck } from './hosts.ts';
import { quietLogger } from './lazy-logger.ts';
import { NO_SCHEMAS } from './no-schemas.ts';
import './request.ts';

export interface MetricsText {
  readonly contentType: string;
  metrics(): Promise<string>;
}

export function registerMetrics(app: FastifyInstance, source: MetricsText): void {
  app.get('/metrics', { config: { isPublic: true } }, async (_request, reply) =>
    reply.header('content-type', source.contentType).send(await source.metrics()),
  );
}

export interface OpsOptions {
  readonly logger: FastifyBaseLogger;
  readonly readiness: Readiness;
  readonly metrics: MetricsText;
  /** The names that it answers to; null: any, as where it listens for other machines, which know it by names of their own. */
  readonly allowedHosts: readonly string[] | null;
}

/** Nobody but Prometheus and probes has business here, and none of them sends a body. */
const LIMITS = { bodyLimit: 1024, requestTimeout: 10_000, keepAliveTimeout: 72_000 } as const;
const MAX_CONNECTIONS = 200;

export function createOpsApp({ logger, readiness, metrics, allowedHosts }: OpsOptions): FastifyInstance {
  const app = Fastify({
    ...LIMITS,
    loggerInstance: quietLogger(logger),
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: true,
    schemaController: NO_SCHEMAS,
  });
  app.server.maxConnections = MAX_CONNECTIONS;
  if (allowedHosts !== null) {
    const checkHost = hostCheck(allowedHosts);
    app.addHook('onRequest', async (request) => checkHost(request));
  }
  app.setErrorHandler((error, request, reply) => sendError(request, reply, error));
  registerHealth(app, readiness);
  registerMetrics(app, metrics);
  return app;
}
