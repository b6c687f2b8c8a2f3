/** What A2A demands of errors: who is refused, for what, and how it is told, over each wire. */
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { Operation } from '../../../src/protocol/codec.ts';
import { REQUIRED_EXTENSION } from '../../conformance/agent.mjs';
import { call, type Fields, http, stream, type Target, WIRES, type Wire, type WireError } from '../wire/wire.ts';
import { restRequest, rpcMethod } from '../wire/wire-forms.ts';
import { perWire } from './per-wire.ts';
import {
  messageFor,
  type ServerUnderTest,
  startUnderTest,
  stranger,
  taskFor,
  workingTask,
} from './server-under-test.ts';

const servers: ServerUnderTest[] = [];
let server: ServerUnderTest;
let plain: ServerUnderTest;
let demanding: ServerUnderTest;

beforeAll(async () => {
  for (const profile of ['streaming-push', 'plain', 'required-extension'] as const) {
    servers.push(await startUnderTest(profile));
  }
  [server, plain, demanding] = servers as [ServerUnderTest, ServerUnderTest, ServerUnderTest];
});

afterAll(async () => {
  for (const each of servers) await each.stop();
});

/** What each operation on a task takes, for a task that is there or not. */
const requestsFor = (id: string): [Operation, Fields][] => [
  ['SendMessage', { message: messageFor('tck-complete-task', { taskId: id }) }],
  ['SendStreamingMessage', { message: messageFor('tck-complete-task', { taskId: id }) }],
  ['GetTask', { id }],
  ['CancelTask', { id }],
  ['SubscribeToTask', { id }],
];

/** The gRPC service of 0.3 has no ListTasks. */
const hasLists = (wire: Wire): boolean => wire.name !== '0.3 gRPC';

const PUSH_OPERATIONS = [
  'CreateTaskPushNotificationConfig',
  'GetTaskPushNotificationConfig',
  'ListTaskPushNotificationConfigs',
  'DeleteTaskPushNotificationConfig',
] as const;

async function refused(
  target: Target,
  wire: Wire,
  operation: Operation,
  fields: Fields,
  headers: Record<string, string> = {},
): Promise<WireError> {
  const { error } =
    operation === 'SendStreamingMessage' || operation === 'SubscribeToTask'
      ? await stream(target, wire, operation, fields, { headers })
      : await call(target, wire, operation, fields, { headers });
  if (error === undefined) throw new Error(`${operation} was not refused`);
  return error;
}

describe('callers', () => {
  perWire('[AUTH-1] without credentials, and with wrong ones, are refused every operation', async (wire) => {
    const { id } = await workingTask(server, wire);
    const operations: [Operation, Fields][] = [
      ...requestsFor(id),
      ...(hasLists(wire) ? [['ListTasks', {}] satisfies [Operation, Fields]] : []),
      ['ListTaskPushNotificationConfigs', { taskId: id }],
      ['GetExtendedAgentCard', {}],
    ];
    for (const [operation, fields] of operations) {
      for (const authorization of ['', 'Bearer wrong', `Basic ${server.adminKey}`]) {
        const { reason } = await refused(server, wire, operation, fields, { authorization });
        expect([operation, authorization, reason]).toEqual([operation, authorization, 'UNAUTHENTICATED']);
      }
    }
  });

  perWire("[AUTH-3] are told of another's task what they are told of none", async (wire) => {
    const other = await stranger(server);
    const theirs = await workingTask(server, wire);
    for (const [index, [operation, fields]] of requestsFor(theirs.id).entries()) {
      const unknown = crypto.randomUUID();
      const none = requestsFor(unknown)[index]?.[1] ?? {};
      const { reason, message } = await refused(other, wire, operation, fields);
      expect(reason).toBe('TASK_NOT_FOUND');
      const ofNone = await refused(other, wire, operation, none);
      expect(message).toBe(ofNone.message.replaceAll(unknown, theirs.id));
    }
  });

  perWire('[AUTH-4] without a permission are told which one it is', async (wire) => {
    const reader = await stranger(server, { scopes: ['tasks:read'] });
    const message = messageFor('tck-complete-task');
    for (const operation of ['SendMessage', 'SendStreamingMessage'] as const) {
      const error = await refused(reader, wire, operation, { message });
      expect([error.reason, error.metadata['scope']]).toEqual(['PERMISSION_DENIED', 'tasks:write']);
    }
  });
});

