/** Who may call from where: the names that the server answers to, the pages that may call it, and what it tells browsers. */
import { beforeAll, describe, expect, test } from 'vitest';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { bearer, errorOf, type HttpAnswer, http } from './wire.ts';

const LISTED = 'https://app.example.com';
const PATHS = ['/a2a/tasks?A2A-Version=1.0', '/healthz', '/.well-known/agent-card.json', '/no/such/path'];

let parley: ParleyProcess;

beforeAll(async () => {
  parley = await startParley({ env: { CORS_ORIGINS: LISTED, PUBLIC_URL: 'https://parley.example.com' } });
});

function ask(path: string, headers: Record<string, string>, method = 'GET'): Promise<HttpAnswer> {
  return http(`${parley.url}${path}`, { method, headers: { ...bearer(parley), ...headers } });
}

describe('the ops listener', () => {
  test('[O14] on loopback answers to the same names only', async () => {
    for (const [host, status] of [
      ['localhost', 200],
      ['127.0.0.1:3000', 200],
      ['parley.example.com', 200],
      ['evil.example', 400],
    ] as const) {
      const answer = await http(`${parley.metricsUrl}/metrics`, { headers: { host } });
      expect([host, answer.status]).toEqual([host, status]);
    }
  });

  test('[O14] off loopback answers to any, as other machines know it by names of their own', async () => {
    const open = await startParley({ config: 'ops:\n  metricsHost: 0.0.0.0\n' });
    const url = open.metricsUrl.replace('0.0.0.0', '127.0.0.1');
    expect((await http(`${url}/metrics`, { headers: { host: 'parley:3000' } })).status).toBe(200);
  });
});

describe('hosts', () => {
  const own = [
    'localhost',
    '127.0.0.1',
    '[::1]',
    'parley.example.com',
    'PARLEY.example.com',
    'localhost:1',
    'parley.example.com:443',
  ];

  test.each(own)('[O14] answers to %s', async (host) => {
    expect((await ask('/a2a/tasks?A2A-Version=1.0', { host })).status).toBe(200);
  });

  test.each([
    'evil.example',
    'localhost.evil.example',
    '127.0.0.2',
    'parley.example.com.evil',
    '0.0.0.0',
    'evil.example:8080',
    '[::2]',
  ])('[O14] does not answer to %s, whatever is asked', async (host) => {
    for (const path of PATHS) {
      const { status, json, headers } = await ask(path, { host });
      expect([path, status]).toEqual([path, 400]);
      expect(errorOf({ version: '1.0', binding: 'HTTP+JSON' }, json)).toMatchObject({
        reason: 'INVALID_REQUEST',
        message: expect.stringContaining('server.allowedHosts'),
      });
      expect(headers).not.toHaveProperty('access-control-allow-origin');
    }
  });

  test('[O14] a foreign host does not get to JSON-RPC either', async () => {
    const body = { jsonrpc: '2.0', id: 1, method: 'tasks/list', params: {} };
    const { status, json } = await http(`${parley.url}/a2a`, {
      headers: { ...bearer(parley), host: 'evil.example' },
      body,
    });
    expect([status, json]).toMatchObject([400, { error: { code: -32600 } }]);
  });
});

