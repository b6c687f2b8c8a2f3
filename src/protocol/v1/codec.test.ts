/** A2A 1.0 on the wire: what is read, what is refused and by which field, what is written. */
import { describe, expect, it } from 'vitest';
import { thrownBy } from '../../../test/support/thrown-by.ts';
import type { Operation, RestInput } from '../codec.ts';
import { codecV1 } from './codec.ts';

const message = { messageId: 'm1', role: 'ROLE_USER', parts: [{ text: 'hello' }] };

function fieldsRefused(operation: Operation, params: unknown): string[] {
  const error = thrownBy(() => codecV1.decodeParams(operation, params));
  expect(error.code).toBe('INVALID_PARAMS');
  expect(error.message).toMatch(/^Invalid parameters: \S/);
  return error.violations.map((violation) => violation.field);
}

function rest(input: Partial<RestInput>): RestInput {
  return { params: {}, query: {}, body: undefined, ...input };
}

describe('decodeParams', () => {
  it('keeps known fields in a fixed order and drops the others', () => {
    const { request } = codecV1.decodeParams('SendMessage', {
      extra: 1,
      message: {
        parts: [{ mediaType: 'text/plain', text: 'hi', kind: 'text' }],
        role: 'ROLE_USER',
        messageId: 'm1',
        x: 2,
      },
    });
    expect(JSON.stringify(request)).toBe(
      '{"message":{"messageId":"m1","role":"ROLE_USER","parts":[{"text":"hi","mediaType":"text/plain"}]}}',
    );
  });

  it('gives the same text for the same message in any key order and with nulls for absence', () => {
    const first = codecV1.decodeParams('SendMessage', { message });
    const second = codecV1.decodeParams('SendMessage', {
      configuration: null,
      tenant: '',
      metadata: null,
      message: {
        parts: [{ filename: '', data: null, raw: null, url: null, text: 'hello', metadata: null }],
        contextId: '',
        taskId: null,
        role: 'ROLE_USER',
        extensions: null,
        messageId: 'm1',
      },
    });
    expect(JSON.stringify(second)).toBe(JSON.stringify(first));
  });

  it.each([[null], [0], [false], ['text'], [[1, null]], [{ a: null, nested: { b: null } }]])(
    'keeps data %j exactly, nulls inside it too',
    (data) => {
      const call = codecV1.decodeParams('SendMessage', { message: { ...message, parts: [{ data }] } });
      expect(call).toMatchObject({ request: { message: { parts: [{ data }] } } });
    },
  );

  it('does not touch what the caller passed in', () => {
    const params = Object.freeze({ message: Object.freeze({ ...message, contextId: null }) });
    codecV1.decodeParams('SendMessage', params);
    expect(params.message.contextId).toBeNull();
  });

  it.each([
    ['aGVsbG8=', 'aGVsbG8='],
    ['aGVsbG8', 'aGVsbG8='],
    ['-_-_', '+/+/'],
    ['', ''],
  ])('reads base64 %j as %j', (raw, standard) => {
    const call = codecV1.decodeParams('SendMessage', { message: { ...message, parts: [{ raw }] } });
    expect(call).toMatchObject({ request: { message: { parts: [{ raw: standard }] } } });
  });

  it.each([
    ['2025-11-09T10:30:00Z', '2025-11-09T10:30:00.000Z'],
    ['2025-11-09T10:30:00.123456Z', '2025-11-09T10:30:00.124Z'],
    ['2025-11-09T12:30:00+02:00', '2025-11-09T10:30:00.000Z'],
  ])('reads the timestamp %s as %s', (sent, read) => {
    const call = codecV1.decodeParams('ListTasks', { statusTimestampAfter: sent });
    expect(call).toMatchObject({ request: { statusTimestampAfter: read } });
  });

  it('takes absent params as none where an operation needs none', () => {
    expect(codecV1.decodeParams('ListTasks', undefined)).toEqual({ operation: 'ListTasks', request: {} });
    expect(codecV1.decodeParams('GetExtendedAgentCard', null)).toEqual({
      operation: 'GetExtendedAgentCard',
      request: {},
    });
  });

  const part = (fields: object): object => ({ message: { ...message, parts: [{ text: 'ok' }, fields] } });
  it.each<[string, Operation, unknown, string[]]>([
    ['params that are an array', 'SendMessage', [], ['params']],
    ['params that are text', 'SendMessage', 'x', ['params']],
    ['no message', 'SendMessage', {}, ['message']],
    ['an empty message', 'SendMessage', { message: {} }, ['message.messageId', 'message.role', 'message.parts']],
    ['no parts', 'SendMessage', { message: { ...message, parts: [] } }, ['message.parts']],
    ['parts that are text', 'SendMessage', { message: { ...message, parts: 'x' } }, ['message.parts']],
    ['a null part', 'SendMessage', { message: { ...message, parts: [null] } }, ['message.parts[0]']],
    ['an empty part', 'SendMessage', part({}), ['message.parts[1]']],
    ['a part of two contents', 'SendMessage', part({ text: 'a', url: 'https://a.example' }), ['message.parts[1]']],
    ['a numeric text', 'SendMessage', part({ text: 5 }), ['message.parts[1].text']],
    ['bad base64', 'SendMessage', part({ raw: 'a b' }), ['message.parts[1].raw']],
    ['base64 of impossible length', 'SendMessage', part({ raw: 'abcde' }), ['message.parts[1].raw']],
    ['base64 with bad padding', 'SendMessage', part({ raw: 'abc==' }), ['message.parts[1].raw']],
    ['metadata that is an array', 'SendMessage', part({ text: 'a', metadata: [] }), ['message.parts[1].metadata']],
    ['an empty messageId', 'SendMessage', { message: { ...message, messageId: '' } }, ['message.messageId']],
    ['a long messageId', 'SendMessage', { message: { ...message, messageId: 'x'.repeat(513) } }, ['message.messageId']],
    ['a long taskId', 'SendMessage', { message: { ...message, taskId: 'x'.repeat(257) } }, ['message.taskId']],
    [
      'control characters in an id',
      'SendMessage',
      { message: { ...message, contextId: 'a\nb' } },
      ['message.contextId'],
    ],
    ['an unspecified role', 'SendMessage', { message: { ...message, role: 'ROLE_UNSPECIFIED' } }, ['message.role']],
    ['a role of 0.3', 'SendMessage', { message: { ...message, role: 'user' } }, ['message.role']],
    [
      'a negative historyLength',
      'SendMessage',
      { message, configuration: { historyLength: -1 } },
      ['configuration.historyLength'],
    ],
    [
      'a push URL that is no URL',
      'SendMessage',
      { message, configuration: { taskPushNotificationConfig: { url: 'ftp://x' } } },
      ['configuration.taskPushNotificationConfig.url'],
    ],
    ['no id', 'GetTask', {}, ['id']],
    ['an empty id', 'GetTask', { id: '' }, ['id']],
    ['a numeric id', 'GetTask', { id: 5 }, ['id']],
    ['a fractional historyLength', 'GetTask', { id: 't', historyLength: 1.5 }, ['historyLength']],
    ['a huge historyLength', 'GetTask', { id: 't', historyLength: 2 ** 31 }, ['historyLength']],
    ['an infinite historyLength', 'GetTask', { id: 't', historyLength: Number.POSITIVE_INFINITY }, ['historyLength']],
    ['historyLength as text', 'GetTask', { id: 't', historyLength: '5' }, ['historyLength']],
    [
      'pageSize 0 and an unknown status',
      'ListTasks',
      { pageSize: 0, status: 'TASK_STATE_RUNNING' },
      ['status', 'pageSize'],
    ],
    ['pageSize 101', 'ListTasks', { pageSize: 101 }, ['pageSize']],
    ['an unspecified status', 'ListTasks', { status: 'TASK_STATE_UNSPECIFIED' }, ['status']],
    ['a timestamp without time', 'ListTasks', { statusTimestampAfter: '2025-11-09' }, ['statusTimestampAfter']],
    ['30 February', 'ListTasks', { statusTimestampAfter: '2025-02-30T00:00:00Z' }, ['statusTimestampAfter']],
    ['no url', 'CreateTaskPushNotificationConfig', { taskId: 't' }, ['url']],
    ['no config id', 'DeleteTaskPushNotificationConfig', { taskId: 't' }, ['id']],
  ])('[A5] refuses %s and names the field', (_name, operation, params, fields) => {
    expect(fieldsRefused(operation, params)).toEqual(fields);
  });

  it('[A5] says what was expected, and how many more fields are bad', () => {
    const error = thrownBy(() => codecV1.decodeParams('ListTasks', { pageSize: 150, historyLength: -5 }));
    expect(error).toMatchObject({
      code: 'INVALID_PARAMS',
      message: 'Invalid parameters: pageSize: must be at most 100, received 150 (and 1 more)',
      violations: [
        { field: 'pageSize', description: 'must be at most 100, received 150' },
        { field: 'historyLength', description: 'must be at least 0, received -5' },
      ],
    });
  });

  it('[A5] lists at most 20 violations', () => {
    expect(fieldsRefused('SendMessage', { message: { ...message, parts: Array(900).fill({}) } })).toHaveLength(20);
  });
});

