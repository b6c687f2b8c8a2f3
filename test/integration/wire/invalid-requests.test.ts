/** What is not valid is refused with 400 and the path of the field, in every binding and version; nothing is stored. */
import { deepStrictEqual } from 'node:assert/strict';
import { Readable } from 'node:stream';
import { request } from 'undici';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import {
  INVALID_CALLS,
  INVALID_SENDS_PROTO,
  INVALID_SENDS_V1,
  INVALID_SENDS_V03,
  type InvalidCall,
  type InvalidSend,
  nested,
} from './invalid-requests.ts';
import { type Stored, StoredReader } from './stored.ts';
import { bearer, call, errorOf, type HttpAnswer, http, textMessage, WIRES, type Wire } from './wire.ts';
import { rpcMethod } from './wire-forms.ts';

let parley: ParleyProcess;
let reader: StoredReader;
let before: Stored;

beforeAll(async () => {
  parley = await startParley();
  const [wire] = WIRES;
  if (wire === undefined) throw new Error('No wire');
  // Something is there that could change.
  await call(parley, wire, 'SendMessage', { message: textMessage('hello') });
  reader = new StoredReader(parley);
});

beforeEach(async () => {
  before = await reader.read();
  // What is there from the start, which nothing may be added to.
  deepStrictEqual([before.total, before.rows['tasks']], [1, 1]);
});

afterEach(async () => {
  deepStrictEqual(await reader.read(), before);
});

afterAll(() => reader.close());

function headersOf(version: string): Record<string, string> {
  return { ...bearer(parley), 'a2a-version': version };
}

function rpc(version: '1.0' | '0.3', method: string, params: unknown): Promise<HttpAnswer> {
  const body = { jsonrpc: '2.0', id: 'x', method, ...(params === undefined ? {} : { params }) };
  return http(`${parley.url}/a2a`, { headers: headersOf(version), body: JSON.stringify(body) });
}

function rest(version: '1.0' | '0.3', method: string, path: string, body?: unknown): Promise<HttpAnswer> {
  const prefix = version === '0.3' ? '/v1' : '';
  const options = body === undefined ? {} : { body: JSON.stringify(body) };
  return http(`${parley.url}/a2a${prefix}${path}`, { method, headers: headersOf(version), ...options });
}

type Form = Pick<Wire, 'version' | 'binding'>;

/** What there is to say of a refusal. A field that is as expected is told as `field`, any other as itself. */
function refusal(wire: Form, answer: HttpAnswer, field: string | RegExp): object {
  const error = errorOf(wire, answer.json);
  const [got] = error?.fields ?? [];
  const isField = got !== undefined && (typeof field === 'string' ? field === got : field.test(got));
  const { id } = answer.json as { id?: unknown };
  return {
    status: answer.status,
    id: wire.binding === 'JSONRPC' ? id : undefined,
    code: error?.code,
    reason: error?.reason,
    message: error?.message.replace(/:.*/s, ''),
    field: isField ? field : got,
  };
}

function refused(wire: Form, field: string | RegExp): object {
  const isRpc = wire.binding === 'JSONRPC';
  return {
    status: 400,
    id: isRpc ? 'x' : undefined,
    // 0.3 REST carries the code of JSON-RPC.
    code: isRpc || wire.version === '0.3' ? -32602 : 400,
    reason: 'INVALID_PARAMS',
    message: 'Invalid parameters',
    field,
  };
}

const named = (rows: readonly InvalidSend[]) => rows.map((row) => [row.what, row] as const);