describe('requests', () => {
  const { parts: _none, ...withoutParts } = messageFor('tck-complete-task');
  const invalid: [Operation, Fields, string][] = [
    ['SendMessage', { message: { ...withoutParts, parts: [] } }, 'message.parts'],
    ['SendMessage', { message: messageFor('tck-complete-task', { messageId: '' }) }, 'message.messageId'],
    ['SendMessage', { message: messageFor('x'), configuration: { historyLength: -1 } }, 'configuration.historyLength'],
    ['GetTask', { id: 'any', historyLength: -1 }, 'historyLength'],
    ['ListTasks', { pageSize: 0 }, 'pageSize'],
    ['ListTasks', { pageSize: 101 }, 'pageSize'],
  ];

  perWire('[VALID-1, VALID-2] that are not valid are refused with the field, and nothing is done', async (wire) => {
    const other = await stranger(server);
    for (const [operation, fields, field] of invalid.filter(([name]) => name !== 'ListTasks' || hasLists(wire))) {
      const error = await refused(other, wire, operation, fields);
      // 0.3 has its own names for what a message holds.
      const named = error.fields.map((path) => path.replace('message.content', 'message.parts'));
      expect([operation, error.reason, named]).toEqual([operation, 'INVALID_PARAMS', [field]]);
      expect(error.message).toContain(':');
    }
    const [jsonRpc] = WIRES as [Wire];
    expect((await call(other, jsonRpc, 'ListTasks', {})).result).toMatchObject({ tasks: [] });
  });

  perWire('[JSON-4] may have fields that nobody knows', async (wire) => {
    const message = messageFor('tck-complete-task', { color: 'red', nested: { a: [1] } });
    const { error } = await call(server, wire, 'SendMessage', { message, configuration: { speed: 'fast' }, more: 1 });
    expect(error).toBeUndefined();
  });
});

describe('a card', () => {
  perWire('[CAP-1] without push has no operation on configurations', async (wire) => {
    const { id: taskId } = await taskFor(plain, wire, 'tck-input-required');
    const fields: Record<(typeof PUSH_OPERATIONS)[number], Fields> = {
      CreateTaskPushNotificationConfig: { taskId, id: 'c', url: 'https://example.com/hook' },
      GetTaskPushNotificationConfig: { taskId, id: 'c' },
      ListTaskPushNotificationConfigs: { taskId },
      DeleteTaskPushNotificationConfig: { taskId, id: 'c' },
    };
    for (const operation of PUSH_OPERATIONS) {
      const { reason } = await refused(plain, wire, operation, fields[operation]);
      expect([operation, reason]).toEqual([operation, 'PUSH_NOTIFICATION_NOT_SUPPORTED']);
    }
  });

  perWire('[CAP-2] without streaming has no stream', async (wire) => {
    const { id } = await taskFor(plain, wire, 'tck-input-required');
    const message = messageFor('tck-complete-task');
    expect((await refused(plain, wire, 'SendStreamingMessage', { message })).reason).toBe('UNSUPPORTED_OPERATION');
    expect((await refused(plain, wire, 'SubscribeToTask', { id })).reason).toBe('UNSUPPORTED_OPERATION');
  });

  perWire('[CAP-3] that announces no extended card has none', async (wire) => {
    expect((await refused(plain, wire, 'GetExtendedAgentCard', {})).reason).toBe('UNSUPPORTED_OPERATION');
  });

  perWire('[CAP-4] that requires an extension refuses who does not activate it', async (wire) => {
    const message = messageFor('tck-complete-task');
    for (const operation of ['SendMessage', 'SendStreamingMessage'] as const) {
      const { reason } = await refused(demanding, wire, operation, { message });
      expect([operation, reason]).toEqual([operation, 'EXTENSION_SUPPORT_REQUIRED']);
    }
    const name = wire.version === '1.0' ? 'a2a-extensions' : 'x-a2a-extensions';
    const headers = { [name]: `urn:example:other, ${REQUIRED_EXTENSION}` };
    expect((await call(demanding, wire, 'SendMessage', { message }, { headers })).error).toBeUndefined();
  });

  perWire('[CAP-5] does not speak of every extension: others are ignored', async (wire) => {
    const headers = { 'a2a-extensions': 'urn:example:nobody-knows-this' };
    const { error } = await call(
      server,
      wire,
      'SendMessage',
      { message: messageFor('tck-complete-task') },
      { headers },
    );
    expect(error).toBeUndefined();
  });
});

/** The answer to one request as it is on the wire. */
async function raw(wire: Wire, operation: Operation, fields: Fields) {
  const headers = { authorization: `Bearer ${server.adminKey}`, 'a2a-version': '1.0' };
  if (wire.binding === 'JSONRPC') {
    const body = { jsonrpc: '2.0', id: 7, method: rpcMethod(wire, operation), params: fields };
    return http(`${server.url}/a2a`, { headers, body });
  }
  const { path, ...form } = restRequest(wire, operation, fields);
  return http(`${server.url}/a2a${path}`, { headers, ...form });
}

