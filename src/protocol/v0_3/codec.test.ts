/** A2A 0.3 on the wire: JSON-RPC in its own form, REST in every form that its clients send. */
import { describe, expect, it } from 'vitest';
import { thrownBy } from '../../../test/support/thrown-by.ts';
import type { Operation, RestInput } from '../codec.ts';
import { codecV1 } from '../v1/codec.ts';
import type { Task } from '../v1/types.ts';
import { codecV03, codecV03Rest } from './codec.ts';
import { PROTO_LOSSY_FIELDS } from './proto-json.ts';

const message = { kind: 'message', messageId: 'm1', role: 'user', parts: [{ kind: 'text', text: 'hello' }] };
const modern = { messageId: 'm1', role: 'ROLE_USER', parts: [{ text: 'hello' }] };

function rest(input: Partial<RestInput>): RestInput {
  return { params: {}, query: {}, body: undefined, ...input };
}

function fieldsRefused(operation: Operation, params: unknown): string[] {
  const error = thrownBy(() => codecV03.decodeParams(operation, params));
  expect(error).toMatchObject({ code: 'INVALID_PARAMS', message: expect.stringMatching(/^Invalid parameters: \S/) });
  return error.violations.map(({ field }) => field);
}

describe('decodeParams', () => {
  it('[A3] gives the same text as 1.0 for the same message, so that a retry in the other version is the same', () => {
    const old = codecV03.decodeParams('SendMessage', {
      message: {
        ...message,
        contextId: 'c',
        taskId: 't',
        parts: [
          ...message.parts,
          { kind: 'file', file: { bytes: 'aGk', mimeType: 'text/plain', name: 'a.txt' }, metadata: { a: 1 } },
          { kind: 'file', file: { uri: 'https://a.example/f' } },
          { kind: 'data', data: { b: [null] } },
        ],
        metadata: { m: 1 },
        extensions: ['e'],
        referenceTaskIds: ['r'],
      },
    });
    const now = codecV1.decodeParams('SendMessage', {
      message: {
        ...modern,
        contextId: 'c',
        taskId: 't',
        parts: [
          ...modern.parts,
          { raw: 'aGk=', mediaType: 'text/plain', filename: 'a.txt', metadata: { a: 1 } },
          { url: 'https://a.example/f' },
          { data: { b: [null] } },
        ],
        metadata: { m: 1 },
        extensions: ['e'],
        referenceTaskIds: ['r'],
      },
    });
    expect(JSON.stringify(old)).toBe(JSON.stringify(now));
  });

  it.each([
    [undefined, undefined],
    [{}, false],
    [{ blocking: null }, false],
    [{ blocking: true }, false],
    [{ blocking: false }, true],
  ])('waits unless blocking is false: configuration %j', (configuration, returnImmediately) => {
    const { request } = codecV03.decodeParams('SendMessage', { message, configuration: configuration ?? null });
    expect(Reflect.get(request, 'configuration')?.returnImmediately).toBe(returnImmediately);
  });

  it('takes a message without kind, as the examples of the specification send it', () => {
    const { kind: _kind, ...bare } = message;
    expect(codecV03.decodeParams('SendMessage', { message: bare }).request).toEqual({ message: modern });
  });

  it.each<[Operation, unknown, unknown]>([
    ['GetTask', { id: 't', historyLength: 3, metadata: {} }, { id: 't', historyLength: 3 }],
    ['ListTasks', { status: 'input-required', pageSize: 5 }, { status: 'TASK_STATE_INPUT_REQUIRED', pageSize: 5 }],
    ['CancelTask', { id: 't', metadata: { a: 1 } }, { id: 't', metadata: { a: 1 } }],
    ['SubscribeToTask', { id: 't' }, { id: 't' }],
    [
      'CreateTaskPushNotificationConfig',
      {
        taskId: 't',
        pushNotificationConfig: {
          id: 'p',
          url: 'https://a.example',
          token: 'k',
          authentication: { schemes: ['Bearer'] },
        },
      },
      { taskId: 't', id: 'p', url: 'https://a.example', token: 'k', authentication: { scheme: 'Bearer' } },
    ],
    [
      'CreateTaskPushNotificationConfig',
      { taskId: 't', pushNotificationConfig: { url: 'https://a.example' } },
      { taskId: 't', id: 't', url: 'https://a.example' },
    ],
    ['GetTaskPushNotificationConfig', { id: 't', pushNotificationConfigId: 'p' }, { taskId: 't', id: 'p' }],
    ['GetTaskPushNotificationConfig', { id: 't' }, { taskId: 't', id: 't' }],
    ['ListTaskPushNotificationConfigs', { id: 't' }, { taskId: 't' }],
    ['DeleteTaskPushNotificationConfig', { id: 't', pushNotificationConfigId: 'p' }, { taskId: 't', id: 'p' }],
    ['GetExtendedAgentCard', undefined, {}],
  ])('%s reads %j', (operation, params, request) => {
    expect(codecV03.decodeParams(operation, params)).toEqual({ operation, request });
  });

  const part = (fields: object): object => ({ message: { ...message, parts: [fields] } });
  it.each<[string, Operation, unknown, string[]]>([
    ['no message', 'SendMessage', {}, ['message']],
    [
      'parts that are text',
      'SendMessage',
      { message: { parts: 'x' } },
      ['message.messageId', 'message.role', 'message.parts'],
    ],
    ['no parts', 'SendMessage', { message: { ...message, parts: [] } }, ['message.parts']],
    ['a part without kind', 'SendMessage', part({ text: 'x' }), ['message.parts[0].kind']],
    ['an unknown kind of part', 'SendMessage', part({ kind: 'video' }), ['message.parts[0].kind']],
    ['a text part without text', 'SendMessage', part({ kind: 'text' }), ['message.parts[0].text']],
    ['a file part without file', 'SendMessage', part({ kind: 'file' }), ['message.parts[0].file']],
    ['an empty file', 'SendMessage', part({ kind: 'file', file: {} }), ['message.parts[0].file']],
    [
      'a file of both forms',
      'SendMessage',
      part({ kind: 'file', file: { uri: 'https://a.example', bytes: '' } }),
      ['message.parts[0].file'],
    ],
    ['data that is no object', 'SendMessage', part({ kind: 'data', data: [1] }), ['message.parts[0].data']],
    ['a role of 1.0', 'SendMessage', { message: { ...message, role: 'ROLE_USER' } }, ['message.role']],
    ['another kind of message', 'SendMessage', { message: { ...message, kind: 'task' } }, ['message.kind']],
    ['NUL in text', 'SendMessage', part({ kind: 'text', text: '\0' }), ['message.parts[0].text']],
    ['NUL in data', 'SendMessage', part({ kind: 'data', data: { a: '\0' } }), ['message.parts[0].data.a']],
    ['a negative historyLength', 'GetTask', { id: 't', historyLength: -1 }, ['historyLength']],
    ['no task id', 'CancelTask', {}, ['id']],
    ['a state of 1.0', 'ListTasks', { status: 'TASK_STATE_WORKING' }, ['status']],
    ['no push config', 'CreateTaskPushNotificationConfig', { taskId: 't' }, ['pushNotificationConfig']],
    [
      'no push url',
      'CreateTaskPushNotificationConfig',
      { taskId: 't', pushNotificationConfig: {} },
      ['pushNotificationConfig.url'],
    ],
    ['no config id to delete', 'DeleteTaskPushNotificationConfig', { id: 't' }, ['pushNotificationConfigId']],
  ])('[A5] refuses %s and names the field as 0.3 does', (_name, operation, params, fields) => {
    expect(fieldsRefused(operation, params)).toEqual(fields);
  });
});

