/** Requests that begin as valid ones of every operation, binding and version, and are then broken in random ways. */
import fc from 'fast-check';

export interface RawRequest {
  readonly method: string;
  /** As it goes on the wire: starts with a slash, and has no blanks. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** What a test knows and a request may name. */
export interface Known {
  readonly taskIds: readonly string[];
}

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const HOSTILE_KEYS = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '',
  'a.b',
  '\u0000',
  '\ud800',
  '$ref',
  'kind',
];

const hostileText = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '\u0000',
    '\ud800',
    '\udc00\ud800',
    '\u202e',
    '\ufeff',
    '💥',
    '../../etc/passwd',
    "' or 1=1 --",
    '{{7*7}}',
    '%00',
    '\r\n\r\n',
    'null',
    '__proto__',
  ),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.integer({ min: 200, max: 3000 }).map((length) => 'x'.repeat(length)),
);

const hostileNumber = fc.constantFrom(
  0,
  -0,
  -1,
  1.5,
  2 ** 31,
  -(2 ** 31),
  2 ** 53,
  1e21,
  1e308,
  5e-324,
  Number.MAX_SAFE_INTEGER,
);

const deep = fc.integer({ min: 50, max: 400 }).map((depth) => {
  let value: Json = 1;
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { a: value };
  return value;
});

/** `Object.fromEntries` makes own properties, `__proto__` too, which is what JSON text can say. */
const hostileObject = fc
  .array(fc.tuple(fc.oneof(fc.constantFrom(...HOSTILE_KEYS), hostileText), fc.jsonValue() as fc.Arbitrary<Json>), {
    maxLength: 4,
  })
  .map((entries): Json => Object.fromEntries(entries));

const hostileValue: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json>(null, true, false, [], {}, [[]], [null], [{}], { __parts: 1 }),
  hostileText,
  hostileNumber,
  hostileObject,
  deep,
  fc.jsonValue() as fc.Arbitrary<Json>,
);

const part: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json>({ text: 'hello' }, { raw: 'aGVsbG8=' }, { url: 'https://example.com/a' }, { data: { a: [1] } }),
  fc.constantFrom<Json>(
    { text: '/ask Which city?' },
    { text: '/fail' },
    { text: '/reject' },
    { text: '/stream count=3 interval=0' },
    { text: '/file a' },
  ),
);
const oldPart: fc.Arbitrary<Json> = fc.constantFrom<Json>(
  { kind: 'text', text: 'hello' },
  { kind: 'text', text: '/ask Which city?' },
  { kind: 'file', file: { bytes: 'AA==', mimeType: 'text/plain', name: 'a' } },
  { kind: 'data', data: { a: 1 } },
);

interface Valid {
  readonly operation: string;
  readonly rpc: string;
  readonly path: string;
  readonly restMethod: string;
  readonly fields: Json;
}

