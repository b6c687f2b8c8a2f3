/** The description is valid OpenAPI, describes every route and no other, and its examples are requests that decode. */
import { fileURLToPath } from 'node:url';
import { Validator } from '@seriousme/openapi-schema-validator';
import Fastify from 'fastify';
import { beforeAll, describe, expect, it } from 'vitest';
import { echoAgent } from '../../agents/echo/agent.ts';
import { AgentRegistry } from '../../core/agents/registry.ts';
import { ERROR_TABLE } from '../../protocol/errors.ts';
import { isJsonObject } from '../../protocol/scalars.ts';
import { codecFor } from '../../protocol/version.ts';
import { registerCards } from '../a2a/cards.ts';
import { registerA2a } from '../a2a/routes.ts';
import { registerAgents } from '../admin/agents.ts';
import { registerCaptures } from '../admin/captures.ts';
import { registerDeliveries } from '../admin/deliveries.ts';
import { registerEncryption } from '../admin/encryption.ts';
import { registerGlances } from '../admin/glances.ts';
import { registerKeys } from '../admin/keys.ts';
import { registerLive } from '../admin/live.ts';
import { registerOverview } from '../admin/overview.ts';
import { registerPushConfigs } from '../admin/push-configs.ts';
import { registerServer } from '../admin/server.ts';
import { registerSessions } from '../admin/session.ts';
import { registerSigningKeys } from '../admin/signing-keys.ts';
import { registerTaskActions } from '../admin/task-actions.ts';
import { registerTasks } from '../admin/tasks.ts';
import { registerAdminToken } from '../admin/token.ts';
import { registerHealth } from '../health.ts';
import { registerJwks } from '../jwks.ts';
import { registerMetrics } from '../ops-app.ts';
import { renderErrorReference } from './error-meanings.ts';
import { buildOpenApi } from './openapi.ts';
import { exampleBody } from './openapi-examples.ts';
import { registerDocs } from './routes.ts';

const ASSETS = fileURLToPath(new URL('assets', import.meta.url));

type Operations = Record<string, Record<string, Record<string, unknown>>>;

const agents = new AgentRegistry([echoAgent({ pushNotifications: true })], 'echo');
const options = {
  version: '0.0.0',
  publicUrl: 'http://127.0.0.1:8080',
  metricsUrl: 'http://127.0.0.1:3000',
  isMetricsOnMain: false,
  isSecured: true,
  hasConsole: false,
  agentIds: ['echo'],
};
// As clients get it.
const description = JSON.parse(JSON.stringify(buildOpenApi(options))) as Record<string, unknown>;
const paths = description['paths'] as Operations;

/** Below these two everything else is routed by the codecs' own tables. */
const REST_WILDCARD = /^(\/a2a|\/a2a\/agents\/\{agentId\})\/\*$/;
/** They answer 404 to whatever has no page, and 405 to what is no POST: nothing to describe. */
const isRefusal = (method: string, path: string): boolean =>
  ['/ui', '/ui/*'].includes(path) || (/^\/a2a(\/agents\/\{agentId\})?$/.test(path) && method !== 'POST');

async function registeredRoutes(): Promise<Set<string>> {
  const routes = new Set<string>();
  const app = Fastify();
  app.addHook('onRoute', ({ method, url }) => {
    const path = url.replace(/:(\w+)/g, '{$1}');
    const [, address] = REST_WILDCARD.exec(path) ?? [];
    if (address !== undefined) {
      for (const version of ['1.0', '0.3'] as const) {
        for (const route of codecFor(version, 'HTTP+JSON').restRoutes) {
          routes.add(`${route.method} ${address}${route.path}`);
        }
      }
      return;
    }
    // `/a2a/` is `/a2a` for those who write it so.
    const shown = path.length > 1 ? path.replace(/\/$/, '') : path;
    for (const one of [method].flat()) {
      if (one !== 'HEAD' && !isRefusal(one, shown)) routes.add(`${one} ${shown}`);
    }
  });
  const unused = {} as never;
  registerHealth(app, unused);
  registerMetrics(app, unused);
  await app.register(async (scope) => registerA2a(scope, unused));
  registerAdminToken(app, unused);
  registerKeys(app, unused);
  registerCaptures(app, unused);
  registerPushConfigs(app, unused);
  registerDeliveries(app, unused);
  registerSessions(app, unused);
  registerTasks(app, unused);
  registerGlances(app, unused);
  registerTaskActions(app, unused);
  registerLive(app, unused);
  registerOverview(app, unused);
  registerAgents(app, unused);
  registerServer(app, unused);
  const url = () => options.publicUrl;
  registerEncryption(app, unused);
  registerSigningKeys(app, unused);
  registerJwks(app, unused);
  registerCards(app, { agents, cards: unused });
  registerDocs(app, { ...options, assetsDir: ASSETS, agents, publicUrl: url, metricsUrl: () => options.metricsUrl });
  await app.ready();
  await app.close();
  return routes;
}

