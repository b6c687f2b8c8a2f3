/** Requests that are not valid, as data: each with the path of the field that is wrong. */
import type { Operation } from '../../../src/protocol/codec.ts';
import type { Fields } from './wire.ts';

export interface InvalidSend {
  readonly what: string;
  readonly body: unknown;
  /** Exactly, or as a pattern where the path goes into what the caller has made up. */
  readonly field: string | RegExp;
}

const long = (length: number): string => 'x'.repeat(length);

/** An object in an object, `depth` deep. */
export function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = { a: value };
  return value;
}

/** What is wrong with a message in either version, apart from its parts and its role. */
function common(message: (more: Fields) => Fields): InvalidSend[] {
  const row = (what: string, more: Fields, field: string | RegExp): InvalidSend => ({
    what,
    body: { message: message(more) },
    field: typeof field === 'string' ? `message.${field}` : field,
  });
  const around = (what: string, more: Fields, field: string): InvalidSend => ({
    what,
    body: { message: message({}), ...more },
    field,
  });
  return [
    { what: 'no message', body: {}, field: 'message' },
    { what: 'message null', body: { message: null }, field: 'message' },
    { what: 'message a text', body: { message: 'hello' }, field: 'message' },
    { what: 'message a list', body: { message: [message({})] }, field: 'message' },
    { what: 'message a number', body: { message: 7 }, field: 'message' },
    row('no messageId', { messageId: undefined }, 'messageId'),
    row('messageId empty', { messageId: '' }, 'messageId'),
    row('messageId a number', { messageId: 5 }, 'messageId'),
    row('messageId null', { messageId: null }, 'messageId'),
    row('messageId too long', { messageId: long(513) }, 'messageId'),
    row('messageId with a line break', { messageId: 'a\nb' }, 'messageId'),
    row('messageId with NUL', { messageId: 'a\u0000b' }, 'messageId'),
    row('messageId with half a surrogate pair', { messageId: 'a\ud800' }, 'messageId'),
    row('no role', { role: undefined }, 'role'),
    row('role of nobody', { role: 'system' }, 'role'),
    row('role unspecified', { role: 'ROLE_UNSPECIFIED' }, 'role'),
    row('role a number', { role: 1 }, 'role'),
    row('role a list', { role: ['user'] }, 'role'),
    row('role of the prototype', { role: 'constructor' }, 'role'),
    row('contextId a number', { contextId: 5 }, 'contextId'),
    row('contextId an object', { contextId: {} }, 'contextId'),
    row('contextId too long', { contextId: long(257) }, 'contextId'),
    row('contextId with a control character', { contextId: 'a\u0007' }, 'contextId'),
    row('taskId a number', { taskId: 5 }, 'taskId'),
    row('taskId a list', { taskId: ['a'] }, 'taskId'),
    row('taskId too long', { taskId: long(257) }, 'taskId'),
    row('metadata a text', { metadata: 'a' }, 'metadata'),
    row('metadata a list', { metadata: [] }, 'metadata'),
    row('metadata too deep', { metadata: { deep: nested(101) } }, /^message\.metadata\.deep\.a\.a/),
    row('metadata with NUL in a key', { metadata: { 'a\u0000': 1 } }, 'metadata'),
    row('metadata with half a surrogate pair', { metadata: { a: ['\udc00'] } }, 'metadata.a[0]'),
    row('extensions a text', { extensions: 'a' }, 'extensions'),
    row('extensions of numbers', { extensions: ['a', 1] }, 'extensions[1]'),
    row('referenceTaskIds a text', { referenceTaskIds: 'a' }, 'referenceTaskIds'),
    row('referenceTaskIds with an empty one', { referenceTaskIds: ['a', ''] }, 'referenceTaskIds[1]'),
    row('no parts', { parts: undefined }, 'parts'),
    row('parts null', { parts: null }, 'parts'),
    row('parts empty', { parts: [] }, 'parts'),
    row('parts an object', { parts: {} }, 'parts'),
    row('parts a text', { parts: 'hello' }, 'parts'),
    row('a part that is null', { parts: [null] }, 'parts[0]'),
    row('a part that is a text', { parts: ['hello'] }, 'parts[0]'),
    row('a part that is a list', { parts: [[]] }, 'parts[0]'),
    row('a part that is empty', { parts: [{}] }, /^message\.parts\[0\](\.kind)?$/),
    around('configuration a text', { configuration: 'fast' }, 'configuration'),
    around('configuration a list', { configuration: [] }, 'configuration'),
    around('historyLength negative', { configuration: { historyLength: -1 } }, 'configuration.historyLength'),
    around('historyLength a fraction', { configuration: { historyLength: 1.5 } }, 'configuration.historyLength'),
    around('historyLength a text', { configuration: { historyLength: '1' } }, 'configuration.historyLength'),
    around('historyLength too large', { configuration: { historyLength: 2 ** 31 } }, 'configuration.historyLength'),
    around('historyLength true', { configuration: { historyLength: true } }, 'configuration.historyLength'),
    around('output modes a text', { configuration: { acceptedOutputModes: 'a' } }, 'configuration.acceptedOutputModes'),
    around(
      'output modes of numbers',
      { configuration: { acceptedOutputModes: [1] } },
      'configuration.acceptedOutputModes[0]',
    ),
    around('metadata of the request a number', { metadata: 1 }, 'metadata'),
  ];
}

