/** The ops listener: metrics for Prometheus and the health checks, apart from the API. */
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { sendError } from './errors.ts';
import { type Readiness, registerHealth } from './health.ts';
import { quietLogger } from './lazy-logger.ts';
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

export function createOpsApp(logger: FastifyBaseLogger, readiness: Readiness, source: MetricsText): FastifyInstance {
  const app = Fastify({
    loggerInstance: quietLogger(logger),
    logController: new LogController({ disableRequestLogging: true }),
    forceCloseConnections: true,
  });
  app.setErrorHandler((error, request, reply) => sendError(request, reply, error));
  registerHealth(app, readiness);
  registerMetrics(app, source);
  return app;
}
