/** 0.3 <-> 1.0: nothing is lost but what LOSSY_FIELDS declares. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../json.ts';
import { type Message, type Part, type StreamResponse, TASK_STATES, type Task } from '../v1/types.ts';
import {
  eventToV1,
  eventToV03,
  isFinalState,
  LOSSY_FIELDS,
  messageToV1,
  messageToV03,
  partToV1,
  partToV03,
  pushConfigToV1,
  pushConfigToV03,
  stateToV1,
  taskToV1,
  taskToV03,
  WRAPPED_DATA_MARK,
} from './translate.ts';

const keys = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'value', 'kind', 'data'));
const json = fc.letrec<{ value: JsonValue; object: JsonObject }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.string(),
    fc.array(tie('value'), { maxLength: 3 }),
    tie('object'),
  ),
  object: fc
    .array(fc.tuple(keys, tie('value')), { maxLength: 4 })
    .map((entries) => Object.fromEntries<JsonValue>(entries)),
}));
/** Metadata that is not empty beside a wrapped value: the one case that LOSSY_FIELDS names. */
const metadata = json.object.map((object): JsonObject => ({ ...object, own: 1 }));

const id = fc.string({ minLength: 1, maxLength: 20 });
const labels = { filename: fc.string({ minLength: 1 }), mediaType: fc.string({ minLength: 1 }) };

const part: fc.Arbitrary<Part> = fc.oneof(
  fc.record({ text: fc.string(), metadata }, { requiredKeys: ['text'] }),
  fc.record({ raw: fc.base64String(), metadata, ...labels }, { requiredKeys: ['raw'] }),
  fc.record({ url: fc.webUrl(), metadata, ...labels }, { requiredKeys: ['url'] }),
  fc.record({ data: json.value, metadata }, { requiredKeys: ['data'] }),
);
const message: fc.Arbitrary<Message> = fc.record(
  {
    messageId: id,
    contextId: id,
    taskId: id,
    role: fc.constantFrom('ROLE_USER' as const, 'ROLE_AGENT' as const),
    parts: fc.array(part, { minLength: 1, maxLength: 4 }),
    metadata,
    extensions: fc.array(fc.string(), { maxLength: 2 }),
    referenceTaskIds: fc.array(id, { maxLength: 2 }),
  },
  { requiredKeys: ['messageId', 'role', 'parts'] },
);
const artifact = fc.record(
  {
    artifactId: id,
    name: fc.string(),
    description: fc.string(),
    parts: fc.array(part, { minLength: 1, maxLength: 3 }),
    metadata,
    extensions: fc.array(fc.string(), { maxLength: 2 }),
  },
  { requiredKeys: ['artifactId', 'parts'] },
);
const status = fc.record(
  { state: fc.constantFrom(...TASK_STATES), message, timestamp: fc.constant('2025-01-02T03:04:05.678Z') },
  { requiredKeys: ['state'] },
);
const task: fc.Arbitrary<Task> = fc.record(
  {
    id,
    contextId: id,
    status,
    artifacts: fc.array(artifact, { maxLength: 2 }),
    history: fc.array(message, { maxLength: 3 }),
    metadata,
  },
  { requiredKeys: ['id', 'status'] },
);
const event: fc.Arbitrary<StreamResponse> = fc.oneof(
  task.map((value) => ({ task: value })),
  message.map((value) => ({ message: value })),
  fc
    .record({ taskId: id, contextId: id, status, metadata }, { requiredKeys: ['taskId', 'contextId', 'status'] })
    .map((statusUpdate) => ({ statusUpdate })),
  fc
    .record(
      { taskId: id, contextId: id, artifact, append: fc.boolean(), lastChunk: fc.boolean(), metadata },
      { requiredKeys: ['taskId', 'contextId', 'artifact'] },
    )
    .map((artifactUpdate) => ({ artifactUpdate })),
);

/** Through text, as on the wire. */
function overTheWire<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