function v1Message(more: Fields): Fields {
  return { messageId: 'm', role: 'ROLE_USER', parts: [{ text: 'hello' }], ...more };
}

function v1Part(what: string, part: unknown, field: string | RegExp): InvalidSend {
  const path = typeof field === 'string' ? `message.parts[1]${field}` : field;
  return {
    what: `a part with ${what}`,
    body: { message: v1Message({ parts: [{ text: 'good' }, part] }) },
    field: path,
  };
}

function v1Around(what: string, more: Fields, field: string): InvalidSend {
  return { what, body: { message: v1Message({}), ...more }, field };
}

const PUSH = 'configuration.taskPushNotificationConfig';

/** Bodies of SendMessage in 1.0. */
export const INVALID_SENDS_V1: readonly InvalidSend[] = [
  ...common(v1Message),
  { what: 'the role of 0.3', body: { message: v1Message({ role: 'user' }) }, field: 'message.role' },
  v1Part('no content', { mediaType: 'text/plain' }, ''),
  v1Part('two contents', { text: 'a', data: {} }, ''),
  v1Part('the file of 0.3', { kind: 'file', file: { uri: 'https://example.com' } }, ''),
  v1Part('text a number', { text: 1 }, '.text'),
  v1Part('text a list', { text: ['a'] }, '.text'),
  v1Part('text with NUL', { text: 'a\u0000' }, '.text'),
  v1Part('text with half a surrogate pair', { text: '\ud83d' }, '.text'),
  v1Part('raw that is no base64', { raw: '***' }, '.raw'),
  v1Part('raw cut short', { raw: 'aGVsb' }, '.raw'),
  v1Part('raw a number', { raw: 1 }, '.raw'),
  v1Part('url empty', { url: '' }, '.url'),
  v1Part('url a number', { url: 5 }, '.url'),
  v1Part('metadata a list', { text: 'a', metadata: [] }, '.metadata'),
  v1Part('mediaType a number', { text: 'a', mediaType: 1 }, '.mediaType'),
  v1Part('filename an object', { text: 'a', filename: {} }, '.filename'),
  v1Part('data too deep', { data: nested(101) }, /^message\.parts\[1\]\.data\.a\.a/),
  v1Part('data with NUL in a key', { data: { 'a\u0000': 1 } }, '.data'),
  {
    what: 'too many parts',
    body: { message: v1Message({ parts: Array(1001).fill({ text: '' }) }) },
    field: 'message.parts',
  },
  v1Around(
    'returnImmediately a text',
    { configuration: { returnImmediately: 'yes' } },
    'configuration.returnImmediately',
  ),
  v1Around(
    'returnImmediately a number',
    { configuration: { returnImmediately: 1 } },
    'configuration.returnImmediately',
  ),
  v1Around('a push configuration without url', { configuration: { taskPushNotificationConfig: {} } }, `${PUSH}.url`),
  v1Around(
    'a push url of a file',
    { configuration: { taskPushNotificationConfig: { url: 'file:///etc' } } },
    `${PUSH}.url`,
  ),
  v1Around('a push configuration a text', { configuration: { taskPushNotificationConfig: 'a' } }, PUSH),
  v1Around('tenant a number', { tenant: 5 }, 'tenant'),
  v1Around('tenant too long', { tenant: long(2049) }, 'tenant'),
];