describe('decodeRest', () => {
  const proto = { messageId: 'm1', role: 'ROLE_USER', content: [{ text: 'hello' }] };

  it.each<[string, unknown]>([
    ['the document, with kinds', { message }],
    ['the JavaScript client, in camelCase', { message: proto }],
    [
      'the conformance kit, in snake_case',
      { message: { message_id: 'm1', role: 'ROLE_USER', content: [{ text: 'hello' }] } },
    ],
    ['the proto field name', { request: proto }],
  ])('[A3] reads a message as sent by %s', (_name, body) => {
    expect(codecV03Rest.decodeRest('SendMessage', rest({ body })).request).toEqual({ message: modern });
  });

  it('reads files and data as ProtoJSON has them', () => {
    const content = [
      { file: { fileWithUri: 'https://a.example/f', mimeType: 'text/plain' } },
      { file: { file_with_uri: '', file_with_bytes: 'aGk=', mime_type: 'text/plain', name: 'a.txt' } },
      { data: { data: { a: 1 } }, metadata: { m: 1 } },
    ];
    expect(codecV03Rest.decodeRest('SendMessage', rest({ body: { message: { ...proto, content } } })).request).toEqual({
      message: {
        ...modern,
        parts: [
          { url: 'https://a.example/f', mediaType: 'text/plain' },
          { raw: 'aGk=', filename: 'a.txt', mediaType: 'text/plain' },
          { data: { a: 1 }, metadata: { m: 1 } },
        ],
      },
    });
  });

  it.each([
    [{ message: proto }, undefined],
    [{ message: proto, configuration: {} }, true],
    [{ message: proto, configuration: { blocking: true } }, false],
    [{ message, configuration: {} }, false],
    [{ message, configuration: { blocking: false } }, true],
  ])('takes an absent blocking for false only in ProtoJSON: %j', (body, returnImmediately) => {
    const { request } = codecV03Rest.decodeRest('SendMessage', rest({ body }));
    expect(Reflect.get(request, 'configuration')?.returnImmediately).toBe(returnImmediately);
  });

  it.each<[string, unknown]>([
    [
      'the proto request',
      { parent: 'tasks/t', configId: 'p', config: { pushNotificationConfig: { url: 'https://a.example' } } },
    ],
    [
      'the conformance kit',
      {
        parent: 'tasks/t',
        config_id: 'p',
        config: {
          name: 'x',
          push_notification_config: { id: 'p', url: 'https://a.example', token: '', authentication: {} },
        },
      },
    ],
    [
      'the JavaScript client',
      { name: 'tasks/t/pushNotificationConfigs/p', pushNotificationConfig: { id: '', url: 'https://a.example' } },
    ],
    ['a bare configuration', { id: 'p', url: 'https://a.example' }],
  ])('[A3] reads a push configuration as sent by %s', (_name, body) => {
    const { request } = codecV03Rest.decodeRest(
      'CreateTaskPushNotificationConfig',
      rest({ params: { id: 't' }, body }),
    );
    expect(request).toEqual({ taskId: 't', id: 'p', url: 'https://a.example' });
  });

  it('reads queries in both spellings', () => {
    for (const query of [{ historyLength: '2' }, { history_length: '2' }] as Record<string, string>[]) {
      const { request } = codecV03Rest.decodeRest('GetTask', rest({ params: { id: 't' }, query }));
      expect(request).toEqual({ id: 't', historyLength: 2 });
    }
  });

  it.each<[string, Operation, Partial<RestInput>, string[]]>([
    ['no body', 'SendMessage', {}, ['message']],
    ['a body that is an array', 'SendMessage', { body: [] }, ['params']],
    ['an empty part', 'SendMessage', { body: { message: { ...proto, content: [{}] } } }, ['message.content[0].kind']],
    [
      'a numeric text',
      'SendMessage',
      { body: { message: { ...proto, content: [{ text: 1 }] } } },
      ['message.content[0].text'],
    ],
    ['content that is text', 'SendMessage', { body: { message: { ...proto, content: 'x' } } }, ['message.content']],
    [
      'an unspecified role',
      'SendMessage',
      { body: { message: { ...proto, role: 'ROLE_UNSPECIFIED' } } },
      ['message.role'],
    ],
    [
      'a role named like a method of objects',
      'SendMessage',
      { body: { message: { ...proto, role: 'toString' } } },
      ['message.role'],
    ],
    ['a bad historyLength', 'GetTask', { params: { id: 't' }, query: { historyLength: 'x' } }, ['historyLength']],
    ['a push body of nothing', 'CreateTaskPushNotificationConfig', { params: { id: 't' } }, ['pushNotificationConfig']],
  ])('[A5] refuses %s and names the field', (_name, operation, input, fields) => {
    const error = thrownBy(() => codecV03Rest.decodeRest(operation, rest(input)));
    expect(error.code).toBe('INVALID_PARAMS');
    expect(error.violations.map(({ field }) => field)).toEqual(fields);
  });
});

