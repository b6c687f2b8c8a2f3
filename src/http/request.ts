/** What Parley adds to fastify's requests and routes. */
import type { Principal } from '../core/access/principal.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who is calling; set before every handler. On routes with `isPublic` it is ANONYMOUS. */
    principal: Principal;
  }
  interface FastifyContextConfig {
    /** The route needs no authentication, or does its own. */
    isPublic?: boolean;
    /** The form of its errors; default: REST. */
    errors?: 'json-rpc';
  }
}