/** Every object in the document. */
function* objects(value: unknown): Generator<Record<string, unknown>> {
  if (Array.isArray(value)) for (const item of value) yield* objects(item);
  else if (isJsonObject(value)) {
    yield value;
    for (const item of Object.values(value)) yield* objects(item);
  }
}

function resolve(ref: string): unknown {
  const names = ref.slice('#/'.length).split('/');
  return names.reduce<unknown>((at, name) => (isJsonObject(at) ? at[name] : undefined), description);
}

describe('the OpenAPI description', () => {
  it('[U4] is valid OpenAPI 3.1', async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(structuredClone(description));
    expect(errors).toBeUndefined();
    expect(valid).toBe(true);
    expect(validator.version).toBe('3.1');
  });

  it('[U4] describes every route of the server, and no other', async () => {
    const described = Object.entries(paths).flatMap(([path, item]) =>
      Object.keys(item)
        .filter((name) => name !== 'servers')
        .map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(described.sort()).toEqual([...(await registeredRoutes())].sort());
    expect(described.length).toBeGreaterThan(60);
  });

  it('has a target for each reference, and a unique operationId for each operation', () => {
    const refs = [...objects(description)].flatMap(({ $ref }) => (typeof $ref === 'string' ? [$ref] : []));
    expect(refs.filter((ref) => resolve(ref) === undefined)).toEqual([]);
    const ids = Object.values(paths).flatMap((item) => Object.values(item).flatMap((op) => op['operationId'] ?? []));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('declares each name in a path as a parameter of it', () => {
    for (const [path, item] of Object.entries(paths)) {
      const names = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      for (const [method, operation] of Object.entries(item)) {
        if (method === 'servers') continue;
        const declared = (operation['parameters'] as Record<string, string>[])
          .map((one) => (one['$ref'] === undefined ? one : (resolve(one['$ref']) as Record<string, string>)))
          .filter((one) => one['in'] === 'path')
          .map((one) => one['name']);
        expect([method, path, declared.sort()]).toEqual([method, path, names.sort()]);
      }
    }
  });

  it('has a JSON-RPC example for each method of each version, and its codec takes it', () => {
    const post = paths['/a2a']?.['post'] as { requestBody: { content: Record<string, { examples: object }> } };
    const examples = Object.values(post.requestBody.content['application/json']?.examples ?? {}) as {
      'x-parley-version': '1.0' | '0.3';
      value: { method: string; params: unknown };
    }[];
    for (const { value, 'x-parley-version': version } of examples) {
      const operation = codecFor(version).methods.get(value.method);
      if (operation === undefined) throw new Error(`${value.method} is no method of ${version}`);
      expect(codecFor(version).decodeParams(operation, value.params).operation).toBe(operation);
    }
    expect(examples.length).toBe(codecFor('1.0').methods.size + codecFor('0.3').methods.size);
  });

  it('has REST bodies that the codec of their version takes', () => {
    for (const version of ['1.0', '0.3'] as const) {
      const codec = codecFor(version, 'HTTP+JSON');
      for (const { operation } of codec.restRoutes) {
        const body = exampleBody(operation, version);
        if (body === undefined) continue;
        const call = codec.decodeRest(operation, { params: { id: 'task-1' }, query: {}, body });
        expect(call.operation).toBe(operation);
      }
    }
  });

  it('lists every error with its codes', () => {
    const errors = description['x-parley-errors'] as { code: string; http: number }[];
    expect(errors.map(({ code }) => code)).toEqual(Object.keys(ERROR_TABLE));
  });

  it('asks for no key where authentication is switched off', () => {
    expect(buildOpenApi({ ...options, isSecured: false })['security']).toEqual([{}]);
    expect(description['security']).toEqual([{ bearer: [] }, { apiKey: [] }]);
  });
});

it('docs/errors.md is what the table of errors says', async () => {
  await expect(renderErrorReference()).toMatchFileSnapshot('../../../docs/errors.md');
});

describe('the pages', () => {
  const app = Fastify();
  beforeAll(async () => {
    registerDocs(app, {
      assetsDir: ASSETS,
      ...options,
      agents,
      publicUrl: () => options.publicUrl,
      metricsUrl: () => options.metricsUrl,
    });
    await app.ready();
    return () => app.close();
  });
  const PAGES = ['/', '/docs', '/ui/metrics', '/ui/live-metrics'];

  it('[O2] answer GET and HEAD without a key, with HTML for browsers', async () => {
    for (const url of PAGES) {
      const headers = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
      const got = await app.inject({ method: 'GET', url, headers });
      expect([url, got.statusCode, got.headers['content-type']]).toEqual([url, 200, 'text/html; charset=utf-8']);
      expect((await app.inject({ method: 'HEAD', url, headers })).statusCode).toBe(200);
    }
  });

  it('[O14] run nothing but the scripts of this server, and in no frame', async () => {
    for (const url of [...PAGES, '/ui/nowhere']) {
      const { headers, body } = await app.inject({ url, headers: { accept: 'text/html' } });
      expect(headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
      expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
      expect(headers['content-security-policy']).not.toContain('unsafe');
      expect(body).not.toMatch(/<style|<script>|\son\w+=|style="/);
    }
  });

  it('tell programs in JSON what this server is', async () => {
    const { headers, body } = await app.inject({ url: '/', headers: { accept: '*/*' } });
    expect(headers['vary']).toContain('Accept');
    expect(JSON.parse(body)).toEqual({
      name: 'parley',
      version: '0.0.0',
      docs: '/docs',
      openapi: '/docs/openapi.json',
      card: '/.well-known/agent-card.json',
      health: '/healthz',
    });
  });

  it('refer to files that are there and may be kept for ever', async () => {
    const { body } = await app.inject('/docs');
    const files = [...body.matchAll(/"(\/docs\/assets\/[^"]+)"/g)].map((match) => match[1] ?? '');
    expect(new Set(files).size).toBe(3);
    for (const file of files) {
      const { statusCode, headers } = await app.inject(file);
      expect([statusCode, headers['cache-control']]).toEqual([200, 'public, max-age=31536000, immutable']);
    }
    expect((await app.inject('/docs/assets/..%2froutes.ts')).statusCode).not.toBe(200);
  });

  it('answer 404 with a page where there is none, and show its address as text', async () => {
    const { statusCode, body } = await app.inject('/ui/%3Cscript%3E<b>');
    expect(statusCode).toBe(404);
    expect(body).toContain('There is no such page');
    expect(body).not.toMatch(/<b>|<script>/);
  });

  it('give the description with an ETag, and 304 while it is the same', async () => {
    const first = await app.inject('/docs/openapi.json');
    const { etag } = first.headers;
    expect(JSON.parse(first.body)).toMatchObject({ openapi: '3.1.0', servers: [{ url: options.publicUrl }] });
    const headers = { 'if-none-match': String(etag) };
    expect((await app.inject({ url: '/docs/openapi.json', headers })).statusCode).toBe(304);
    expect((await app.inject({ method: 'HEAD', url: '/docs/openapi.json' })).statusCode).toBe(200);
  });

  it('have an icon', async () => {
    const { statusCode, headers } = await app.inject('/favicon.ico');
    expect([statusCode, headers['content-type']]).toEqual([200, 'image/svg+xml']);
  });
});
