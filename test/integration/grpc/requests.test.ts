/** What only gRPC can send: bytes that are no message, values that JSON has no form of, metadata, sizes. */
import { create, toBinary } from '@bufbuild/protobuf';
import { StructSchema, ValueSchema } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JsonValue } from '../../../src/protocol/json.ts';
import { bytesOf, messageType } from '../../../src/protocol/protobuf/messages.ts';
import { isJsonObject } from '../../../src/protocol/scalars.ts';
import { type GrpcAnswer, GrpcClient } from '../../support/grpc-client.ts';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { ask, at, callerOf, metricOf, REST, resultOf } from '../../support/wire-client.ts';

const V1 = 'lf.a2a.v1.A2AService';
const V03 = 'a2a.v1.A2AService';

let parley: ParleyProcess;
let client: GrpcClient;
let metadata: Record<string, string>;
beforeAll(async () => {
  parley = await startParley({
    config: 'server: { bodyLimitBytes: 65536, headerLimitBytes: 8192, maxJsonValues: 2000 }\n',
  });
  client = new GrpcClient(`127.0.0.1:${parley.ports.grpcPort}`);
  metadata = { authorization: `Bearer ${parley.adminKey}` };
});
afterAll(async () => {
  client?.close();
  await parley?.destroy();
});

const text = (content: string, more: Record<string, JsonValue> = {}): JsonValue => ({
  message: { messageId: crypto.randomUUID(), role: 'ROLE_USER', parts: [{ text: content }], ...more },
});
const send = (request: JsonValue | Uint8Array, more: Record<string, string> = {}): Promise<GrpcAnswer> =>
  client.call(`${V1}/SendMessage`, request, { metadata: { ...metadata, ...more }, deadlineMs: 10_000 });

/** The paths of the fields that BadRequest names, and what it says of each. */
function violations({ details }: GrpcAnswer): [string, string][] {
  return details
    .filter(isJsonObject)
    .flatMap((detail) => (detail['fieldViolations'] ?? []) as { field: string; description: string }[])
    .map(({ field, description }) => [field, description]);
}

const reasonOf = ({ details }: GrpcAnswer): unknown => at(details[0], 'reason');

async function taskCount(): Promise<unknown> {
  return at(resultOf(await ask(callerOf(parley, parley.adminKey), 'ListTasks', REST)), 'totalSize');
}

/** A length-delimited protobuf field, and a varint one. */
const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)]);
const field = (number: number, content: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([...varint((number << 3) | 2), ...varint(content.length)]), content]);
const enumField = (number: number, value: number): Buffer => Buffer.from([...varint(number << 3), ...varint(value)]);
const id = field(1, Buffer.from('m'));
const userRole = enumField(4, 1);
/** A SendMessageRequest with this part, or with these bytes as parts and what else belongs into a message. */
const withPart = (part: Uint8Array): Buffer => field(2, Buffer.concat([id, userRole, field(5, part)]));

