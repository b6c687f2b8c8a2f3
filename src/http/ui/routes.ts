/** `/ui`: the built console, behind a policy that lets it load nothing but its own files. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../../protocol/errors.ts';
import { namesTag } from '../etag.ts';
import type {} from '../request.ts';
import type { Site } from './site.ts';

/** No inline script or style, nothing of others, in no frame. Images and media of tasks are shown from memory. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "font-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data: blob:",
  "media-src 'self' data: blob:",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');
const HEADERS = {
  'content-security-policy': POLICY,
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
} as const;
const FOR_EVER = 'public, max-age=31536000, immutable';

/** Answers whether there is a console; without one it registers nothing. */
export function registerUi(app: FastifyInstance, site: Site | null): boolean {
  if (site === null) return false;
  const config = { isPublic: true } as const;

  const send = async (request: FastifyRequest, reply: FastifyReply, name: string, caching: string, status = 200) => {
    const served = await site.read(name, request.headers['accept-encoding'] ?? '');
    if (served === null) throw new AppError('NOT_FOUND', 'There is no such file');
    const { body, type, etag, encoding, varies } = served;
    reply.headers(HEADERS).header('cache-control', caching).header('etag', `W/${etag}`);
    if (varies) reply.header('vary', 'Accept-Encoding');
    if (status === 200 && namesTag(request.headers['if-none-match'] ?? '', etag)) return reply.code(304).send();
    if (encoding !== null) reply.header('content-encoding', encoding);
    return reply.code(status).header('content-type', type).send(body);
  };

  app.get('/ui/assets/*', { config }, (request, reply) => {
    const { '*': name } = request.params as { '*': string };
    return send(request, reply, `assets/${name}`, FOR_EVER);
  });
  for (const path of ['/ui', '/ui/*']) {
    app.get(path, { config }, (request, reply) => {
      const { '*': name = '' } = request.params as { '*'?: string };
      if (name !== 'index.html' && site.has(name)) return send(request, reply, name, 'no-cache');
      const [pathname = ''] = request.url.split('?');
      return send(request, reply, 'index.html', 'no-cache', site.hasPage(pathname) ? 200 : 404);
    });
  }
  return true;
}
