/** What Parley adds to fastify's requests and routes, and the credential that a request carries. */

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

/**
 * `Authorization: Bearer KEY`, else `x-api-key: KEY`; undefined: none. Another scheme is a credential all the same, and
 * not a valid one: it becomes the empty text.
 */
export function credentialOf(headers: {
  readonly authorization?: string | undefined;
  readonly 'x-api-key'?: string | string[] | undefined;
}): string | undefined {
  if (headers.authorization !== undefined) return /^bearer +(\S+)$/i.exec(headers.authorization)?.[1] ?? '';
  const key = headers['x-api-key'];
  return Array.isArray(key) ? key[0] : key;
}