describe('sends', () => {
  test.each(named(INVALID_SENDS_V1))('[A5] 1.0: %s', async (_what, { body, field }) => {
    for (const [method, path] of [
      ['SendMessage', '/message:send'],
      ['SendStreamingMessage', '/message:stream'],
    ] as const) {
      expect(refusal({ version: '1.0', binding: 'JSONRPC' }, await rpc('1.0', method, body), field)).toEqual(
        refused({ version: '1.0', binding: 'JSONRPC' }, field),
      );
      expect(refusal({ version: '1.0', binding: 'HTTP+JSON' }, await rest('1.0', 'POST', path, body), field)).toEqual(
        refused({ version: '1.0', binding: 'HTTP+JSON' }, field),
      );
    }
  });

  test.each(named(INVALID_SENDS_V03))('[A5] 0.3: %s', async (_what, { body, field }) => {
    for (const [method, path] of [
      ['message/send', '/message:send'],
      ['message/stream', '/message:stream'],
    ] as const) {
      expect(refusal({ version: '0.3', binding: 'JSONRPC' }, await rpc('0.3', method, body), field)).toEqual(
        refused({ version: '0.3', binding: 'JSONRPC' }, field),
      );
      expect(refusal({ version: '0.3', binding: 'HTTP+JSON' }, await rest('0.3', 'POST', path, body), field)).toEqual(
        refused({ version: '0.3', binding: 'HTTP+JSON' }, field),
      );
    }
  });

  test.each(named(INVALID_SENDS_PROTO))('[A5] 0.3 in ProtoJSON: %s', async (_what, { body, field }) => {
    expect(
      refusal({ version: '0.3', binding: 'HTTP+JSON' }, await rest('0.3', 'POST', '/message:send', body), field),
    ).toEqual(refused({ version: '0.3', binding: 'HTTP+JSON' }, field));
  });

  test('[A5] every field that is wrong is named, up to twenty', async () => {
    const parts = Array.from({ length: 30 }, () => ({ text: 5 }));
    const answer = await rest('1.0', 'POST', '/message:send', { message: { role: 'x', parts } });
    const error = errorOf({ version: '1.0', binding: 'HTTP+JSON' }, answer.json);
    expect(error?.fields).toHaveLength(20);
    expect(error?.fields.slice(0, 4)).toEqual([
      'message.messageId',
      'message.role',
      'message.parts[0].text',
      'message.parts[1].text',
    ]);
    expect(error?.message).toBe('Invalid parameters: message.messageId: is required (and 19 more)');
  });

  test('[A5] a number beyond all numbers, written as JSON allows, is refused', async () => {
    const text = '{"message":{"messageId":"m","role":"ROLE_USER","parts":[{"data":{"n":1e999}}]}}';
    const answer = await http(`${parley.url}/a2a/message:send`, { headers: headersOf('1.0'), body: text });
    expect(refusal({ version: '1.0', binding: 'HTTP+JSON' }, answer, 'message.parts[0].data.n')).toEqual(
      refused({ version: '1.0', binding: 'HTTP+JSON' }, 'message.parts[0].data.n'),
    );
  });
});

const title = ({ version, operation, params, rest: path }: InvalidCall) =>
  `${version} ${operation} ${(path?.slice(0, 2).join(' ') ?? JSON.stringify(params) ?? 'without params').slice(0, 60)}`;

/** The answers of the wires that can say it. */
async function askAll({ version, operation, params, rest: form }: InvalidCall): Promise<[Form, HttpAnswer][]> {
  const answers: [Form, HttpAnswer][] = [];
  if (params !== undefined || form === undefined) {
    const method = rpcMethod({ name: '', version, binding: 'JSONRPC' }, operation);
    answers.push([{ version, binding: 'JSONRPC' }, await rpc(version, method, params)]);
  }
  if (form !== undefined) answers.push([{ version, binding: 'HTTP+JSON' }, await rest(version, ...form)]);
  return answers;
}

