/** The built console is served whole, cached and compressed as it may be, and nothing beside it is. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { precompress } from '../../../scripts/precompress.mjs';
import { waitFor } from '../../../test/support/wait-for.ts';
import { sendError } from '../errors.ts';
import { registerUi } from './routes.ts';
import { openSite, Site } from './site.ts';

let root: string;
let app: FastifyInstance;
const INDEX = `<!doctype html><title>Parley</title>${' '.repeat(2000)}`;
const SCRIPT = `console.log(${JSON.stringify('x'.repeat(5000))})`;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'parley-ui-'));
  const dist = join(root, 'dist');
  mkdirSync(join(dist, 'assets'), { recursive: true });
  mkdirSync(join(dist, '.vite'));
  writeFileSync(join(root, 'secret.txt'), 'Kq7-outside');
  writeFileSync(join(dist, '.vite', 'manifest.json'), '{}');
  writeFileSync(join(dist, 'index.html'), INDEX);
  writeFileSync(join(dist, 'mark.svg'), '<svg/>');
  writeFileSync(join(dist, 'tool.exe'), 'binary');
  writeFileSync(join(dist, 'assets', 'app-abc123.js'), SCRIPT);
  writeFileSync(join(dist, 'routes.json'), JSON.stringify(['/ui', '/ui/tasks', '/ui/tasks/:id']));
  precompress(dist);
  app = Fastify({ routerOptions: { maxParamLength: 512 } });
  app.setErrorHandler((error, request, reply) => sendError(request, reply, error));
  registerUi(app, openSite(dist));
  await app.ready();
});
afterAll(async () => {
  await app.close();
  rmSync(root, { recursive: true });
});

const get = (url: string, headers: Record<string, string> = {}) => app.inject({ url, headers });

test('[U1, O14] a page of the console is its one file, under a policy without inline scripts', async () => {
  for (const url of ['/ui', '/ui/', '/ui/tasks', '/ui/tasks/', '/ui/tasks/7f3a?state=x']) {
    const { statusCode, headers, body } = await get(url);
    expect([url, statusCode, body]).toEqual([url, 200, INDEX]);
    expect(headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(headers['content-security-policy']).not.toContain('unsafe');
    expect(headers['x-frame-options']).toBe('DENY');
    expect(headers['cache-control']).toBe('no-cache');
  }
});

test('a console that is built anew under a running server is served from the next page on', async () => {
  const built = join(root, 'again');
  const build = (script: string) => {
    mkdirSync(join(root, 'staged', 'assets'), { recursive: true });
    writeFileSync(join(root, 'staged', 'routes.json'), '["/ui"]');
    writeFileSync(join(root, 'staged', 'assets', script), SCRIPT);
    writeFileSync(join(root, 'staged', 'index.html'), script);
    rmSync(built, { recursive: true, force: true });
    renameSync(join(root, 'staged'), built);
  };
  build('app-1.js');
  const site = openSite(built);
  // The clock of the file system may not have moved since.
  await waitFor('the new one', 20_000, async () => {
    build('app-2.js');
    await site?.read('index.html', '');
    return site?.has('assets/app-2.js') === true;
  });
  expect(String((await site?.read('assets/app-2.js', ''))?.body)).toBe(SCRIPT);
  expect(site?.has('assets/app-1.js')).toBe(false);
});

test('a page that is not there is 404, with the console to say so', async () => {
  for (const url of ['/ui/nowhere', '/ui/tasks/a/b', '/ui/index.html/x']) {
    const { statusCode, body, headers } = await get(url);
    expect([url, statusCode, body]).toEqual([url, 404, INDEX]);
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
  }
});

test('hashed files may be kept for ever; others are asked for again, and answered 304 while they are the same', async () => {
  const script = await get('/ui/assets/app-abc123.js');
  expect([script.statusCode, script.body]).toEqual([200, SCRIPT]);
  expect(script.headers['cache-control']).toBe('public, max-age=31536000, immutable');
  expect(script.headers['content-type']).toBe('text/javascript; charset=utf-8');
  const mark = await get('/ui/mark.svg');
  expect([mark.statusCode, mark.headers['cache-control']]).toEqual([200, 'no-cache']);
  const again = await get('/ui/mark.svg', { 'if-none-match': String(mark.headers['etag']) });
  expect([again.statusCode, again.body]).toEqual([304, '']);
});

test('is sent compressed as the client asks, never otherwise', async () => {
  const url = '/ui/assets/app-abc123.js';
  const unpack = { br: brotliDecompressSync, gzip: gunzipSync };
  for (const [accepted, encoding] of [
    ['gzip, deflate, br', 'br'],
    ['gzip', 'gzip'],
    ['br;q=0, gzip;q=0.5', 'gzip'],
  ] as const) {
    const { headers, rawPayload } = await get(url, { 'accept-encoding': accepted });
    expect([headers['content-encoding'], headers['vary']]).toEqual([encoding, 'Accept-Encoding']);
    expect(unpack[encoding](rawPayload).toString()).toBe(SCRIPT);
  }
  for (const accepted of ['', 'identity', 'zstd', 'gzip;q=0']) {
    const { headers, body } = await get(url, { 'accept-encoding': accepted });
    expect([headers['content-encoding'], body]).toEqual([undefined, SCRIPT]);
  }
});

test('gives no file that is not part of the console', async () => {
  for (const url of [
    '/ui/assets/../index.html',
    '/ui/assets/..%2f..%2f..%2fsecret.txt',
    '/ui/assets/%2e%2e/%2e%2e/secret.txt',
    '/ui/..%2f..%2fsecret.txt',
    '/ui/.vite/manifest.json',
    '/ui/routes.json',
    '/ui/tool.exe',
    '/ui/assets/app-abc123.js.br',
    '/ui/assets/__proto__',
    '/ui/assets/',
  ]) {
    const { statusCode, body } = await get(url);
    expect([url, body.includes('Kq7-outside'), body === '{}', body === 'binary']).toEqual([url, false, false, false]);
    expect([url, statusCode]).toEqual([url, 404]);
  }
});

test('without a build there is no console; one without its routes is a mistake', () => {
  expect(openSite(join(root, 'nothing'))).toBeNull();
  expect(registerUi(Fastify(), null)).toBe(false);
  const broken = join(root, 'broken');
  mkdirSync(broken);
  writeFileSync(join(broken, 'index.html'), INDEX);
  expect(() => new Site(broken)).toThrow(/routes\.json/);
  writeFileSync(join(broken, 'routes.json'), '["/admin"]');
  expect(() => new Site(broken)).toThrow(/must be a path below/);
});
