/** What this server adds to a Fastify request. */
import type { Principal } from '../core/access/principal.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who calls; set before any handler runs. */
    principal: Principal;
  }
  interface FastifyContextConfig {
    /** `public`: answers without credentials. */
    readonly access?: 'public';
    /** In which form errors before the handler are told; the default is that of the REST binding. */
    readonly errors?: 'json-rpc';
  }
}
