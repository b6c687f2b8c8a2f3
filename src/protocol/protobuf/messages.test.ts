/** JSON -> protobuf -> JSON of both versions: nothing is lost but what is declared here. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError, ERROR_TABLE, type ErrorCode } from '../errors.ts';
import type { JsonObject, JsonValue } from '../json.ts';
import { isJsonObject } from '../scalars.ts';
import { codecV03Rest } from '../v0_3/codec.ts';
import { type Message, type Part, type StreamResponse, TASK_STATES, type Task } from '../v1/types.ts';
import { bytesOf, jsonOf, messageType, registry } from './messages.ts';
import { STATUS_CODES, statusBytes } from './status.ts';

/**
 * What protobuf does not carry: the difference between an absent and an empty field where that has no presence (texts,
 * lists, `false`), the fraction of a time where it is zero, the bits of base64 beyond its last byte, and in 0.3 a
 * `historyLength` of 0. What 0.3 has no field for at all is in LOSSY_FIELDS and PROTO_LOSSY_FIELDS.
 */
function withoutLosses(value: unknown, name = ''): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutLosses(item));
  if (typeof value === 'string' && name === 'timestamp') return new Date(value).toISOString();
  if (!isJsonObject(value)) return value;
  if (FREE.has(name)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, field]) => {
      const isEmpty = field === '' || field === false || (Array.isArray(field) && field.length === 0);
      return isEmpty && !ONEOF.has(key) ? [] : [[key, withoutLosses(field, key)]];
    }),
  );
}
const FREE = new Set(['metadata', 'data']);
const ONEOF = new Set(['text', 'raw', 'url', 'data']);

const wellFormed = fc.string({ unit: 'grapheme' });
const keys = fc.oneof(wellFormed, fc.constantFrom('__proto__', 'constructor', 'kind', 'fields', '$typeName'));
const json = fc.letrec<{ value: JsonValue; object: JsonObject }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom(null, true, false, 0, 2 ** 53, -1.5e300, 5e-324, 0.1),
    wellFormed,
    fc.array(tie('value'), { maxLength: 3 }),
    tie('object'),
  ),
  object: fc
    .array(fc.tuple(keys, tie('value')), { maxLength: 4 })
    .map((entries) => Object.fromEntries<JsonValue>(entries)),
}));
const id = fc.string({ minLength: 1, maxLength: 20 });
const part: fc.Arbitrary<Part> = fc
  .tuple(
    fc.oneof(
      fc.record({ text: wellFormed }),
      fc.record({ raw: fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('base64')) }),
      fc.record({ url: fc.webUrl() }),
      fc.record({ data: json.value }),
    ),
    fc.record({ metadata: json.object, filename: wellFormed, mediaType: wellFormed }, { requiredKeys: [] }),
  )
  .map(([content, labels]) => ({ ...content, ...labels }));
const message: fc.Arbitrary<Message> = fc.record(
  {
    messageId: id,
    contextId: id,
    taskId: id,
    role: fc.constantFrom('ROLE_USER' as const, 'ROLE_AGENT' as const),
    parts: fc.array(part, { minLength: 1, maxLength: 4 }),
    metadata: json.object,
    extensions: fc.array(wellFormed, { maxLength: 2 }),
    referenceTaskIds: fc.array(id, { maxLength: 2 }),
  },
  { requiredKeys: ['messageId', 'role', 'parts'] },
);
const timestamp = fc
  .date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })
  .map((date) => date.toISOString());
const taskStatus = fc.record(
  { state: fc.constantFrom(...TASK_STATES), message, timestamp },
  { requiredKeys: ['state', 'timestamp'] },
);
const artifact = fc.record(
  { artifactId: id, name: wellFormed, description: wellFormed, parts: fc.array(part, { minLength: 1, maxLength: 3 }) },
  { requiredKeys: ['artifactId', 'parts'] },
);
const task: fc.Arbitrary<Task> = fc.record(
  {
    id,
    contextId: id,
    status: taskStatus,
    artifacts: fc.array(artifact, { maxLength: 2 }),
    history: fc.array(message, { maxLength: 2 }),
    metadata: json.object,
  },
  { requiredKeys: ['id', 'contextId', 'status'] },
);
const event: fc.Arbitrary<StreamResponse> = fc.oneof(
  fc.record({ task }),
  fc.record({ message }),
  fc.record({ statusUpdate: fc.record({ taskId: id, contextId: id, status: taskStatus, metadata: json.object }) }),
  fc.record({
    artifactUpdate: fc.record({ taskId: id, contextId: id, artifact, append: fc.boolean(), lastChunk: fc.boolean() }),
  }),
);

