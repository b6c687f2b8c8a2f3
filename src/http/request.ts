/** What Parley adds to fastify's requests and routes. */
import type { Principal } from '../core/access/principal.ts';
import type { OpenSession } from '../core/access/sessions.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who is calling; set before every handler. On routes with `isPublic` it is ANONYMOUS. */
    principal: Principal;
    /** The session whose cookie said who is calling; undefined where a key or token did. */
    session: OpenSession | undefined;
  }
  interface FastifyContextConfig {
    /** The route needs no authentication, or does its own. */
    isPublic?: boolean;
    /** Who sends no credential, and no cookie of a session in force, is NOBODY, and let through. */
    isOptional?: boolean;
    /** The form of its errors; default: REST. */
    errors?: 'json-rpc';
  }
}