describe('hostile input', () => {
  it('[A5] refuses more than 1000 parts before looking at them', () => {
    const parts: unknown[] = Array(200_000).fill(0);
    const error = thrownBy(() => codecV1.decodeParams('SendMessage', { message: { ...message, parts } }));
    expect(error).toMatchObject({
      code: 'INVALID_PARAMS',
      violations: [{ field: 'message.parts', description: 'has 200000 elements; at most 1000 are allowed' }],
    });
  });

  it.each(['metadata', 'data'])('[A5] takes %s 100 levels deep, refuses 101, and survives 100,000', (field) => {
    const nested = (levels: number): unknown => JSON.parse('{"a":'.repeat(levels - 1) + '{}' + '}'.repeat(levels - 1));
    const decode = (levels: number): unknown => {
      const fields = field === 'data' ? { data: nested(levels) } : { text: 'x', metadata: nested(levels) };
      return codecV1.decodeParams('SendMessage', { message: { ...message, parts: [fields] } });
    };
    expect(() => decode(100)).not.toThrow();
    for (const levels of [101, 100_000]) {
      expect(thrownBy(() => decode(levels))).toMatchObject({
        code: 'INVALID_PARAMS',
        message: expect.stringContaining('is nested deeper than 100 levels'),
      });
    }
  });

  it('ignores an unknown field however deep it is', () => {
    const deep: unknown = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`);
    expect(() => codecV1.decodeParams('SendMessage', { message, unknown: deep })).not.toThrow();
  });

  it('keeps __proto__ and constructor in metadata and data as plain data', () => {
    const text = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"n":null}';
    const params: unknown = JSON.parse(
      `{"message":{"messageId":"m","role":"ROLE_USER","parts":[{"data":${text}}],"metadata":${text}}}`,
    );
    const call = codecV1.decodeParams('SendMessage', params);
    expect(JSON.stringify(call.request)).toBe(
      `{"message":{"messageId":"m","role":"ROLE_USER","parts":[{"data":${text}}],"metadata":${text}}}`,
    );
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });

  it('drops __proto__ elsewhere, and reads no field from it', () => {
    const params: unknown = JSON.parse('{"__proto__":{"id":"evil"},"tenant":null}');
    expect(fieldsRefused('GetTask', params)).toEqual(['id']);
  });

  it.each<[string, unknown, string]>([
    ['NUL in text', { parts: [{ text: 'a\0b' }] }, 'message.parts[0].text'],
    ['a lone surrogate in text', { parts: [{ text: 'a\ud800' }] }, 'message.parts[0].text'],
    ['NUL in data', { parts: [{ data: { a: ['\0'] } }] }, 'message.parts[0].data.a[0]'],
    ['NUL in a key of metadata', { metadata: { ok: { 'a\0': 1 } } }, 'message.metadata.ok'],
    ['a lone surrogate in metadata', { metadata: { a: '\udc00' } }, 'message.metadata.a'],
    ['a number beyond a double', { metadata: { a: Number.POSITIVE_INFINITY } }, 'message.metadata.a'],
    ['NUL in an extension', { extensions: ['\0'] }, 'message.extensions[0]'],
  ])('[A5] refuses %s', (_name, fields, field) => {
    expect(fieldsRefused('SendMessage', { message: { ...message, ...(fields as object) } })).toEqual([field]);
  });

  it('takes whole surrogate pairs and every other character', () => {
    const text = 'e\u0301 \u{1F600} \u0001 \uffff "\\';
    const call = codecV1.decodeParams('SendMessage', { message: { ...message, parts: [{ text }] } });
    expect(call).toMatchObject({ request: { message: { parts: [{ text }] } } });
  });
});

describe('decodeRest', () => {
  it('reads numbers, booleans and timestamps of a query', () => {
    const query = {
      pageSize: '10',
      historyLength: '0',
      includeArtifacts: 'true',
      status: 'TASK_STATE_WORKING',
      contextId: '',
      'A2A-Version': '1.0',
    };
    expect(codecV1.decodeRest('ListTasks', rest({ query }))).toEqual({
      operation: 'ListTasks',
      request: { status: 'TASK_STATE_WORKING', pageSize: 10, historyLength: 0, includeArtifacts: true },
    });
  });

  it.each([
    ['pageSize', 'abc'],
    ['pageSize', '1.5'],
    ['pageSize', ''],
    ['pageSize', '0x10'],
    ['pageSize', '1e1'],
    ['historyLength', '-1'],
    ['historyLength', '99999999999999999999'],
    ['includeArtifacts', 'yes'],
    ['includeArtifacts', '1'],
    ['status', 'working'],
    ['statusTimestampAfter', 'yesterday'],
  ])('[A5] refuses the query %s=%s', (name, value) => {
    const error = thrownBy(() => codecV1.decodeRest('ListTasks', rest({ query: { [name]: value } })));
    expect(error).toMatchObject({ code: 'INVALID_PARAMS', violations: [{ field: name }] });
  });

  it('takes ids from the path', () => {
    const params = { id: 't1', configId: 'c1' };
    expect(codecV1.decodeRest('GetTask', rest({ params: { id: 't1' }, query: { historyLength: '2' } }))).toEqual({
      operation: 'GetTask',
      request: { id: 't1', historyLength: 2 },
    });
    expect(codecV1.decodeRest('GetTaskPushNotificationConfig', rest({ params }))).toEqual({
      operation: 'GetTaskPushNotificationConfig',
      request: { taskId: 't1', id: 'c1' },
    });
    const created = codecV1.decodeRest(
      'CreateTaskPushNotificationConfig',
      rest({ params: { id: 't1' }, body: { id: 'own', url: 'https://a.example/hook', taskId: '' } }),
    );
    expect(created.request).toEqual({ id: 'own', taskId: 't1', url: 'https://a.example/hook' });
    expect(
      codecV1.decodeRest('CancelTask', rest({ params: { id: 't1' }, body: { metadata: { why: 'x' } } })).request,
    ).toEqual({
      id: 't1',
      metadata: { why: 'x' },
    });
  });

  it('[A5] refuses a body that names another task than the path, or is no object', () => {
    const other = rest({ params: { id: 't1' }, body: { url: 'https://a.example', taskId: 't2' } });
    expect(thrownBy(() => codecV1.decodeRest('CreateTaskPushNotificationConfig', other))).toMatchObject({
      code: 'INVALID_PARAMS',
      violations: [{ field: 'taskId', description: 'differs from the value in the path' }],
    });
    expect(thrownBy(() => codecV1.decodeRest('SendMessage', rest({ body: [] })))).toMatchObject({
      code: 'INVALID_PARAMS',
      violations: [{ field: 'body' }],
    });
  });

  it('sees the same message as JSON-RPC does', () => {
    expect(codecV1.decodeRest('SendMessage', rest({ body: { message } }))).toEqual(
      codecV1.decodeParams('SendMessage', { message }),
    );
  });
});

describe('encoders', () => {
  it('pass stored text on unchanged', () => {
    const text = '{ "id" : "t1" }';
    expect([codecV1.encodeTask(text), codecV1.encodeMessage(text), codecV1.encodeEvent(text)]).toEqual([
      text,
      text,
      text,
    ]);
    expect(codecV1.encodeSendResult({ task: text })).toBe(`{"task":${text}}`);
    expect(codecV1.encodeSendResult({ message: text })).toBe(`{"message":${text}}`);
  });

  it('write a page with every required field, also when it is empty', () => {
    expect(codecV1.encodeTaskPage({ tasks: [], nextPageToken: '', pageSize: 50, totalSize: 0 })).toBe(
      '{"tasks":[],"nextPageToken":"","pageSize":50,"totalSize":0}',
    );
    expect(
      codecV1.encodeTaskPage({ tasks: ['{"id":"a"}', '{"id":"b"}'], nextPageToken: 'n"1', pageSize: 2, totalSize: 9 }),
    ).toBe('{"tasks":[{"id":"a"},{"id":"b"}],"nextPageToken":"n\\"1","pageSize":2,"totalSize":9}');
  });
});
