/** `/healthz`: the process answers. `/readyz`: it can do its work. Both without credentials. */
import type { FastifyInstance } from 'fastify';

export interface Readiness {
  /** Names of what is down; empty when all is well. */
  check(): Promise<readonly string[]>;
}

export function registerHealth(app: FastifyInstance, readiness: Readiness): void {
  const config = { isPublic: true } as const;
  for (const path of ['/healthz', '/health']) {
    app.get(path, { config }, async (_request, reply) => reply.header('cache-control', 'no-store').send({ ok: true }));
  }
  app.get('/readyz', { config }, async (_request, reply) => {
    reply.header('cache-control', 'no-store');
    const down = await readiness.check();
    return down.length === 0 ? reply.send({ ok: true }) : reply.code(503).send({ ok: false, down });
  });
}