function oldMessage(more: Fields): Fields {
  return { kind: 'message', messageId: 'm', role: 'user', parts: [{ kind: 'text', text: 'hello' }], ...more };
}

function oldPart(what: string, part: unknown, field: string | RegExp): InvalidSend {
  const path = typeof field === 'string' ? `message.parts[0]${field}` : field;
  return { what: `a part with ${what}`, body: { message: oldMessage({ parts: [part] }) }, field: path };
}

function oldAround(what: string, more: Fields, field: string): InvalidSend {
  return { what, body: { message: oldMessage({}), ...more }, field };
}

/** Bodies of `message/send` in 0.3, in the form of its document. */
export const INVALID_SENDS_V03: readonly InvalidSend[] = [
  ...common(oldMessage),
  { what: 'a message of another kind', body: { message: oldMessage({ kind: 'task' }) }, field: 'message.kind' },
  oldPart('no kind and no content', { value: 'a' }, /^message\.parts\[0\](\.kind)?$/),
  oldPart('an unknown kind', { kind: 'image', text: 'a' }, /^message\.parts\[0\](\.kind)?$/),
  oldPart('a kind without its content', { kind: 'text' }, '.text'),
  oldPart('text a number', { kind: 'text', text: 1 }, '.text'),
  oldPart('text with NUL', { kind: 'text', text: '\u0000' }, '.text'),
  oldPart('no file', { kind: 'file' }, '.file'),
  oldPart('an empty file', { kind: 'file', file: {} }, '.file'),
  oldPart('a file by two ways', { kind: 'file', file: { uri: 'https://example.com', bytes: 'AA==' } }, '.file'),
  oldPart('bytes that are no base64', { kind: 'file', file: { bytes: '***' } }, '.file.bytes'),
  oldPart('a mimeType that is a number', { kind: 'file', file: { bytes: 'AA==', mimeType: 1 } }, '.file.mimeType'),
  oldPart('data a text', { kind: 'data', data: 'a' }, '.data'),
  oldPart('data a list', { kind: 'data', data: [] }, '.data'),
  oldPart('data too deep', { kind: 'data', data: nested(102) }, /^message\.parts\[0\]\.data\.a\.a/),
  oldAround('blocking a text', { configuration: { blocking: 'yes' } }, 'configuration.blocking'),
  oldAround(
    'a push configuration without url',
    { configuration: { pushNotificationConfig: {} } },
    'configuration.pushNotificationConfig.url',
  ),
];

/** The same in the ProtoJSON of 0.3 REST, whose names differ. */
const PROTO_ROWS: readonly (readonly [what: string, message: Fields, field: string])[] = [
  ['no content', {}, 'message.parts'],
  ['content empty', { content: [] }, 'message.content'],
  ['content a text', { content: 'hello' }, 'message.content'],
  ['a text that is a number', { content: [{ text: 1 }] }, 'message.content[0].text'],
  ['a file without content', { content: [{ file: {} }] }, 'message.content[0].file'],
  ['bytes that are no base64', { content: [{ file: { fileWithBytes: '***' } }] }, 'message.content[0].file.bytes'],
  ['a wrong role', { role: 'ROLE_AGENTS', content: [{ text: 'a' }] }, 'message.role'],
];
export const INVALID_SENDS_PROTO: readonly InvalidSend[] = PROTO_ROWS.map(([what, more, field]) => ({
  what,
  body: { message: { messageId: 'm', role: 'ROLE_USER', ...more } },
  field,
}));

