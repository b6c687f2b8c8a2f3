/** A message is the same message, whichever version, binding and spelling of names its sender chooses. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JsonObject, JsonValue } from './json.ts';
import { codecV03, codecV03Rest } from './v0_3/codec.ts';
import { messageToProto, PROTO_LOSSY_FIELDS } from './v0_3/proto-json.ts';
import { LOSSY_FIELDS, messageToV03 } from './v0_3/translate.ts';
import { codecV1 } from './v1/codec.ts';
import type { Message, Part } from './v1/types.ts';

/** What `fast-check` takes for text has no lone surrogates, and NUL is refused: neither can be stored. */
const text = fc.string({ unit: 'grapheme', maxLength: 20 }).map((value) => value.replaceAll('\0', ''));
const label = text.filter((value) => value !== '');
const id = fc.stringMatching(/^[\w.:/-]{1,40}$/);
const { object } = fc.letrec<{ value: JsonValue; object: JsonObject }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    text,
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 3 }),
    tie('object'),
  ),
  // Names that a decoder could take for its own.
  object: fc.dictionary(
    fc.oneof(id, fc.constantFrom('task_id', 'media_type', 'parts', 'data', 'constructor')),
    tie('value'),
    { maxKeys: 4, noNullPrototype: true },
  ),
}));
const metadata = object;

const part: fc.Arbitrary<Part> = fc.oneof(
  fc.record({ text, metadata, filename: label, mediaType: label }, { requiredKeys: ['text'] }),
  fc.record({ raw: fc.base64String(), metadata, filename: label, mediaType: label }, { requiredKeys: ['raw'] }),
  fc.record({ url: fc.webUrl(), metadata, filename: label, mediaType: label }, { requiredKeys: ['url'] }),
  fc.record({ data: object, metadata }, { requiredKeys: ['data'] }),
);
const message: fc.Arbitrary<Message> = fc.record(
  {
    messageId: id,
    contextId: id,
    taskId: id,
    role: fc.constant('ROLE_USER' as const),
    parts: fc.array(part, { minLength: 1, maxLength: 4 }),
    metadata,
    extensions: fc.array(text, { maxLength: 2 }),
    referenceTaskIds: fc.array(id, { maxLength: 2 }),
  },
  { requiredKeys: ['messageId', 'role', 'parts'] },
);

/** As it comes out of a body. */
const parsed = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

function messageOf(call: ReturnType<typeof codecV1.decodeParams>): Message {
  if (call.operation !== 'SendMessage') throw new Error(`decoded as ${call.operation}`);
  return call.request.message;
}

const isFile = (one: Part): boolean => one.raw !== undefined || one.url !== undefined;

/** What is left of a message in 0.3, by LOSSY_FIELDS. */
function inV03(sent: Message): Message {
  return { ...sent, parts: sent.parts.map((one) => (isFile(one) ? one : without(one, ['filename', 'mediaType']))) };
}

/** And in the ProtoJSON of its REST binding, by PROTO_LOSSY_FIELDS. */
function inV03Rest(sent: Message): Message {
  const { referenceTaskIds: _gone, ...same } = inV03(sent);
  return { ...same, parts: same.parts.map((one) => without(one, ['metadata', 'filename'])) };
}

const without = (one: Part, names: readonly string[]): Part =>
  Object.fromEntries(Object.entries(one).filter(([name]) => !names.includes(name)));

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** The fields of messages by the names of the proto definition; what belongs to the caller keeps its names. */
function withProtoNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withProtoNames);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [
      snake(name),
      ['metadata', 'data'].includes(name) ? field : withProtoNames(field),
    ]),
  );
}

describe('a message', () => {
  test('[A3] of 1.0 is read as it was sent', () => {
    fc.assert(
      fc.property(message, (sent) => {
        expect(messageOf(codecV1.decodeParams('SendMessage', parsed({ message: sent })))).toEqual(sent);
      }),
    );
  });

  test('[A3] of 1.0 is the same by the names of the proto definition', () => {
    fc.assert(
      fc.property(message, (sent) => {
        const body = parsed({ message: withProtoNames(sent) });
        expect(messageOf(codecV1.decodeParams('SendMessage', body))).toEqual(sent);
        expect(messageOf(codecV1.decodeRest('SendMessage', { params: {}, query: {}, body }))).toEqual(sent);
      }),
    );
  });

  test('[A3] of 0.3 over JSON-RPC is the same but for what is declared lost', () => {
    expect(LOSSY_FIELDS.map(({ field }) => field)).toEqual(expect.arrayContaining(['Part.filename', 'Part.mediaType']));
    fc.assert(
      fc.property(message, (sent) => {
        const body = parsed({ message: messageToV03(sent) });
        expect(messageOf(codecV03.decodeParams('SendMessage', body))).toEqual(inV03(sent));
      }),
    );
  });

  test.each([
    ['camelCase', (body: unknown) => body],
    ['snake_case', withProtoNames],
  ])('[A3] of 0.3 over REST, in %s, is the same but for what is declared lost', (_names, spelled) => {
    expect(PROTO_LOSSY_FIELDS).toEqual(
      expect.arrayContaining(['Part.metadata', 'Part.filename', 'Message.referenceTaskIds']),
    );
    fc.assert(
      fc.property(message, (sent) => {
        const body = parsed({ message: spelled(messageToProto(sent)) });
        const decoded = codecV03Rest.decodeRest('SendMessage', { params: {}, query: {}, body });
        expect(messageOf(decoded)).toEqual(inV03Rest(sent));
      }),
    );
  });
});