describe('other operations', () => {
  test.each(INVALID_CALLS.map((row) => [title(row), row] as const))('[A5] %s', async (_title, row) => {
    for (const [wire, answer] of await askAll(row)) {
      expect(refusal(wire, answer, row.field)).toEqual(refused(wire, row.field));
    }
  });

  test.each([
    ['idempotency-key', 'x'.repeat(256), 'Idempotency-Key'],
    ['last-event-id', 'abc', 'Last-Event-ID'],
    ['last-event-id', '-1', 'Last-Event-ID'],
    ['last-event-id', '1.5', 'Last-Event-ID'],
    ['last-event-id', '99999999999', 'Last-Event-ID'],
  ])('[A5] the header %s: %.20s', async (name, value, field) => {
    const headers = { ...headersOf('1.0'), [name]: value };
    const message = textMessage('hello');
    const byRest = await http(`${parley.url}/a2a/message:send`, { headers, body: { message } });
    expect(refusal({ version: '1.0', binding: 'HTTP+JSON' }, byRest, field)).toEqual(
      refused({ version: '1.0', binding: 'HTTP+JSON' }, field),
    );
    const body = { jsonrpc: '2.0', id: 'x', method: 'SendMessage', params: { message } };
    expect(
      refusal({ version: '1.0', binding: 'JSONRPC' }, await http(`${parley.url}/a2a`, { headers, body }), field),
    ).toEqual(refused({ version: '1.0', binding: 'JSONRPC' }, field));
  });
});

describe('envelopes of JSON-RPC', () => {
  const params = '"params":{"message":{"messageId":"m","role":"ROLE_USER","parts":[{"text":"a"}]}}';
  const good = `"jsonrpc":"2.0","method":"SendMessage",${params}`;

  test.each<[string, string, number, unknown]>([
    ['nothing', '', -32700, null],
    ['blanks', '  \n', -32700, null],
    ['half an object', `{${good}`, -32700, null],
    ['a comma at the end', `{${good},}`, -32700, null],
    ['single quotes', `{'jsonrpc':'2.0'}`, -32700, null],
    ['two documents', `{"id":1,${good}}{"id":2,${good}}`, -32700, null],
    ['NaN', '{"jsonrpc":"2.0","id":NaN}', -32700, null],
    ['a comment', `{"id":1,${good}/* a */}`, -32700, null],
    ['a raw line break in a text', '{"jsonrpc":"2.0","id":"a\nb"}', -32700, null],
    ['null', 'null', -32600, null],
    ['a number', '1', -32600, null],
    ['a text', '"SendMessage"', -32600, null],
    ['an empty object', '{}', -32600, null],
    ['an empty batch', '[]', -32600, null],
    ['a batch of one', `[{"id":1,${good}}]`, -32600, null],
    ['a batch of two', `[{"id":1,${good}},{"id":2,${good}}]`, -32600, null],
    ['no jsonrpc', `{"id":1,"method":"SendMessage",${params}}`, -32600, 1],
    ['jsonrpc 1.0', `{"id":1,"jsonrpc":"1.0","method":"SendMessage",${params}}`, -32600, 1],
    ['jsonrpc a number', `{"id":1,"jsonrpc":2.0,"method":"SendMessage",${params}}`, -32600, 1],
    ['no method', `{"id":"a","jsonrpc":"2.0",${params}}`, -32600, 'a'],
    ['method a number', `{"id":1,"jsonrpc":"2.0","method":5,${params}}`, -32600, 1],
    ['method a list', `{"id":1,"jsonrpc":"2.0","method":["SendMessage"],${params}}`, -32600, 1],
    ['method null', `{"id":1,"jsonrpc":"2.0","method":null,${params}}`, -32600, 1],
    ['params a text', '{"id":1,"jsonrpc":"2.0","method":"SendMessage","params":"a"}', -32600, 1],
    ['params a number', '{"id":1,"jsonrpc":"2.0","method":"SendMessage","params":5}', -32600, 1],
    ['params true', '{"id":1,"jsonrpc":"2.0","method":"SendMessage","params":true}', -32600, 1],
    ['id an object', `{"id":{},${good}}`, -32600, null],
    ['id a list', `{"id":[1],${good}}`, -32600, null],
    ['id true', `{"id":true,${good}}`, -32600, null],
    ['id beyond 2^53', `{"id":9007199254740993,${good}}`, -32600, null],
    ['id beyond all numbers', `{"id":1e999,${good}}`, -32600, null],
  ])('[A5] %s', async (_what, body, code, id) => {
    for (const version of ['1.0', '0.3'] as const) {
      const answer = await http(`${parley.url}/a2a`, { headers: headersOf(version), body });
      expect([answer.status, answer.json]).toMatchObject([400, { jsonrpc: '2.0', id, error: { code } }]);
      expect(answer.headers['content-type']).toMatch(/^application\/json/);
    }
  });

  test('[A5] a notification runs nothing and is refused', async () => {
    for (const body of [`{${good}}`, `{"jsonrpc":"2.0","method":"ListTasks"}`]) {
      const answer = await http(`${parley.url}/a2a`, { headers: headersOf('1.0'), body });
      expect([answer.status, answer.json]).toMatchObject([400, { id: null, error: { code: -32600 } }]);
      expect(answer.text).toContain('A2A has no notifications');
    }
  });

  test('[A5] a parse error quotes nothing of the body', async () => {
    const body = '{"jsonrpc":"2.0","id":1,"method":"SendMessage","params":{"secret":hunter2}}';
    const byRpc = await http(`${parley.url}/a2a`, { headers: headersOf('1.0'), body });
    const byRest = await http(`${parley.url}/a2a/message:send`, { headers: headersOf('1.0'), body });
    for (const { status, text } of [byRpc, byRest]) {
      expect(status).toBe(400);
      expect(text).not.toContain('hunter2');
      expect(text).not.toContain('secret');
    }
  });
});