export interface InvalidCall {
  readonly operation: Operation;
  readonly version: '1.0' | '0.3';
  /** JSON-RPC params; undefined where only REST can say it. */
  readonly params: unknown;
  /** Method and path with query; undefined where only JSON-RPC can say it. */
  readonly rest: readonly [method: string, path: string, body?: unknown] | undefined;
  readonly field: string;
}

type Row = readonly [Operation, unknown, InvalidCall['rest'], string];

const READS: readonly Row[] = [
  ['GetTask', {}, undefined, 'id'],
  ['GetTask', undefined, undefined, 'id'],
  ['GetTask', [], undefined, 'params'],
  ['GetTask', ['a'], undefined, 'params'],
  ['GetTask', { id: '' }, undefined, 'id'],
  ['GetTask', { id: 5 }, undefined, 'id'],
  ['GetTask', { id: null }, undefined, 'id'],
  ['GetTask', { id: long(257) }, ['GET', `/tasks/${long(257)}`], 'id'],
  ['GetTask', { id: 'a\u0001' }, ['GET', '/tasks/a%01'], 'id'],
  ['GetTask', { id: 'a', historyLength: -1 }, ['GET', '/tasks/a?historyLength=-1'], 'historyLength'],
  ['GetTask', { id: 'a', historyLength: 'b' }, ['GET', '/tasks/a?historyLength=b'], 'historyLength'],
  ['GetTask', { id: 'a', historyLength: 0.5 }, ['GET', '/tasks/a?historyLength=0.5'], 'historyLength'],
  ['GetTask', { id: 'a', historyLength: 2 ** 31 }, ['GET', '/tasks/a?historyLength=2147483648'], 'historyLength'],
  ['GetTask', undefined, ['GET', '/tasks/a?historyLength=1&historyLength=2'], 'historyLength'],
  ['ListTasks', { pageSize: 0 }, ['GET', '/tasks?pageSize=0'], 'pageSize'],
  ['ListTasks', { pageSize: -1 }, ['GET', '/tasks?pageSize=-1'], 'pageSize'],
  ['ListTasks', { pageSize: 101 }, ['GET', '/tasks?pageSize=101'], 'pageSize'],
  ['ListTasks', { pageSize: '10' }, ['GET', '/tasks?pageSize=ten'], 'pageSize'],
  ['ListTasks', { pageToken: 'AAAA' }, ['GET', '/tasks?pageToken=AAAA'], 'pageToken'],
  ['ListTasks', { pageToken: long(2049) }, ['GET', `/tasks?pageToken=${long(2049)}`], 'pageToken'],
  ['ListTasks', { pageToken: 5 }, undefined, 'pageToken'],
  ['ListTasks', { status: 'DONE' }, ['GET', '/tasks?status=DONE'], 'status'],
  ['ListTasks', { status: 'unknown' }, ['GET', '/tasks?status=unknown'], 'status'],
  ['ListTasks', { status: 'constructor' }, ['GET', '/tasks?status=constructor'], 'status'],
  ['ListTasks', { statusTimestampAfter: 'noon' }, ['GET', '/tasks?statusTimestampAfter=noon'], 'statusTimestampAfter'],
  [
    'ListTasks',
    { statusTimestampAfter: '2025-02-30T00:00:00Z' },
    ['GET', '/tasks?statusTimestampAfter=2025-02-30T00:00:00Z'],
    'statusTimestampAfter',
  ],
  ['ListTasks', { statusTimestampAfter: 5 }, ['GET', '/tasks?statusTimestampAfter=5'], 'statusTimestampAfter'],
  ['ListTasks', { includeArtifacts: 'maybe' }, ['GET', '/tasks?includeArtifacts=maybe'], 'includeArtifacts'],
  ['ListTasks', { historyLength: -1 }, ['GET', '/tasks?historyLength=-1'], 'historyLength'],
  ['ListTasks', { contextId: long(257) }, ['GET', `/tasks?contextId=${long(257)}`], 'contextId'],
  ['ListTasks', { contextId: {} }, undefined, 'contextId'],
  ['CancelTask', {}, undefined, 'id'],
  ['CancelTask', { id: [] }, undefined, 'id'],
  ['CancelTask', { id: 'a', metadata: 5 }, ['POST', '/tasks/a:cancel', { metadata: 5 }], 'metadata'],
  ['SubscribeToTask', { id: false }, undefined, 'id'],
  ['SubscribeToTask', { id: long(257) }, ['POST', `/tasks/${long(257)}:subscribe`, {}], 'id'],
];

