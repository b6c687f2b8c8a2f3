/** Which version a request speaks: the header, then the query, else 0.3; and what is said of every other version. */
import { request } from 'undici';
import { beforeAll, describe, expect, test } from 'vitest';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { bearer, errorOf, type HttpAnswer, http } from './wire.ts';

let parley: ParleyProcess;

beforeAll(async () => {
  parley = await startParley();
});

interface Asked {
  readonly header?: string;
  readonly query?: string;
}

function urlOf(path: string, { query }: Asked): string {
  const search = query === undefined ? '' : `?A2A-Version=${encodeURIComponent(query)}`;
  return `${parley.url}/a2a${path}${search}`;
}

function headersOf({ header }: Asked): Record<string, string> {
  return { ...bearer(parley), ...(header === undefined ? {} : { 'a2a-version': header }) };
}

function rpc(method: string, asked: Asked, params: object = {}): Promise<HttpAnswer> {
  return http(urlOf('', asked), { headers: headersOf(asked), body: { jsonrpc: '2.0', id: 7, method, params } });
}

const rest = (path: string, asked: Asked): Promise<HttpAnswer> =>
  http(urlOf(path, asked), { headers: headersOf(asked) });

const OLD: Asked[] = [
  {},
  { header: '' },
  { header: '   ' },
  { query: '' },
  { header: '', query: '' },
  { header: '0.3' },
  { header: ' 0.3 ' },
  { header: '0.3.0' },
  { header: '0.3.17' },
  { query: '0.3' },
  { query: '0.3.0' },
  { header: '0.3', query: '1.0' },
];
const NEW: Asked[] = [
  { header: '1.0' },
  { header: ' 1.0' },
  { header: '1.0.0' },
  { header: '1.0.1' },
  { header: '1.0.999999' },
  { query: '1.0' },
  { query: '1.0.4' },
  { header: '', query: '1.0' },
  { header: '1.0', query: '0.3' },
  { header: '1.0', query: '9.9' },
];
const UNKNOWN = [
  '2.0',
  '1.1',
  '1',
  '0',
  '0.2',
  '0.4',
  '0.30',
  'v1.0',
  '1.0-rc',
  '1.0.',
  '1.0.x',
  '1.0.0.0',
  '1,0',
  '1.0, 0.3',
  '0.3;1.0',
  'latest',
  'null',
  '1.0.1234567',
  '-1.0',
  '１.０',
  'x'.repeat(500),
];

describe('served', () => {
  test.each(OLD)('[A4] [VER-2] %o is 0.3', async (asked) => {
    const answer = await rpc('tasks/list', asked);
    expect([answer.status, answer.json]).toMatchObject([200, { id: 7, result: { tasks: [] } }]);
    expect((await rest('/v1/tasks', asked)).json).toEqual([]);
  });

  test.each(NEW)('[A4] [VER-3] %o is 1.0', async (asked) => {
    const answer = await rpc('ListTasks', asked);
    expect([answer.status, answer.json]).toMatchObject([200, { id: 7, result: { tasks: [], nextPageToken: '' } }]);
    expect((await rest('/tasks', asked)).json).toMatchObject({ tasks: [], totalSize: 0 });
  });
});

describe('not served', () => {
  const asked = UNKNOWN.flatMap((version): Asked[] =>
    // A header takes Latin-1 only.
    /^[\x20-\x7e]*$/.test(version)
      ? [{ header: version }, { query: version }, { header: version, query: '1.0' }]
      : [{ query: version }],
  );

  test.each(asked)('[A4] [VER-1] %o is 400 and names the versions that are', async (version) => {
    const answer = await rpc('ListTasks', version);
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({ jsonrpc: '2.0', id: 7, error: { code: -32009 } });
    const byRpc = errorOf({ version: '1.0', binding: 'JSONRPC' }, answer.json);
    for (const path of ['/tasks', '/v1/tasks', '/tasks/1:subscribe', '/no/such/path']) {
      const { status, json, headers } = await rest(path, version);
      const byRest = errorOf({ version: '1.0', binding: 'HTTP+JSON' }, json);
      expect([path, status, headers['content-type']]).toEqual([
        path,
        400,
        expect.stringContaining('application/a2a+json'),
      ]);
      expect(byRest).toMatchObject({ reason: 'VERSION_NOT_SUPPORTED', code: 400, message: byRpc?.message });
    }
    expect(byRpc).toMatchObject({ reason: 'VERSION_NOT_SUPPORTED', metadata: { supportedVersions: '1.0, 0.3' } });
    expect(byRpc?.message).toMatch(/is not supported; supported versions: 1\.0, 0\.3$/);
    expect(byRpc?.message.length).toBeLessThan(150);
  });

  test('[A4] two version headers that contradict each other are no version', async () => {
    const headers = ['authorization', `Bearer ${parley.adminKey}`, 'a2a-version', '1.0', 'a2a-version', '0.3'];
    const { statusCode, body } = await request(`${parley.url}/a2a/tasks`, { headers });
    expect(statusCode).toBe(400);
    expect(await body.json()).toMatchObject({ error: { details: [{ reason: 'VERSION_NOT_SUPPORTED' }] } });
  });
});