function valid(known: Known, isOld: boolean): fc.Arbitrary<Valid> {
  const id = fc.oneof(fc.constantFrom(...known.taskIds), fc.constantFrom('nope', 'a/b', '%', '..'));
  const message = fc.record(
    {
      messageId: fc.oneof(fc.uuid(), fc.constant('same')),
      role: fc.constant(isOld ? 'user' : 'ROLE_USER'),
      parts: fc.array(isOld ? oldPart : part, { minLength: 1, maxLength: 3 }),
      contextId: fc.constantFrom('c1', 'c2', 'é'),
      taskId: fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: id }),
      metadata: hostileObject,
      extensions: fc.constant(['https://example.com/x']),
    },
    { requiredKeys: ['messageId', 'role', 'parts'] },
  );
  const configuration = fc.record(
    {
      historyLength: fc.integer({ min: 0, max: 3 }),
      acceptedOutputModes: fc.constant(['text/plain']),
      [isOld ? 'blocking' : 'returnImmediately']: fc.boolean(),
    },
    { requiredKeys: [] },
  );
  const send: fc.Arbitrary<Json> = fc
    .record({ message, configuration, metadata: hostileObject }, { requiredKeys: ['message'] })
    .map((fields) => JSON.parse(JSON.stringify(fields)) as Json);
  const list = fc.record(
    {
      contextId: fc.constantFrom('c1', 'nobody'),
      pageSize: fc.integer({ min: 1, max: 100 }),
      historyLength: fc.integer({ min: 0, max: 5 }),
      includeArtifacts: fc.boolean(),
      pageToken: fc.constant(''),
    },
    { requiredKeys: [] },
  ) as fc.Arbitrary<Json>;
  const row = (
    operation: string,
    old: string,
    restMethod: string,
    path: string,
    fields: fc.Arbitrary<Json>,
  ): fc.Arbitrary<Valid> =>
    fc.tuple(fields, id).map(([body, taskId]) => ({
      operation,
      rpc: isOld ? old : operation,
      restMethod,
      path: (isOld ? '/v1' : '') + path.replace('{id}', encodeURIComponent(taskId)),
      fields: body,
    }));
  const byId = fc.record({ id }) as fc.Arbitrary<Json>;
  const push = fc.record({ taskId: id, id, url: fc.constant('https://example.com') }) as fc.Arbitrary<Json>;
  return fc.oneof(
    { weight: 6, arbitrary: row('SendMessage', 'message/send', 'POST', '/message:send', send) },
    { weight: 3, arbitrary: row('SendStreamingMessage', 'message/stream', 'POST', '/message:stream', send) },
    { weight: 2, arbitrary: row('GetTask', 'tasks/get', 'GET', '/tasks/{id}', byId) },
    { weight: 2, arbitrary: row('ListTasks', 'tasks/list', 'GET', '/tasks', list) },
    { weight: 1, arbitrary: row('CancelTask', 'tasks/cancel', 'POST', '/tasks/{id}:cancel', byId) },
    { weight: 1, arbitrary: row('SubscribeToTask', 'tasks/resubscribe', 'POST', '/tasks/{id}:subscribe', byId) },
    {
      weight: 1,
      arbitrary: row(
        'CreateTaskPushNotificationConfig',
        'tasks/pushNotificationConfig/set',
        'POST',
        '/tasks/{id}/pushNotificationConfigs',
        push,
      ),
    },
    {
      weight: 1,
      arbitrary: row(
        'GetExtendedAgentCard',
        'agent/getAuthenticatedExtendedCard',
        'GET',
        isOld ? '/card' : '/extendedAgentCard',
        fc.constant({}),
      ),
    },
  );
}

/** One change somewhere inside of a JSON value; `at` picks the place. */
type Change = {
  readonly at: readonly number[];
  readonly how: 'replace' | 'drop' | 'add' | 'wrap' | 'repeat';
  readonly key: string;
  readonly value: Json;
};

const change: fc.Arbitrary<Change> = fc.record({
  at: fc.array(fc.nat(20), { maxLength: 6 }),
  how: fc.constantFrom('replace', 'drop', 'add', 'wrap', 'repeat'),
  key: fc.oneof(
    fc.constantFrom(...HOSTILE_KEYS, 'message', 'parts', 'text', 'data', 'metadata', 'id', 'taskId'),
    hostileText,
  ),
  value: hostileValue,
});

function changed(value: Json, { at, how, key, value: other }: Change, depth = 0): Json {
  const step = at[depth];
  const isObject = typeof value === 'object' && value !== null;
  if (step !== undefined && isObject) {
    const entries: [string, Json][] = Object.entries(value);
    const [name, inner] = entries[step % Math.max(1, entries.length)] ?? [];
    if (name !== undefined && inner !== undefined) {
      const isLast = depth === at.length - 1;
      const next = isLast && how === 'drop' ? undefined : changed(inner, { at, how, key, value: other }, depth + 1);
      const rest = entries.flatMap(([each, old]): [string, Json][] =>
        each !== name ? [[each, old]] : next === undefined ? [] : [[each, next]],
      );
      return Array.isArray(value) ? rest.map(([, item]) => item) : Object.fromEntries(rest);
    }
  }
  switch (how) {
    case 'replace':
    case 'drop':
      return other;
    case 'wrap':
      return [value];
    case 'repeat':
      return Array.isArray(value) ? [...value, ...value] : [value, value];
    case 'add':
      if (!isObject) return other;
      return Array.isArray(value) ? [...value, other] : Object.fromEntries([...Object.entries(value), [key, other]]);
  }
}

const brokenText = (text: string): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 12, arbitrary: fc.constant(text) },
    { weight: 1, arbitrary: fc.nat(text.length).map((end) => text.slice(0, end)) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.nat(text.length), fc.string({ unit: 'binary', maxLength: 3 }))
        .map(([place, added]) => text.slice(0, place) + added + text.slice(place)),
    },
    { weight: 1, arbitrary: fc.constantFrom('', ' ', '[]', 'null', `[${text}]`, `${text}${text}`, `\ufeff${text}`) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
  );

