/** `/`, `/docs`, the OpenAPI description and the places of the console: what tells a person what runs here. No data. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AgentRegistry } from '../../core/agents/registry.ts';
import { AppError } from '../../protocol/errors.ts';
import { etagOf, namesTag } from '../etag.ts';
import type {} from '../request.ts';
import { Assets } from './assets.ts';
import { apiPage, consolePage, landingPage, notFoundPage, type PageFacts } from './pages.ts';

export interface DocsOptions {
  readonly version: string;
  readonly agents: AgentRegistry;
  /** Where clients reach the API, and where Prometheus reaches the metrics; known once the server listens. */
  readonly publicUrl: () => string;
  readonly metricsUrl: () => string;
  /** Where the files of the pages lie. */
  readonly assetsDir: string;
  /** `/metrics` is served on this listener too. */
  readonly isMetricsOnMain: boolean;
  /** `false` where authentication is switched off. */
  readonly isSecured: boolean;
  /** The console is served below `/ui`; else pages there say that it is not. */
  readonly hasConsole: boolean;
}

/** Nothing but this server's own files; no inline script or style; in no frame. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const PAGE_HEADERS = {
  'content-security-policy': POLICY,
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-cache',
} as const;

const CONSOLE_PAGES = { '/ui/metrics': 'Tasks', '/ui/live-metrics': 'Live metrics' } as const;

/** Everything is made when it is first asked for: it costs the start of the server nothing. */
export function registerDocs(app: FastifyInstance, options: DocsOptions): void {
  const { version, agents } = options;
  const config = { isPublic: true } as const;
  const assets = once(() => new Assets(options.assetsDir));
  const facts = once((): PageFacts => {
    const agent = agents.find(agents.defaultId);
    const defaultAgent = { id: agents.defaultId, name: agent?.description.name ?? agents.defaultId };
    return { version, metricsUrl: options.metricsUrl(), defaultAgent };
  });
  const openApi = once(() => describe(options));

  app.get('/', { config }, (request, reply) => {
    reply.header('vary', 'Accept');
    if (prefersHtml(request) && options.hasConsole) return reply.redirect('/ui/');
    if (prefersHtml(request)) return sendPage(reply, landingPage(assets(), facts()));
    return reply.header('cache-control', 'no-cache').send({
      name: 'parley',
      version,
      docs: '/docs',
      openapi: '/docs/openapi.json',
      card: '/.well-known/agent-card.json',
      health: '/healthz',
    });
  });

  app.get('/docs', { config }, (_request, reply) => sendPage(reply, apiPage(assets(), facts())));
  app.get('/docs/openapi.json', { config }, async (request, reply) => {
    const { body, etag } = await openApi();
    reply.header('etag', etag).header('cache-control', 'no-cache');
    if (namesTag(request.headers['if-none-match'] ?? '', etag)) return reply.code(304).send();
    return reply.header('content-type', 'application/json; charset=utf-8').send(body);
  });
  app.get('/docs/assets/:file', { config }, (request, reply) => {
    const { file } = request.params as { file: string };
    const asset = assets().find(file);
    if (asset === undefined) throw new AppError('NOT_FOUND', 'There is no such file');
    return reply
      .headers({ ...PAGE_HEADERS, 'cache-control': 'public, max-age=31536000, immutable' })
      .header('content-type', asset.type)
      .send(asset.body);
  });
  app.get('/favicon.ico', { config }, (_request, reply) => {
    const [, file = ''] = /([^/]+)$/.exec(assets().pathOf('mark.svg')) ?? [];
    return reply
      .headers({ ...PAGE_HEADERS, 'cache-control': 'public, max-age=86400' })
      .header('content-type', 'image/svg+xml')
      .send(assets().find(file)?.body);
  });

  if (options.hasConsole) return;
  for (const [path, title] of Object.entries(CONSOLE_PAGES)) {
    app.get(path, { config }, (_request, reply) => sendPage(reply, consolePage(assets(), title, facts())));
  }
  for (const path of ['/ui', '/ui/*']) {
    app.get(path, { config }, (request, reply) =>
      sendPage(reply.code(404), notFoundPage(assets(), request.url.split('?')[0] ?? '')),
    );
  }
}

function sendPage(reply: FastifyReply, html: string): FastifyReply {
  return reply.headers(PAGE_HEADERS).header('content-type', 'text/html; charset=utf-8').send(html);
}

/** Browsers name `text/html`; what takes anything is a program. */
function prefersHtml(request: FastifyRequest): boolean {
  return (request.headers.accept ?? '').toLowerCase().includes('text/html');
}

async function describe(options: DocsOptions): Promise<{ readonly body: string; readonly etag: string }> {
  const { buildOpenApi } = await import('./openapi.ts');
  const { version, agents, isMetricsOnMain, isSecured } = options;
  const body = JSON.stringify(
    buildOpenApi({
      version,
      publicUrl: options.publicUrl(),
      metricsUrl: options.metricsUrl(),
      isMetricsOnMain,
      isSecured,
      agentIds: agents.all().map((agent) => agent.id),
    }),
  );
  return { body, etag: etagOf(body) };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}