describe('bodies', () => {
  const message = { messageId: 'm', role: 'ROLE_USER', parts: [{ text: 'a' }] };
  const asRpc = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'SendMessage', params: { message } });
  const asRest = JSON.stringify({ message });
  const send = (path: string, headers: Record<string, string>, body: string | Uint8Array) =>
    http(`${parley.url}/a2a${path}`, { headers: { ...headersOf('1.0'), ...headers }, body });

  test.each([
    '',
    ' ',
    '{',
    '[1,2',
    'hello',
    '{"message":}',
    '\u0000',
    '{"message":{"text":"\\ud800\\u"}}',
    '\ufeff{}x',
  ])('[A5] REST: %j is no JSON', async (body) => {
    for (const path of ['/message:send', '/message:stream', '/tasks/a:cancel']) {
      // An empty body is none, which only a cancel may have.
      if (body === '' && path.endsWith('cancel')) continue;
      const answer = await send(path, {}, body);
      const reason = body === '' ? 'INVALID_PARAMS' : 'PARSE_ERROR';
      expect([answer.status, errorOf({ version: '1.0', binding: 'HTTP+JSON' }, answer.json)]).toMatchObject([
        400,
        { reason },
      ]);
    }
  });

  test.each(['null', '[]', '"a"', '5', 'true'])('[A5] REST: %s is no object', async (body) => {
    const answer = await send('/message:send', {}, body);
    const error = errorOf({ version: '1.0', binding: 'HTTP+JSON' }, answer.json);
    expect([answer.status, error?.fields]).toEqual([400, [body === 'null' ? 'message' : 'body']]);
  });

  test('[A5] bytes that are no UTF-8 are no reason to fail', async () => {
    const bytes = Buffer.concat([Buffer.from('{"message":"'), Buffer.from([0xff, 0xfe, 0xc0]), Buffer.from('"}')]);
    expect((await send('/message:send', {}, bytes)).status).toBe(400);
  });

  test.each([
    'text/plain',
    'application/xml',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=a',
    'application/jsonp',
    'application/vnd.api+json',
    'json',
    '',
    'application',
    ';;;',
  ])('[A5] the content type %j is 415', async (type) => {
    for (const [path, body] of [
      ['', asRpc],
      ['/message:send', asRest],
      ['/message:stream', asRest],
    ] as const) {
      const { status, text } = await send(path, { 'content-type': type }, body);
      expect([path, status]).toEqual([path, 415]);
      expect(text).toContain('must be application/json or application/a2a+json');
    }
  });

  test('[A5] a body without any content type is 415', async () => {
    const { statusCode, body } = await request(`${parley.url}/a2a`, {
      method: 'POST',
      headers: headersOf('1.0'),
      body: asRpc,
    });
    await body.dump();
    expect(statusCode).toBe(415);
  });

  test('[A5] agents.invalidV03Status makes JSON-RPC errors 200 for clients of 0.3, and for nobody else', async () => {
    const lenient = await startParley({ config: 'agents:\n  invalidV03Status: ok\n' });
    const invalid = [
      '{',
      '[]',
      '{"jsonrpc":"2.0","id":1}',
      '{"jsonrpc":"2.0","id":1,"method":"message/send","params":{}}',
    ];
    for (const body of invalid) {
      const ask = async (path: string, version: string) => {
        const headers = { ...bearer(lenient), 'a2a-version': version, 'content-type': 'application/json' };
        return http(`${lenient.url}${path}`, { headers, body });
      };
      const old = await ask('/a2a', '0.3');
      expect([body, old.status, old.json]).toEqual([body, 200, expect.objectContaining({ error: expect.anything() })]);
      expect((await ask('/a2a', '1.0')).status).toBe(body.includes('message/send') ? 200 : 400);
      expect((await ask('/a2a/v1/message:send', '0.3')).status).toBe(400);
    }
  });

  test('[A5] a body larger than the limit is 413, with its length said and without', async () => {
    const huge = `{"message":"${'x'.repeat(8 * 1024 * 1024)}"}`;
    for (const path of ['/a2a', '/a2a/message:send', '/a2a/message:stream']) {
      const said = await http(`${parley.url}${path}`, { headers: headersOf('1.0'), body: huge });
      expect([path, said.status]).toEqual([path, 413]);
      expect(said.text).toContain('server.bodyLimitBytes');
      const parts = Array.from({ length: 200 }, (_part, index) => huge.slice(index * 65_536, (index + 1) * 65_536));
      const headers = { ...headersOf('1.0'), 'content-type': 'application/json' };
      const streamed = await request(`${parley.url}${path}`, { method: 'POST', headers, body: Readable.from(parts) });
      expect(await streamed.body.text()).toContain('server.bodyLimitBytes');
      expect(streamed.statusCode).toBe(413);
    }
  });

  test('[A5] [SEC-2] a message larger than its own limit is 413 over every wire', async () => {
    for (const wire of WIRES) {
      const { status, error } = await call(parley, wire, 'SendMessage', {
        message: textMessage('x'.repeat(3 * 1024 * 1024)),
      });
      expect([wire.name, status, error?.reason]).toEqual([wire.name, 413, 'PAYLOAD_TOO_LARGE']);
      expect(error?.message).toContain('tasks.maxMessageBytes');
    }
  });

  test.each([101, 5_000, 200_000])('[A5] JSON %i levels deep is refused, wherever it stands', async (depth) => {
    const deep = depth > 1000 ? `${'['.repeat(depth)}${']'.repeat(depth)}` : JSON.stringify(nested(depth));
    const bodies = [
      `{"message":{"messageId":"m","role":"ROLE_USER","parts":[{"data":${deep}}]}}`,
      `{"message":{"messageId":"m","role":"ROLE_USER","parts":[{"text":"a"}],"metadata":{"a":${deep}}}}`,
      `{"message":${deep}}`,
      deep,
    ];
    for (const body of bodies) {
      expect((await send('/message:send', {}, body)).status).toBe(400);
      const rpcBody = `{"jsonrpc":"2.0","id":1,"method":"SendMessage","params":${body}}`;
      expect((await send('', {}, rpcBody)).status).toBe(400);
    }
  });
});