const plain = (value: unknown): JsonValue => JSON.parse(JSON.stringify(value)) as JsonValue;

describe('a round trip through protobuf', () => {
  it('[A3] keeps every event of 1.0, but for the declared losses', () => {
    const type = messageType('lf.a2a.v1.StreamResponse');
    fc.assert(
      fc.property(event, (sent) => {
        const wanted = plain(sent);
        expect(withoutLosses(jsonOf(type, bytesOf(type, wanted)))).toEqual(withoutLosses(wanted));
      }),
    );
  });

  it('[A3] keeps every event of 0.3, as its codec writes it, but for the declared losses', () => {
    const type = messageType('a2a.v1.StreamResponse');
    fc.assert(
      fc.property(event, (sent) => {
        const wanted = JSON.parse(codecV03Rest.encodeEvent(JSON.stringify(sent))) as JsonValue;
        expect(withoutLosses(jsonOf(type, bytesOf(type, wanted)))).toEqual(withoutLosses(wanted));
      }),
    );
  });

  it('[A3] keeps every request to send', () => {
    const type = messageType('lf.a2a.v1.SendMessageRequest');
    const request = fc.record({ message, metadata: json.object });
    fc.assert(
      fc.property(request, (sent) => {
        const wanted = plain(sent);
        expect(withoutLosses(jsonOf(type, bytesOf(type, wanted)))).toEqual(withoutLosses(wanted));
      }),
    );
  });

  it('keeps what a key named __proto__ holds a plain entry', () => {
    const type = messageType('lf.a2a.v1.Part');
    const sent = JSON.parse('{"data":{"__proto__":{"polluted":true}},"metadata":{"__proto__":1}}') as JsonValue;
    const back = jsonOf(type, bytesOf(type, sent));
    expect(JSON.stringify(back)).toBe(JSON.stringify(sent));
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });
});

/** `read`, or the code of the error. */
function outcome(type: ReturnType<typeof messageType>, bytes: Uint8Array): string {
  try {
    jsonOf(type, bytes);
    return 'read';
  } catch (error) {
    return error instanceof AppError ? error.code : String(error);
  }
}

describe('bytes', () => {
  it('[A5] of any kind are a message or the fault of the caller', () => {
    const types = [...registry].flatMap((found) =>
      found.kind === 'message' && found.file.name.startsWith('lf/') ? [found] : [],
    );
    fc.assert(
      fc.property(fc.constantFrom(...types), fc.uint8Array({ maxLength: 60 }), (type, bytes) => {
        expect(['PARSE_ERROR', 'INVALID_PARAMS', 'read']).toContain(outcome(type, bytes));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('an error as google.rpc.Status', () => {
  it.each(Object.keys(ERROR_TABLE) as ErrorCode[])(
    '[A3] %s has its code, its reason and what fields are not valid',
    (code) => {
      const violation = { field: 'message.parts', description: 'must not be empty' };
      const error = new AppError(code, 'what happened', {
        detail: 'SECRET',
        metadata: { taskId: 't' },
        violations: [violation],
        retryAfterSeconds: 7,
      });
      const row = ERROR_TABLE[code];
      const domain = row.domain === 'a2a' ? 'a2a-protocol.org' : 'parley';
      expect(jsonOf(messageType('google.rpc.Status'), statusBytes(error))).toEqual({
        code: STATUS_CODES[row.grpc],
        message: 'what happened',
        details: [
          { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: code, domain, metadata: { taskId: 't' } },
          { '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: [violation] },
          { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '7s' },
        ],
      });
      expect(Buffer.from(statusBytes(error)).toString('latin1')).not.toContain('SECRET');
    },
  );
});