/** Equal as JSON; the text, unlike `toEqual`, also sees an own key `__proto__`. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, field: unknown) =>
    typeof field === 'object' && field !== null && !Array.isArray(field)
      ? Object.fromEntries(Object.entries(field).sort(([a], [b]) => (a < b ? -1 : 1)))
      : field,
  );
}

describe('1.0 -> 0.3 -> 1.0', () => {
  it('gives a message back equal', () => {
    fc.assert(
      fc.property(message, (sent) => {
        expect(canonical(messageToV1(overTheWire(messageToV03(sent))))).toBe(canonical(sent));
      }),
    );
  });

  it('gives a task back equal', () => {
    fc.assert(
      fc.property(task, (sent) => {
        expect(canonical(taskToV1(overTheWire(taskToV03(sent))))).toBe(canonical(sent));
      }),
    );
  });

  it('gives every event back equal', () => {
    fc.assert(
      fc.property(event, (sent) => {
        expect(canonical(eventToV1(overTheWire(eventToV03(sent))))).toBe(canonical(sent));
      }),
    );
  });

  it('gives a push configuration back equal', () => {
    const config = fc.record(
      {
        id,
        url: fc.webUrl(),
        token: fc.string(),
        authentication: fc.record({ scheme: id, credentials: fc.string() }, { requiredKeys: ['scheme'] }),
      },
      { requiredKeys: ['url'] },
    );
    fc.assert(
      fc.property(config, (sent) => {
        expect(pushConfigToV1(overTheWire(pushConfigToV03(sent)))).toEqual(sent);
      }),
    );
  });

  it('loses what LOSSY_FIELDS declares of a part, and only that', () => {
    expect(partToV1(partToV03({ text: 'a', filename: 'f', mediaType: 'text/plain' }))).toEqual({ text: 'a' });
    expect(partToV1(partToV03({ data: {}, filename: 'f', mediaType: 'application/json' }))).toEqual({ data: {} });
    expect(partToV1(partToV03({ data: 1, metadata: {} }))).toEqual({ data: 1 });
    expect(partToV1(partToV03({ data: { value: 1 }, metadata: { [WRAPPED_DATA_MARK]: true, a: 1 } }))).toEqual({
      data: { value: 1 },
      metadata: { a: 1 },
    });
    const declared = LOSSY_FIELDS.filter(({ direction }) => direction === '1.0->0.3').map(({ field }) => field);
    expect(declared).toEqual(
      expect.arrayContaining(['Part.filename', 'Part.mediaType', 'Part.metadata.data_part_compat']),
    );
  });
});

describe('a data part', () => {
  it.each<[JsonValue]>([[null], [0], [''], [false], [[1, [2]]]])('of %j is wrapped and marked in 0.3', (data) => {
    const old = partToV03({ data, metadata: { a: 1 } });
    expect(old).toEqual({ kind: 'data', data: { value: data }, metadata: { a: 1, data_part_compat: true } });
    expect(partToV1(old)).toEqual({ data, metadata: { a: 1 } });
  });

  it('that is an object is neither wrapped nor unwrapped', () => {
    expect(partToV03({ data: { value: 1 } })).toEqual({ kind: 'data', data: { value: 1 } });
    expect(partToV1({ kind: 'data', data: { value: 1 } })).toEqual({ data: { value: 1 } });
  });
});

describe('states', () => {
  it('end a 0.3 stream when they are terminal or wait for the client', () => {
    const final = TASK_STATES.filter(isFinalState);
    expect(final).toEqual(
      TASK_STATES.filter(
        (state) => !['TASK_STATE_SUBMITTED', 'TASK_STATE_WORKING', 'TASK_STATE_AUTH_REQUIRED'].includes(state),
      ),
    );
  });

  it('take unknown for not known to be over', () => {
    expect(stateToV1('unknown')).toBe('TASK_STATE_WORKING');
  });
});

describe('push authentication of 0.3', () => {
  it.each([
    [
      { schemes: ['Bearer', 'Basic'], credentials: 'x' },
      { scheme: 'Bearer', credentials: 'x' },
    ],
    [
      { schemes: [], credentials: 'x' },
      { scheme: 'Bearer', credentials: 'x' },
    ],
    [{ schemes: ['Basic'] }, { scheme: 'Basic' }],
    [{}, undefined],
  ])('%j is %j in 1.0', (sent, read) => {
    expect(pushConfigToV1({ url: 'https://a.example', authentication: sent }).authentication).toEqual(read);
  });
});