describe('a message that is not valid', () => {
  const number = (value: number): Uint8Array =>
    toBinary(ValueSchema, create(ValueSchema, { kind: { case: 'numberValue', value } }));
  const nan = create(ValueSchema, { kind: { case: 'numberValue', value: Number.NaN } });
  const struct = toBinary(StructSchema, create(StructSchema, { fields: { a: nan } }));

  test.each<[string, () => Buffer, string, RegExp]>([
    ['no message', () => Buffer.alloc(0), 'message', /required/],
    ['an empty message', () => field(2, Buffer.alloc(0)), 'message.parts', /required/],
    ['a part without content', () => withPart(Buffer.alloc(0)), 'message.parts[0]', /exactly one of/],
    [
      'an unknown role',
      () => field(2, Buffer.concat([id, enumField(4, 99), field(5, field(1, Buffer.from('a')))])),
      'message.role',
      /must be one of/,
    ],
    ['no role', () => field(2, Buffer.concat([id, field(5, field(1, Buffer.from('a')))])), 'message.role', /required/],
    ['data that is NaN', () => withPart(field(4, number(Number.NaN))), 'message.parts[0].data', /finite/],
    [
      'data that is infinite',
      () => withPart(field(4, number(Number.POSITIVE_INFINITY))),
      'message.parts[0].data',
      /finite/,
    ],
    ['data without a value', () => withPart(field(4, Buffer.alloc(0))), 'message.parts[0].data', /without a value/],
    [
      'metadata with NaN',
      () => withPart(Buffer.concat([field(1, Buffer.from('a')), field(5, struct)])),
      'message.parts[0].metadata.a',
      /finite/,
    ],
    ['text that is not UTF-8', () => withPart(field(1, Buffer.from([0xff, 0xfe]))), 'body', /not a valid/],
    ['a lone surrogate', () => withPart(field(1, Buffer.from([0xed, 0xa0, 0x80]))), 'body', /not a valid/],
    ['text with NUL', () => withPart(field(1, Buffer.from('a\0b'))), 'message.parts[0].text', /U\+0000/],
    ['bytes that end too soon', () => Buffer.from([0x12, 0x7f, 1]), 'body', /not a valid/],
    [
      'a negative historyLength',
      () =>
        Buffer.concat([withPart(field(1, Buffer.from('a'))), field(3, Buffer.from([0x18, ...Array(9).fill(0xff), 1]))]),
      'configuration.historyLength',
      /at least 0/,
    ],
  ])('[A5] with %s is INVALID_ARGUMENT with the path of the field, and nothing is stored', async (...row) => {
    const [, bytes, path, description] = row;
    const before = await taskCount();
    const answer = await send(bytes());
    expect(answer.code).toBe('INVALID_ARGUMENT');
    expect(violations(answer)).toContainEqual([path, expect.stringMatching(description)]);
    expect(await taskCount()).toBe(before);
  });

  test('[A5] nested deeper than may be stored, or than any stack holds, is refused', async () => {
    for (const [depth, code] of [
      [90, 'OK'],
      [101, 'INVALID_ARGUMENT'],
      [2000, 'INVALID_ARGUMENT'],
    ] as const) {
      let value: Buffer = Buffer.from(number(1));
      // Value{listValue{values}}, from the inside out.
      for (let level = 0; level < depth; level++) value = field(6, field(1, value));
      const request = field(
        2,
        Buffer.concat([field(1, Buffer.from(`deep-${depth}`)), userRole, field(5, field(4, value))]),
      );
      expect([depth, (await send(request)).code]).toEqual([depth, code]);
    }
  });

  test('[A5] unknown enum values, times beyond the calendar and negative sizes of other requests too', async () => {
    const list = (bytes: Uint8Array) => client.call(`${V1}/ListTasks`, bytes, { metadata });
    const time = field(7, Buffer.from([0x08, ...varint(2 ** 31 - 1).slice(0, 4), 0xff, 0xff, 0xff, 0xff, 0x7f]));
    for (const [bytes, path] of [
      [enumField(3, 42), 'status'],
      [time, 'statusTimestampAfter'],
      [enumField(4, 101), 'pageSize'],
      [enumField(4, 0), 'pageSize'],
    ] as const) {
      const answer = await list(bytes);
      expect([path, answer.code]).toEqual([path, 'INVALID_ARGUMENT']);
      expect(violations(answer).map(([where]) => where)).toEqual([path]);
    }
  });

  test('[A5] in 0.3, a name that names no task or configuration is refused by its field', async () => {
    for (const [method, request, path] of [
      ['GetTask', { name: 'task-1' }, 'name'],
      ['CancelTask', {}, 'name'],
      ['TaskSubscription', { name: 'tasks/' }, 'name'],
      ['GetTaskPushNotificationConfig', { name: 'tasks/a' }, 'name'],
      ['DeleteTaskPushNotificationConfig', { name: 'tasks/a/pushNotificationConfigs/' }, 'name'],
      ['ListTaskPushNotificationConfig', { parent: 'a' }, 'parent'],
      ['CreateTaskPushNotificationConfig', { parent: '', config: {} }, 'parent'],
      ['SendMessage', { message: { messageId: 'm', role: 'ROLE_USER' } }, 'message.content'],
    ] as const) {
      const answer = await client.call(`${V03}/${method}`, request, { metadata });
      expect([method, answer.code]).toEqual([method, 'INVALID_ARGUMENT']);
      expect(violations(answer).map(([where]) => where)).toEqual([path]);
    }
  });

  test('[A5] whatever bytes come, the answer is the fault of the caller and never of the server', async () => {
    const methods = ['SendMessage', 'GetTask', 'ListTasks', 'CreateTaskPushNotificationConfig'];
    const good = Buffer.from(
      bytesOf(messageType('lf.a2a.v1.SendMessageRequest'), text('fuzz', { metadata: { a: [1, { b: null }] } })),
    );
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      // A valid request with a few bytes changed.
      fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }).map((changes) => {
        const changed = Buffer.from(good);
        for (const [index, value] of changes) changed[index] = value;
        return changed;
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...methods), fc.constantFrom(V1, V03), bytes, async (method, service, sent) => {
        if (service === V03 && method === 'ListTasks') return;
        const answer = await client.call(`${service}/${method}`, sent, { metadata, deadlineMs: 10_000 });
        expect(answer.code).toMatch(/^(OK|INVALID_ARGUMENT|NOT_FOUND|FAILED_PRECONDITION)$/);
      }),
      { numRuns: 300, seed: 3 },
    );
    expect((await send(text('still here'))).code).toBe('OK');
  });
});