const task: Task = {
  id: 't',
  contextId: 'c',
  status: {
    state: 'TASK_STATE_CANCELED',
    timestamp: '2025-01-01T00:00:00.000Z',
    message: { messageId: 's', role: 'ROLE_AGENT', parts: [{ text: 'bye' }] },
  },
  artifacts: [
    { artifactId: 'a', parts: [{ raw: 'aGk=', filename: 'f', mediaType: 'text/plain', metadata: { p: 1 } }] },
  ],
  history: [{ messageId: 'm', role: 'ROLE_USER', parts: [{ data: 5 }], referenceTaskIds: ['r'] }],
  metadata: { k: 1 },
};
const parse = (text: string): unknown => JSON.parse(text);

describe('answers over JSON-RPC', () => {
  it('write a task with kinds and lower-case states', () => {
    const expected = {
      kind: 'task',
      id: 't',
      contextId: 'c',
      status: {
        state: 'canceled',
        timestamp: '2025-01-01T00:00:00.000Z',
        message: { kind: 'message', messageId: 's', role: 'agent', parts: [{ kind: 'text', text: 'bye' }] },
      },
      artifacts: [
        {
          artifactId: 'a',
          parts: [{ kind: 'file', file: { bytes: 'aGk=', name: 'f', mimeType: 'text/plain' }, metadata: { p: 1 } }],
        },
      ],
      history: [
        {
          kind: 'message',
          messageId: 'm',
          role: 'user',
          parts: [{ kind: 'data', data: { value: 5 }, metadata: { data_part_compat: true } }],
          referenceTaskIds: ['r'],
        },
      ],
      metadata: { k: 1 },
    };
    expect(parse(codecV03.encodeTask(JSON.stringify(task)))).toEqual(expected);
    expect(parse(codecV03.encodeSendResult({ task: JSON.stringify(task) }))).toEqual(expected);
    expect(parse(codecV03.encodeEvent(JSON.stringify({ task })))).toEqual(expected);
  });

  it.each([
    ['TASK_STATE_WORKING', 'working', false],
    ['TASK_STATE_INPUT_REQUIRED', 'input-required', true],
    ['TASK_STATE_COMPLETED', 'completed', true],
  ])('mark a status %s as %s, final: %s', (state, old, final) => {
    const event = { statusUpdate: { taskId: 't', contextId: 'c', status: { state } } };
    expect(parse(codecV03.encodeEvent(JSON.stringify(event)))).toEqual({
      kind: 'status-update',
      taskId: 't',
      contextId: 'c',
      status: { state: old },
      final,
    });
  });

  it('write pages, push configurations and the extended card', () => {
    const page = { tasks: [JSON.stringify(task)], nextPageToken: 'n', pageSize: 1, totalSize: 2 };
    expect(parse(codecV03.encodeTaskPage(page))).toMatchObject({
      tasks: [{ kind: 'task', id: 't' }],
      nextPageToken: 'n',
      pageSize: 1,
      totalSize: 2,
    });
    const config = {
      taskId: 't',
      id: 'p',
      url: 'https://a.example',
      authentication: { scheme: 'Bearer', credentials: 'x' },
    };
    const old = {
      taskId: 't',
      pushNotificationConfig: {
        id: 'p',
        url: 'https://a.example',
        authentication: { schemes: ['Bearer'], credentials: 'x' },
      },
    };
    expect(parse(codecV03.encodePushConfig(config))).toEqual(old);
    expect(parse(codecV03.encodePushConfigs([config], ''))).toEqual([old]);
  });
});