const latin1 = fc.string({
  unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
  maxLength: 40,
});
const header: fc.Arbitrary<[string, string]> = fc.oneof(
  fc.tuple(fc.constant('a2a-version'), fc.oneof(fc.constantFrom('', '0.3', '1.0', '1.0.3', '2.0'), latin1)),
  fc.tuple(
    fc.constant('content-type'),
    fc.oneof(fc.constantFrom('text/plain', 'application/a2a+json', 'application/json; charset=x', ''), latin1),
  ),
  fc.tuple(fc.constant('accept'), fc.oneof(fc.constantFrom('text/event-stream', 'application/json'), latin1)),
  fc.tuple(fc.constant('last-event-id'), fc.oneof(fc.constantFrom('0', '1', '999', '-1'), latin1)),
  fc.tuple(fc.constant('idempotency-key'), fc.oneof(fc.constantFrom('k1', 'k2'), latin1)),
  fc.tuple(
    fc.constantFrom(
      'a2a-extensions',
      'x-a2a-extensions',
      'x-request-id',
      'if-none-match',
      'origin',
      'x-forwarded-for',
      'cookie',
    ),
    latin1,
  ),
  fc.tuple(
    fc.constantFrom('authorization', 'x-api-key'),
    fc.oneof(fc.constantFrom('Bearer x', 'Basic eDp5', 'Bearer'), latin1),
  ),
);

const pathEnd = fc.oneof(
  { weight: 14, arbitrary: fc.constant('') },
  { weight: 2, arbitrary: fc.webQueryParameters().map((query) => `?${query}`) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '?pageSize=0',
      '?pageSize=5&pageSize=6',
      '?historyLength=x',
      '?__proto__=1',
      '?constructor[prototype]=1',
      '?lastEventId=1',
      '?A2A-Version=1.0',
      '?%',
      '/',
      '//',
      '/%2e%2e',
      '%00',
      '#a',
      ':cancel',
      '/../x',
    ),
  },
  { weight: 1, arbitrary: fc.webPath() },
);

/** A random request; `valid` most of its parts, so that it gets far before it fails. */
export function rawRequest(known: Known, credential: Readonly<Record<string, string>>): fc.Arbitrary<RawRequest> {
  return fc
    .tuple(fc.boolean(), fc.boolean())
    .chain(([isOld, isRpc]) =>
      fc.record({
        isOld: fc.constant(isOld),
        isRpc: fc.constant(isRpc),
        base: valid(known, isOld),
        changes: fc.array(change, { maxLength: 3 }),
        address: fc.oneof(
          { weight: 12, arbitrary: fc.constantFrom('/a2a', '/a2a/agents/echo') },
          {
            weight: 1,
            arbitrary: fc.constantFrom('/a2a/agents/nope', '/a2a/agents/', '/a2a/agents/__proto__', '', '/api/v1'),
          },
        ),
        end: pathEnd,
        method: fc.oneof(
          { weight: 14, arbitrary: fc.constant(undefined) },
          {
            weight: 1,
            arbitrary: fc.constantFrom(
              'GET',
              'POST',
              'PUT',
              'PATCH',
              'DELETE',
              'OPTIONS',
              'HEAD',
              'TRACE',
              'SEARCH',
              'PROPFIND',
              'BREW',
            ),
          },
        ),
        headers: fc.oneof(
          { weight: 3, arbitrary: fc.constant([]) },
          { weight: 2, arbitrary: fc.array(header, { minLength: 1, maxLength: 3 }) },
        ),
      }),
    )
    .chain(({ isOld, isRpc, base, changes, address, end, method, headers }) => {
      const envelope: Json = isRpc ? { jsonrpc: '2.0', id: 1, method: base.rpc, params: base.fields } : base.fields;
      const body = changes.reduce((value, each) => changed(value, each), envelope);
      const verb = method ?? (isRpc ? 'POST' : base.restMethod);
      const path = sendable(`${address}${isRpc ? '' : base.path}${end}`);
      const hasBody = verb !== 'GET' && verb !== 'HEAD' && verb !== 'TRACE';
      const version = isOld ? {} : { 'a2a-version': '1.0' };
      const type = hasBody ? { 'content-type': 'application/json' } : {};
      const all = { ...credential, ...version, ...type, ...Object.fromEntries(headers) };
      return brokenText(JSON.stringify(body)).map((text) => ({
        method: verb,
        path,
        headers: all,
        body: hasBody ? text : undefined,
      }));
    });
}

/** A request line holds no blanks, no control characters and nothing beyond ASCII; all else is the server's to refuse. */
function sendable(path: string): string {
  return `/${path.replace(/^\/+/, '').replace(/[^\x21-\x7e]/gu, (char) => encodeURIComponent(Buffer.from(char).toString()))}`;
}