describe('sizes', () => {
  test('[A5] a message beyond server.bodyLimitBytes is RESOURCE_EXHAUSTED, names the key and is counted', async () => {
    const answer = await send(text('x'.repeat(70_000)));
    expect(answer).toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      message: expect.stringContaining('server.bodyLimitBytes'),
    });
    expect(reasonOf(answer)).toBe('PAYLOAD_TOO_LARGE');
    expect(await metricOf(parley, 'parley_limit_reached_total{limit="server.bodyLimitBytes"}')).toBe(1);
  });

  test('[A5] a message of very many values is refused before it is decoded, wherever they are; one of few is not', async () => {
    const values = (count: number): JsonValue => Array<null>(count).fill(null);
    const entries = (count: number): JsonValue =>
      Object.fromEntries(Array.from({ length: count }, (_, key) => [key, 1]));
    for (const [what, count, code] of [
      ['data', 1500, 'OK'],
      ['data', 2500, 'RESOURCE_EXHAUSTED'],
      ['metadata', 1500, 'OK'],
      ['metadata', 2500, 'RESOURCE_EXHAUSTED'],
      ['extensions', 2500, 'RESOURCE_EXHAUSTED'],
    ] as const) {
      const more: Record<string, JsonValue> = {
        data: { parts: [{ data: values(count) }] },
        metadata: { metadata: entries(count) },
        extensions: { extensions: Array<string>(count).fill('') },
      }[what];
      const answer = await send(text('many', more));
      expect([what, count, answer.code]).toEqual([what, count, code]);
      expect(answer.message.includes('server.maxJsonValues')).toBe(code !== 'OK');
    }
  });

  test('[A5] metadata beyond server.headerLimitBytes too; a megabyte of it breaks one call and nothing else', async () => {
    const answer = await send(text('a'), { 'x-much': 'y'.repeat(10_000) });
    expect(answer).toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      message: expect.stringContaining('server.headerLimitBytes'),
    });
    expect(reasonOf(answer)).toBe('HEADERS_TOO_LARGE');
    const flood = Object.fromEntries(Array.from({ length: 128 }, (_, index) => [`x-${index}`, 'z'.repeat(8192)]));
    const other = new GrpcClient(`127.0.0.1:${parley.ports.grpcPort}`);
    const flooded = await other.call(`${V1}/SendMessage`, text('a'), {
      metadata: { ...metadata, ...flood },
      deadlineMs: 10_000,
    });
    other.close();
    expect(flooded.code).not.toBe('OK');
    expect((await send(text('still here'))).code).toBe('OK');
  });
});