const both = (version: '1.0' | '0.3', rows: readonly Row[]): InvalidCall[] =>
  rows.map(([operation, params, rest, field]) => ({ version, operation, params, rest, field }));

/** Every other operation. */
export const INVALID_CALLS: readonly InvalidCall[] = [
  ...both('1.0', READS),
  ...both('1.0', [
    ['ListTasks', { status: 'TASK_STATE_UNSPECIFIED' }, ['GET', '/tasks?status=TASK_STATE_UNSPECIFIED'], 'status'],
    ['ListTasks', { status: 'completed' }, ['GET', '/tasks?status=completed'], 'status'],
    ['CancelTask', undefined, ['POST', '/tasks/a:cancel', { id: 'b' }], 'id'],
    ['CancelTask', undefined, ['POST', '/tasks/a:cancel', []], 'body'],
    ['CreateTaskPushNotificationConfig', { taskId: 'a' }, ['POST', '/tasks/a/pushNotificationConfigs', {}], 'url'],
    [
      'CreateTaskPushNotificationConfig',
      { taskId: 'a', url: 'nowhere' },
      ['POST', '/tasks/a/pushNotificationConfigs', { url: 'nowhere' }],
      'url',
    ],
    ['CreateTaskPushNotificationConfig', { url: 'https://example.com' }, undefined, 'taskId'],
    [
      'CreateTaskPushNotificationConfig',
      { taskId: 'a', url: 'https://example.com', authentication: {} },
      ['POST', '/tasks/a/pushNotificationConfigs', { url: 'https://example.com', authentication: {} }],
      'authentication.scheme',
    ],
    ['GetTaskPushNotificationConfig', { taskId: 'a' }, undefined, 'id'],
    ['ListTaskPushNotificationConfigs', {}, undefined, 'taskId'],
    [
      'ListTaskPushNotificationConfigs',
      { taskId: 'a', pageSize: 0 },
      ['GET', '/tasks/a/pushNotificationConfigs?pageSize=0'],
      'pageSize',
    ],
    ['DeleteTaskPushNotificationConfig', { id: 'a' }, undefined, 'taskId'],
    ['GetExtendedAgentCard', { tenant: 1 }, undefined, 'tenant'],
  ]),
  ...both('0.3', READS),
  ...both('0.3', [
    [
      'CreateTaskPushNotificationConfig',
      { taskId: 'a', pushNotificationConfig: {} },
      ['POST', '/tasks/a/pushNotificationConfigs', { pushNotificationConfig: {} }],
      'pushNotificationConfig.url',
    ],
    ['CreateTaskPushNotificationConfig', { taskId: 'a' }, undefined, 'pushNotificationConfig'],
    ['GetTaskPushNotificationConfig', {}, undefined, 'id'],
    ['ListTaskPushNotificationConfigs', {}, undefined, 'id'],
    ['DeleteTaskPushNotificationConfig', { id: 'a' }, undefined, 'pushNotificationConfigId'],
  ]),
];
