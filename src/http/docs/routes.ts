/** `/`, `/docs` and the OpenAPI description: pages that tell a person what runs here. No credentials, no data. */
import type { FastifyInstance } from 'fastify';

export function registerDocs(app: FastifyInstance): void {
  const config = { isPublic: true } as const;
  app.get('/', { config }, async (_request, reply) => reply.send({ ok: true }));
}