describe('the other version', () => {
  const METHODS: [string, string][] = [
    ['message/send', 'SendMessage'],
    ['message/stream', 'SendStreamingMessage'],
    ['tasks/get', 'GetTask'],
    ['tasks/list', 'ListTasks'],
    ['tasks/cancel', 'CancelTask'],
    ['tasks/resubscribe', 'SubscribeToTask'],
    ['tasks/pushNotificationConfig/set', 'CreateTaskPushNotificationConfig'],
    ['tasks/pushNotificationConfig/get', 'GetTaskPushNotificationConfig'],
    ['tasks/pushNotificationConfig/list', 'ListTaskPushNotificationConfigs'],
    ['tasks/pushNotificationConfig/delete', 'DeleteTaskPushNotificationConfig'],
    ['agent/getAuthenticatedExtendedCard', 'GetExtendedAgentCard'],
  ];

  test.each(METHODS)('[A4] %s in 1.0 and %s in 0.3 are -32601 and name the header', async (old, current) => {
    for (const [method, header, other] of [
      [old, '1.0', '0.3'],
      [current, '0.3', '1.0'],
    ] as const) {
      const { status, json } = await rpc(method, { header });
      expect(status).toBe(200);
      expect(json).toMatchObject({ id: 7, error: { code: -32601 } });
      const error = errorOf({ version: header, binding: 'JSONRPC' }, json);
      expect(error?.message).toContain(`send the header A2A-Version: ${other}`);
      expect(error).toMatchObject({
        reason: 'METHOD_NOT_FOUND',
        metadata: { methodVersion: other, requestedVersion: header },
      });
    }
  });

  test.each(['sendMessage', 'tasks/GET', '', 'constructor', '__proto__', 'rpc.discover', 'x'.repeat(5000)])(
    '[A4] a method of no version (%s) names no header',
    async (method) => {
      for (const header of ['1.0', '0.3'] as const) {
        const { status, json, text } = await rpc(method, { header });
        const isEmpty = method === '';
        expect([status, json]).toMatchObject([isEmpty ? 400 : 200, { error: { code: isEmpty ? -32600 : -32601 } }]);
        expect(text).not.toContain('A2A-Version');
        expect(text.length).toBeLessThan(500);
      }
    },
  );

  test.each([
    ['/tasks', '0.3', '1.0'],
    ['/tasks/1', '0.3', '1.0'],
    ['/tasks/1:subscribe', '0.3', '1.0'],
    ['/tasks/1/pushNotificationConfigs', '0.3', '1.0'],
    ['/extendedAgentCard', '0.3', '1.0'],
    ['/v1/tasks', '1.0', '0.3'],
    ['/v1/tasks/1', '1.0', '0.3'],
    ['/v1/tasks/1:subscribe', '1.0', '0.3'],
    ['/v1/card', '1.0', '0.3'],
  ] as const)('[A4] the REST path %s in %s is 404 and names the header', async (path, header, other) => {
    const { status, json } = await rest(path, { header });
    expect(status).toBe(404);
    const error = errorOf({ version: header, binding: 'HTTP+JSON' }, json);
    expect(error).toMatchObject({ reason: 'NOT_FOUND' });
    expect(error?.message).toContain(`it is a path of A2A ${other}: send the header A2A-Version: ${other}`);
  });

  test('[A4] so are the paths that take a body', async () => {
    for (const [path, header, other] of [
      ['/message:send', '0.3', '1.0'],
      ['/v1/message:stream', '1.0', '0.3'],
    ] as const) {
      const { status, text } = await http(urlOf(path, {}), { headers: headersOf({ header }), body: {} });
      expect(status).toBe(404);
      expect(text).toContain(`send the header A2A-Version: ${other}`);
    }
  });
});