interface ErrorBody {
  readonly code: number;
  readonly message: string;
  readonly status?: string;
  readonly details?: Fields[];
  readonly data?: Fields[];
}

const A2A_ERRORS: [Operation, Fields, { reason: string; rpc: number; http: number; grpc: string }][] = [
  ['GetTask', { id: 'none' }, { reason: 'TASK_NOT_FOUND', rpc: -32001, http: 404, grpc: 'NOT_FOUND' }],
  [
    'SendMessage',
    { message: messageFor('x', { parts: [{ raw: 'AAAA', mediaType: 'a/b' }] }) },
    { reason: 'CONTENT_TYPE_NOT_SUPPORTED', rpc: -32005, http: 400, grpc: 'INVALID_ARGUMENT' },
  ],
];

describe('an error', () => {
  perWire('[ERR-1, ERR-2] has a code, a message, and an ErrorInfo of A2A', async (wire) => {
    for (const [operation, fields, { reason }] of A2A_ERRORS) {
      const { error } = (await raw(wire, operation, fields)).json as { error: ErrorBody };
      expect(error.code).toBeTypeOf('number');
      expect(error.message).not.toBe('');
      const details = error.details ?? error.data ?? [];
      for (const detail of details) expect(detail['@type']).toMatch(/^type\.googleapis\.com\/google\.rpc\./);
      expect(details[0]).toMatchObject({ reason, domain: 'a2a-protocol.org' });
    }
  });

  perWire('[RPC-1, RPC-2] is a JSON-RPC answer with the code of the table', async (wire) => {
    for (const [operation, fields, { rpc }] of A2A_ERRORS) {
      const { headers, json } = await raw(wire, operation, fields);
      expect(headers['content-type']).toMatch(/^application\/json/);
      expect(json).toMatchObject({ jsonrpc: '2.0', id: 7, error: { code: rpc } });
      expect((json as { error: ErrorBody }).error.data).toBeInstanceOf(Array);
    }
  });

  perWire('[REST-1, REST-3] is a google.rpc.Status with the HTTP status of the table', async (wire) => {
    for (const [operation, fields, { http: status, grpc }] of A2A_ERRORS) {
      const answer = await raw(wire, operation, fields);
      expect(answer.headers['content-type']).toMatch(/^application\/a2a\+json/);
      expect([answer.status, answer.json]).toMatchObject([status, { error: { code: status, status: grpc } }]);
    }
    const ok = await raw(wire, 'ListTasks', { pageSize: 1 });
    expect(ok.headers['content-type']).toMatch(/^application\/a2a\+json/);
  });

  perWire('[REST-2] comes from the query too, whose names are in camelCase', async (wire) => {
    const answer = await raw(wire, 'ListTasks', { pageSize: 0 });
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('pageSize')]);
    const { json } = await raw(wire, 'ListTasks', { pageSize: 1, includeArtifacts: true, status: 'TASK_STATE_FAILED' });
    expect(json).toMatchObject({ pageSize: 1, tasks: [] });
  });
});

describe('the JSON of an answer', () => {
  const isCamel = (name: string): boolean => /^[a-z][A-Za-z0-9]*$/.test(name);

  /** The names of all fields but what the caller owns. */
  function namesIn(value: unknown): string[] {
    if (Array.isArray(value)) return value.flatMap(namesIn);
    if (typeof value !== 'object' || value === null) return [];
    return Object.entries(value).flatMap(([name, field]) =>
      ['metadata', 'data'].includes(name) ? [name] : [name, ...namesIn(field)],
    );
  }

  perWire('[JSON-1, JSON-2, JSON-3] is that of the definition: names, enums, times, required fields', async (wire) => {
    const { id } = await taskFor(server, wire, 'tck-artifact-data');
    const { json } = await raw(wire, 'GetTask', { id });
    const task = (wire.binding === 'JSONRPC' ? (json as Fields)['result'] : json) as Fields;
    expect(namesIn(task).filter((name) => !isCamel(name))).toEqual([]);
    expect(task).toMatchObject({
      id,
      status: { state: 'TASK_STATE_COMPLETED', timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3}Z$/) },
      artifacts: [{ artifactId: expect.any(String), parts: [{ data: expect.anything() }] }],
      history: [{ messageId: expect.any(String), role: 'ROLE_USER', parts: [expect.anything()] }],
    });
  });
});