describe('origins', () => {
  const foreign = [
    'https://evil.example',
    'https://app.example.com.evil.example',
    'http://app.example.com',
    'https://app.example.com:8443',
    'null',
    'file://',
    '',
    'not an origin',
  ];

  test.each(foreign)('[O14] a page of %j may not call', async (origin) => {
    for (const path of PATHS) {
      for (const method of ['GET', 'OPTIONS']) {
        const { status, headers } = await ask(path, { origin }, method);
        expect([method, path, status]).toEqual([method, path, 403]);
        expect(headers['access-control-allow-origin']).toBeUndefined();
      }
    }
  });

  test('[O14] a page of a foreign origin does not get to JSON-RPC either, and hears why', async () => {
    const body = { jsonrpc: '2.0', id: 1, method: 'tasks/list', params: {} };
    const headers = { ...bearer(parley), origin: 'https://evil.example' };
    const { status, json } = await http(`${parley.url}/a2a`, { headers, body });
    expect([status, json]).toMatchObject([403, { error: { message: expect.stringContaining('server.corsOrigins') } }]);
  });

  test.each([LISTED, 'https://parley.example.com', 'https://APP.example.com'])(
    '[O14] a page of %s may call',
    async (origin) => {
      const { status, headers } = await ask('/a2a/tasks?A2A-Version=1.0', { origin });
      expect(status).toBe(200);
      expect(headers).toMatchObject({ 'access-control-allow-origin': origin, vary: 'Origin' });
      expect(String(headers['access-control-expose-headers']).split(', ')).toEqual(
        expect.arrayContaining(['x-request-id', 'retry-after', 'etag']),
      );
      // Cookies open none of these surfaces, so that no page needs them sent.
      expect(headers).not.toHaveProperty('access-control-allow-credentials');
    },
  );

  test('[O14] a page of the server itself may call', async () => {
    const { status, headers } = await ask('/a2a/tasks?A2A-Version=1.0', { origin: parley.url });
    expect([status, headers['access-control-allow-origin']]).toEqual([200, parley.url]);
  });

  test('[O14] a listed page may also read the errors', async () => {
    const { status, headers } = await http(`${parley.url}/a2a/tasks`, { headers: { origin: LISTED } });
    expect([status, headers['access-control-allow-origin']]).toEqual([401, LISTED]);
  });

  test('[O14] a preflight of a listed page is answered without a key', async () => {
    for (const path of ['/a2a', '/a2a/message:send', '/a2a/agents/echo/tasks', '/api/v1/keys', '/healthz']) {
      const { status, headers, text } = await http(`${parley.url}${path}`, {
        method: 'OPTIONS',
        headers: {
          origin: LISTED,
          'access-control-request-method': 'POST',
          'access-control-request-headers': 'authorization, content-type, a2a-version',
        },
      });
      expect([path, status, text]).toEqual([path, 204, '']);
      expect(headers['access-control-allow-origin']).toBe(LISTED);
      expect(String(headers['access-control-allow-methods']).split(', ')).toEqual(
        expect.arrayContaining(['GET', 'POST', 'PATCH', 'DELETE']),
      );
      const allowed = String(headers['access-control-allow-headers']).split(', ');
      expect(allowed).toEqual(
        expect.arrayContaining([
          'authorization',
          'content-type',
          'x-api-key',
          'a2a-version',
          'idempotency-key',
          'last-event-id',
        ]),
      );
      expect(headers['access-control-max-age']).toBe('600');
    }
  });

  test('[O14] a streamed answer lets a listed page read it, too', async () => {
    const body = {
      jsonrpc: '2.0',
      id: 1,
      method: 'message/stream',
      params: { message: { messageId: 'cors', role: 'user', parts: [{ kind: 'text', text: 'hello' }] } },
    };
    const { headers } = await http(`${parley.url}/a2a`, { headers: { ...bearer(parley), origin: LISTED }, body });
    expect(headers).toMatchObject({ 'content-type': 'text/event-stream', 'access-control-allow-origin': LISTED });
  });
});

describe('headers', () => {
  test('[O14] every answer keeps browsers from guessing types, and says nothing of the software', async () => {
    const answers = await Promise.all([
      ...PATHS.map((path) => ask(path, {})),
      ask('/a2a', {}, 'DELETE'),
      http(`${parley.url}/a2a/tasks`),
    ]);
    for (const { headers } of answers) {
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers['x-request-id']).toMatch(/^[\w.:-]{1,128}$/);
      expect(headers).not.toHaveProperty('server');
      expect(headers).not.toHaveProperty('x-powered-by');
    }
  });

  test('[O4] a request id that is one comes back, anything else is replaced', async () => {
    expect((await ask('/healthz', { 'x-request-id': 'my-request.1:2' })).headers['x-request-id']).toBe(
      'my-request.1:2',
    );
    for (const bad of ['', 'a b', 'x'.repeat(129), '<script>']) {
      const given = (await ask('/healthz', { 'x-request-id': bad })).headers['x-request-id'];
      expect(given).toMatch(/^[\w.:-]{1,128}$/);
      expect(given).not.toBe(bad);
    }
  });
});