describe('answers over REST', () => {
  it('write a task with exactly the fields of the 0.3.0 proto definition', () => {
    expect(PROTO_LOSSY_FIELDS).toEqual(
      expect.arrayContaining(['Part.metadata', 'Part.filename', 'Message.referenceTaskIds']),
    );
    const expected = {
      id: 't',
      contextId: 'c',
      status: {
        state: 'TASK_STATE_CANCELLED',
        timestamp: '2025-01-01T00:00:00.000Z',
        message: { messageId: 's', role: 'ROLE_AGENT', content: [{ text: 'bye' }] },
      },
      artifacts: [{ artifactId: 'a', parts: [{ file: { fileWithBytes: 'aGk=', mimeType: 'text/plain' } }] }],
      history: [{ messageId: 'm', role: 'ROLE_USER', content: [{ data: { data: { value: 5 } } }] }],
      metadata: { k: 1 },
    };
    expect(parse(codecV03Rest.encodeTask(JSON.stringify(task)))).toEqual(expected);
    expect(parse(codecV03Rest.encodeSendResult({ task: JSON.stringify(task) }))).toEqual({ task: expected });
    expect(parse(codecV03Rest.encodeEvent(JSON.stringify({ task })))).toEqual({ task: expected });
  });

  it('wrap messages and updates', () => {
    expect(parse(codecV03Rest.encodeSendResult({ message: JSON.stringify(modern) }))).toEqual({
      message: { messageId: 'm1', role: 'ROLE_USER', content: [{ text: 'hello' }] },
    });
    const status = { statusUpdate: { taskId: 't', contextId: 'c', status: { state: 'TASK_STATE_COMPLETED' } } };
    expect(parse(codecV03Rest.encodeEvent(JSON.stringify(status)))).toEqual({
      statusUpdate: { taskId: 't', contextId: 'c', status: { state: 'TASK_STATE_COMPLETED' }, final: true },
    });
    const artifact = {
      artifactUpdate: {
        taskId: 't',
        contextId: 'c',
        artifact: { artifactId: 'a', parts: [{ text: 'x' }] },
        append: true,
      },
    };
    expect(parse(codecV03Rest.encodeEvent(JSON.stringify(artifact)))).toEqual(artifact);
  });

  it('write a list of tasks as the bare array of the document', () => {
    const page = { tasks: [JSON.stringify(task)], nextPageToken: 'n', pageSize: 1, totalSize: 2 };
    expect(parse(codecV03Rest.encodeTaskPage(page))).toMatchObject([{ kind: 'task', id: 't', contextId: 'c' }]);
  });

  it('name push configurations by their resource', () => {
    const config = { taskId: 't', id: 'p', url: 'https://a.example' };
    const old = {
      name: 'tasks/t/pushNotificationConfigs/p',
      pushNotificationConfig: { id: 'p', url: 'https://a.example' },
    };
    expect(parse(codecV03Rest.encodePushConfig(config))).toEqual(old);
    expect(parse(codecV03Rest.encodePushConfigs([config], ''))).toEqual({ configs: [old] });
  });
});
