/** `/.well-known/jwks.json`: the public keys of everything that this server signs (RFC 7517). */
import type { FastifyInstance } from 'fastify';
import type { Signer } from '../core/signing/signer.ts';
import { JWKS_MAX_AGE_SECONDS } from '../core/signing/signing-keys.ts';
import { etagOf, namesTag } from './etag.ts';
import './request.ts';

export const JWKS_PATH = '/.well-known/jwks.json';

export function registerJwks(app: FastifyInstance, { signer }: { readonly signer: Signer }): void {
  app.get(JWKS_PATH, { config: { isPublic: true } }, (request, reply) => {
    const body = JSON.stringify(signer.publicKeys());
    const etag = etagOf(body);
    reply.header('etag', etag).header('cache-control', `public, max-age=${JWKS_MAX_AGE_SECONDS}, must-revalidate`);
    reply.header('access-control-allow-origin', '*');
    const tags = request.headers['if-none-match'];
    if (tags !== undefined && namesTag(tags, etag)) return reply.code(304).send();
    // As bytes: to text Fastify would add a charset, which this media type does not have.
    return reply.header('content-type', 'application/jwk-set+json').send(Buffer.from(body));
  });
}