describe('metadata', () => {
  test('[A3] the request id comes back, of the caller or of the server, with answers and with errors', async () => {
    const own = await send(text('a'), { 'x-request-id': 'my-request.1' });
    expect(own.head['x-request-id']).toBe('my-request.1');
    const failed = await client.call(`${V1}/GetTask`, { id: 'none' }, { metadata });
    expect(failed.trailers['x-request-id']).toMatch(/\w/);
    const invalid = await send(text('a'), { 'x-request-id': 'not an id' });
    expect(invalid.head['x-request-id']).not.toBe('not an id');
  });

  test('[A4] the service decides on the version; metadata that asks for another one is refused', async () => {
    for (const [service, version, code] of [
      [V1, '1.0', 'OK'],
      [V1, '1.0.7', 'OK'],
      [V1, '0.3', 'FAILED_PRECONDITION'],
      [V1, '2.0', 'FAILED_PRECONDITION'],
      [V03, '0.3', 'OK'],
      [V03, '1.0', 'FAILED_PRECONDITION'],
    ] as const) {
      const message = { messageId: crypto.randomUUID(), role: 'ROLE_USER' };
      const request = service === V1 ? text('a') : { message: { ...message, content: [{ text: 'a' }] } };
      const answer = await client.call(`${service}/SendMessage`, request, {
        metadata: { ...metadata, 'a2a-version': version },
      });
      expect([service, version, answer.code]).toEqual([service, version, code]);
      expect(reasonOf(answer)).toBe(code === 'OK' ? undefined : 'VERSION_NOT_SUPPORTED');
    }
  });

  test('[A2] an agent is named by metadata or as the tenant, and one that is not there is not found', async () => {
    const named = (agent: string) => ({ 'x-parley-agent': agent });
    const withTenant = (tenant: string): JsonValue => ({ ...Object(text('a')), tenant });
    expect((await send(text('a'), named('echo'))).code).toBe('OK');
    expect((await send(withTenant('echo'))).code).toBe('OK');
    for (const answer of [await send(text('a'), named('nobody')), await send(withTenant('nobody'))]) {
      expect(answer).toMatchObject({ code: 'NOT_FOUND', message: 'There is no agent nobody' });
    }
    const contradiction = await send(withTenant('echo'), named('other'));
    expect(violations(contradiction).map(([where]) => where)).toEqual(['tenant']);
  });

  test('[A5] an idempotency key and a resume position that are not valid are refused by their names', async () => {
    const long = await send(text('a'), { 'idempotency-key': 'k'.repeat(256) });
    expect(violations(long).map(([where]) => where)).toEqual(['Idempotency-Key']);
    const position = await send(text('a'), { 'last-event-id': 'first' });
    expect(violations(position).map(([where]) => where)).toEqual(['Last-Event-ID']);
  });

  test('[A8] durations and status codes of calls are counted by method', async () => {
    const series = `parley_grpc_requests_total{method="${V1}/GetTask",code="NOT_FOUND"}`;
    const before = (await metricOf(parley, series)) ?? 0;
    await client.call(`${V1}/GetTask`, { id: 'none' }, { metadata });
    expect(await metricOf(parley, series)).toBe(before + 1);
    expect(
      await metricOf(parley, `parley_grpc_request_duration_seconds_count{method="${V1}/GetTask",code="NOT_FOUND"}`),
    ).toBe(before + 1);
  });
});
