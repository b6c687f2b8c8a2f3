/** Every operation in JSON-RPC, REST and gRPC, in 1.0 and 0.3: the same request gives the same answer and the same error. */
import { status } from '@grpc/grpc-js';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Operation } from '../../../src/protocol/codec.ts';
import {
  listTasksResponseSchema,
  sendMessageResponseSchema,
  streamResponseSchema,
  taskSchema,
} from '../../../src/protocol/v1/schemas.ts';
import type { Task } from '../../../src/protocol/v1/types.ts';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { waitFor } from '../../support/wait-for.ts';
import { comparable } from './comparable.ts';
import { ALL_WIRES, type Answer, call, type Fields, LISTING_WIRES, stream, textMessage, type Wire } from './wire.ts';

let parley: ParleyProcess;

beforeAll(async () => {
  parley = await startParley();
});

/** What `ask` gives over each wire, by the wire's name, without what differs from task to task. */
async function onAll(
  ask: (wire: Wire) => Promise<unknown>,
  over: readonly Wire[] = ALL_WIRES,
): Promise<Record<string, unknown>> {
  const answers: Record<string, unknown> = {};
  for (const wire of over) answers[wire.name] = comparable(await ask(wire));
  return answers;
}

function allEqual(answers: Record<string, unknown>): unknown {
  const [first] = Object.values(answers);
  expect(answers).toEqual(Object.fromEntries(Object.keys(answers).map((name) => [name, first])));
  return first;
}

const wires = ALL_WIRES.map((wire) => [wire.name, wire] as const);
const listingWires = LISTING_WIRES.map((wire) => [wire.name, wire] as const);
const v1 = ALL_WIRES[0] as Wire;

async function sent(wire: Wire, text: string, more: Fields = {}, configuration: Fields = {}): Promise<Task> {
  const { result, error } = await call(parley, wire, 'SendMessage', {
    message: textMessage(text, more),
    configuration,
  });
  if (error !== undefined) throw new Error(`${wire.name}: ${error.message}`);
  const answer = sendMessageResponseSchema.parse(result);
  if (!('task' in answer)) throw new Error(`${wire.name}: the answer is no task`);
  return answer.task;
}

describe('sending', () => {
  const parts: [string, Fields[], Fields?][] = [
    ['one text', [{ text: 'hello' }]],
    ['text that is empty', [{ text: '' }]],
    ['text outside of the BMP', [{ text: '🦜 — Ünïcode \u2028' }]],
    ['an inline file', [{ raw: 'aGVsbG8=', mediaType: 'application/octet-stream' }]],
    ['a linked file', [{ url: 'https://example.com/a.pdf', mediaType: 'application/pdf' }]],
    ['data', [{ data: { a: [1, null, { b: 'c' }], d: 1.5 } }]],
    ['several parts', [{ text: 'a' }, { data: { b: true } }, { raw: 'AA==' }]],
    ['metadata of the message', [{ text: 'a' }], { metadata: { k: { nested: [1] } } }],
    ['extensions and references', [{ text: 'a' }], { extensions: ['https://example.com/x'] }],
    ['a failing task', [{ text: '/fail no coffee' }]],
    ['a rejected task', [{ text: '/reject' }]],
    ['a task that asks', [{ text: '/ask Which city?' }]],
    ['a file from the agent', [{ text: '/file report.txt' }]],
    ['a stream that nobody streams', [{ text: '/stream count=3 interval=0' }]],
    ['a command that is wrong', [{ text: '/sleep soon' }]],
  ];

  test.each(parts)('[A3] [BIND-1] %s gives the same task over every wire', async (_what, sentParts, more) => {
    const answers = await onAll(async (wire) => {
      const message = { ...textMessage('', more), parts: sentParts };
      const { status, result, error } = await call(parley, wire, 'SendMessage', { message });
      expect(sendMessageResponseSchema.safeParse(result).error).toBeUndefined();
      return { status, result, error };
    });
    expect(allEqual(answers)).toMatchObject({ status: 200, result: { task: { id: expect.any(String) } } });
  });

  test.each(parts)('[A3] %s gives the same events over every wire', async (_what, sentParts, more) => {
    const answers = await onAll(async (wire) => {
      const message = { ...textMessage('', more), parts: sentParts };
      // A task that asks does not end its stream in 1.0; in all others the server ends it.
      const count = String(sentParts[0]?.['text']).startsWith('/ask') ? { count: 2 } : {};
      const { status, contentType, ids, events } = await stream(
        parley,
        wire,
        'SendStreamingMessage',
        { message },
        count,
      );
      for (const event of events) expect(streamResponseSchema.safeParse(event).error).toBeUndefined();
      expect(contentType).toBe(wire.binding === 'GRPC' ? 'application/grpc+proto' : 'text/event-stream');
      return { status, ids, events };
    });
    const first = allEqual(answers) as { ids: string[]; events: unknown[] };
    expect(first.events[0]).toMatchObject({ task: { status: { state: 'TASK_STATE_SUBMITTED' } } });
    expect(first.ids).toEqual(first.events.map((_event, index) => String(index + 1)));
  });

  test('[A3] returnImmediately gives the task before it is done, over every wire', async () => {
    for (const wire of ALL_WIRES) {
      const task = await sent(wire, '/sleep 60000', {}, { returnImmediately: true });
      expect(['TASK_STATE_SUBMITTED', 'TASK_STATE_WORKING']).toContain(task.status.state);
      await call(parley, wire, 'CancelTask', { id: task.id });
    }
  });

  test.each(wires)('[A3] a blocking send over %s waits until the work is done', async (_name, wire) => {
    const before = performance.now();
    const task = await sent(wire, '/sleep 300');
    expect(task.status.state).toBe('TASK_STATE_COMPLETED');
    expect(performance.now() - before).toBeGreaterThanOrEqual(295);
  });
});

/** In protobuf of 0.3 a limit of 0 cannot be told from none. */
function limitingWires(historyLength: number | undefined): readonly Wire[] {
  return historyLength === 0 ? ALL_WIRES.filter(({ name }) => name !== '0.3 gRPC') : ALL_WIRES;
}

describe('reading', () => {
  test.each([undefined, 0, 1, 2, 100])(
    '[A3] historyLength %s gives the same of one task everywhere',
    async (length) => {
      const asked = await sent(v1, '/ask Which city?');
      await sent(v1, 'Paris', { taskId: asked.id });
      const limit = length === undefined ? {} : { historyLength: length };
      const got = await onAll(async (wire) => {
        const { result } = await call(parley, wire, 'GetTask', { id: asked.id, ...limit });
        return taskSchema.parse(result);
      }, limitingWires(length));
      const task = allEqual(got) as Task;
      const whole = 3;
      expect(task.history?.length ?? 0).toBe(Math.min(whole, length ?? whole));
      const listed = await onAll(async (wire) => {
        const { result } = await call(parley, wire, 'ListTasks', { contextId: asked.contextId, ...limit });
        return (result as { tasks: Task[] }).tasks;
      }, LISTING_WIRES);
      const [inList] = allEqual(listed) as Task[];
      const textsOf = (read: Task | undefined) => (read?.history ?? []).map(({ parts }) => parts[0]?.text);
      expect(textsOf(inList)).toEqual(textsOf(task));
      expect(textsOf(task)).toEqual(
        ['/ask Which city?', 'Which city?', 'Paris'].slice(whole - (task.history?.length ?? 0)),
      );
    },
  );

  test.each([0, 1, undefined])('[A3] historyLength %s of a send is kept over every wire', async (length) => {
    const limit = length === undefined ? {} : { historyLength: length };
    for (const wire of limitingWires(length)) {
      const task = await sent(wire, 'hi', {}, limit);
      expect([wire.name, task.history?.length ?? 0]).toEqual([wire.name, length ?? 1]);
    }
  });

  test('[A3] one task, byte for byte the same in meaning, whoever made it and whoever reads it', async () => {
    for (const maker of ALL_WIRES) {
      const task = await sent(maker, 'hello', { metadata: { from: maker.name } });
      const readings: Record<string, unknown> = {};
      for (const wire of ALL_WIRES) readings[wire.name] = (await call(parley, wire, 'GetTask', { id: task.id })).result;
      const read = readings['1.0 JSON-RPC'] as Task;
      expect(readings['1.0 REST']).toEqual(read);
      expect(readings['1.0 gRPC']).toEqual(read);
      for (const name of ['0.3 JSON-RPC', '0.3 REST', '0.3 gRPC']) {
        expect(comparable(readings[name])).toEqual(comparable(read));
      }
      // Ids and times are the same text everywhere.
      for (const other of Object.values(readings) as Task[]) {
        expect([other.id, other.contextId, other.status.timestamp]).toEqual([
          read.id,
          read.contextId,
          read.status.timestamp,
        ]);
      }
    }
  });
});

describe('listing', () => {
  const contextId = 'listing-context';
  let tasks: Task[];

  beforeAll(async () => {
    tasks = [];
    for (const text of ['one', '/fail two', '/ask three', 'four', '/reject', 'six', 'seven']) {
      tasks.push(await sent(v1, text, { contextId }));
      await clockTurns();
    }
    await sent(v1, 'elsewhere', { contextId: 'another-context' });
  });

  /** Status times have milliseconds: the next task gets a later one. */
  async function clockTurns(): Promise<void> {
    const now = Date.now();
    await waitFor('the next millisecond', 20_000, () => Date.now() > now);
  }

  const ids = (answer: Answer): string[] => (answer.result as { tasks: Task[] }).tasks.map(({ id }) => id);
  const pick = (...indexes: number[]): (string | undefined)[] => indexes.map((index) => tasks[index]?.id);

  test.each<[string, () => Fields, () => (string | undefined)[]]>([
    ['contextId', () => ({ contextId }), () => pick(6, 5, 4, 3, 2, 1, 0)],
    ['an unknown contextId', () => ({ contextId: 'nobody' }), () => []],
    ['status', () => ({ contextId, status: 'TASK_STATE_COMPLETED' }), () => pick(6, 5, 3, 0)],
    ['status failed', () => ({ contextId, status: 'TASK_STATE_FAILED' }), () => pick(1)],
    ['status input-required', () => ({ contextId, status: 'TASK_STATE_INPUT_REQUIRED' }), () => pick(2)],
    ['status canceled, of which there is none', () => ({ contextId, status: 'TASK_STATE_CANCELED' }), () => []],
    ['pageSize', () => ({ contextId, pageSize: 2 }), () => pick(6, 5)],
    [
      'statusTimestampAfter, at or after',
      () => ({ contextId, statusTimestampAfter: tasks[4]?.status.timestamp }),
      () => pick(6, 5, 4),
    ],
    [
      'statusTimestampAfter with an offset',
      () => ({ contextId, statusTimestampAfter: tasks[4]?.status.timestamp?.replace('Z', '+00:00') }),
      () => pick(6, 5, 4),
    ],
    [
      'all of them together',
      () => ({
        contextId,
        status: 'TASK_STATE_COMPLETED',
        statusTimestampAfter: tasks[3]?.status.timestamp,
        pageSize: 2,
        historyLength: 0,
        includeArtifacts: true,
      }),
      () => pick(6, 5),
    ],
  ])('[A3] by %s over every wire', async (_filter, fields, expected) => {
    for (const wire of LISTING_WIRES) {
      const answer = await call(parley, wire, 'ListTasks', fields());
      expect([wire.name, ids(answer)]).toEqual([wire.name, expected()]);
    }
    const pages = await onAll(
      async (wire) => ((await call(parley, wire, 'ListTasks', fields())).result as { tasks: unknown }).tasks,
      LISTING_WIRES,
    );
    allEqual(pages);
  });

  test('[A3] artifacts are there only when asked for, over every wire', async () => {
    for (const wire of LISTING_WIRES) {
      for (const [includeArtifacts, count] of [
        [undefined, undefined],
        [false, undefined],
        [true, 1],
      ] as const) {
        const asked = includeArtifacts === undefined ? {} : { includeArtifacts };
        const { result } = await call(parley, wire, 'ListTasks', { contextId, pageSize: 1, ...asked });
        const [task] = (result as { tasks: Task[] }).tasks;
        // Left out, and not empty.
        expect([wire.name, task?.artifacts?.length]).toEqual([wire.name, count]);
      }
    }
  });

  // 0.3 REST answers with the bare array of its document, which has no place for a token.
  test.each(listingWires.filter(([name]) => name !== '0.3 REST'))(
    '[A3] pages of %s hold each task once',
    async (_name, wire) => {
      const seen: string[] = [];
      let pageToken: string | undefined;
      let pageCount = 0;
      do {
        const token = pageToken === undefined ? {} : { pageToken };
        const answer = await call(parley, wire, 'ListTasks', { contextId, pageSize: 3, ...token });
        const page = listTasksResponseSchema.parse(answer.result);
        expect(page).toMatchObject({ pageSize: 3, totalSize: 7 });
        seen.push(...ids(answer));
        pageToken = page.nextPageToken;
        pageCount++;
      } while (pageToken !== '' && pageCount < 10);
      expect(seen).toEqual(pick(6, 5, 4, 3, 2, 1, 0));
      expect(pageCount).toBe(3);
    },
  );

  test('[A3] a token of one wire goes on over another', async () => {
    const first = await call(parley, v1, 'ListTasks', { contextId, pageSize: 5 });
    const pageToken = (first.result as { nextPageToken: string }).nextPageToken;
    for (const wire of LISTING_WIRES) {
      expect(ids(await call(parley, wire, 'ListTasks', { contextId, pageSize: 5, pageToken }))).toEqual(pick(1, 0));
    }
  });

  test('[A3] without any filter the default page of 50 comes, newest first', async () => {
    for (const wire of LISTING_WIRES.filter(({ name }) => name !== '0.3 REST')) {
      const { result } = await call(parley, wire, 'ListTasks', {});
      const page = listTasksResponseSchema.parse(result);
      expect(page.pageSize).toBe(50);
      const times = page.tasks.map(({ status }) => status.timestamp ?? '');
      expect(times).toEqual(times.toSorted().toReversed());
    }
  });
});

describe('canceling and subscribing', () => {
  test('[A3] a running task is canceled over every wire', async () => {
    const answers = await onAll(async (wire) => {
      const { id } = await sent(wire, '/sleep 60000', {}, { returnImmediately: true });
      const { status, result, error } = await call(parley, wire, 'CancelTask', { id });
      expect(taskSchema.safeParse(result).error).toBeUndefined();
      return { status, state: (result as Task).status.state, error };
    });
    expect(allEqual(answers)).toEqual({ status: 200, state: 'TASK_STATE_CANCELED', error: undefined });
  });

  test.each(wires)('[A3] subscribing over %s gives the task and then what follows, to the end', async (_name, wire) => {
    const { id } = await sent(wire, '/stream count=5 interval=60 delay=200', {}, { returnImmediately: true });
    const { status, events, ids } = await stream(parley, wire, 'SubscribeToTask', { id });
    expect(status).toBe(200);
    expect(events[0]).toMatchObject({ task: { id } });
    expect(events.at(-1)).toMatchObject({ statusUpdate: { taskId: id, status: { state: 'TASK_STATE_COMPLETED' } } });
    const first = Number(ids[0]);
    expect(ids).toEqual(events.map((_event, index) => String(first + index)));
    for (const event of events) expect(streamResponseSchema.safeParse(event).error).toBeUndefined();
  });

  test('[A3] all wires that follow one task get the same events', async () => {
    const { id } = await sent(v1, '/stream count=4 interval=40 delay=1000', {}, { returnImmediately: true });
    const streams = await Promise.all(ALL_WIRES.map((wire) => stream(parley, wire, 'SubscribeToTask', { id })));
    const tails = streams.map(({ ids, events }) => ({ ids: ids.slice(1), events: comparable(events.slice(1)) }));
    expect(tails[0]?.events).toHaveLength(5);
    for (const tail of tails) expect(tail).toEqual(tails[0]);
  });
});

describe('errors', () => {
  const push = { url: 'https://example.com/hook', id: 'config-1' };
  const unknown = '00000000-0000-4000-8000-000000000000';
  const notFound = { reason: 'TASK_NOT_FOUND', rpc: -32001, http: 404, grpc: status.NOT_FOUND };
  const unsupported = { reason: 'UNSUPPORTED_OPERATION', rpc: -32004, http: 400, grpc: status.FAILED_PRECONDITION };
  let done: Task;

  let withoutPush: ParleyProcess;

  beforeAll(async () => {
    done = await sent(v1, 'done');
    withoutPush = await startParley({ config: 'push: { enabled: false }\n' });
  });

  test.each<[string, Operation, () => Fields, { reason: string; rpc: number; http: number; grpc: number }]>([
    ['getting an unknown task', 'GetTask', () => ({ id: unknown }), notFound],
    ['getting what is no id of ours', 'GetTask', () => ({ id: 'a/b?c#d é' }), notFound],
    ['canceling an unknown task', 'CancelTask', () => ({ id: unknown }), notFound],
    [
      'canceling a finished task',
      'CancelTask',
      () => ({ id: done.id }),
      { reason: 'TASK_NOT_CANCELABLE', rpc: -32002, http: 400, grpc: status.FAILED_PRECONDITION },
    ],
    ['subscribing to an unknown task', 'SubscribeToTask', () => ({ id: unknown }), notFound],
    ['subscribing to a finished task', 'SubscribeToTask', () => ({ id: done.id }), unsupported],
    [
      'a message to an unknown task',
      'SendMessage',
      () => ({ message: textMessage('a', { taskId: unknown }) }),
      notFound,
    ],
    [
      'a streamed message to an unknown task',
      'SendStreamingMessage',
      () => ({ message: textMessage('a', { taskId: unknown }) }),
      notFound,
    ],
    [
      'a message to a finished task',
      'SendMessage',
      () => ({ message: textMessage('a', { taskId: done.id }) }),
      unsupported,
    ],
    [
      'a streamed message to a finished task',
      'SendStreamingMessage',
      () => ({ message: textMessage('a', { taskId: done.id }) }),
      unsupported,
    ],
    [
      'creating a push configuration of an unknown task',
      'CreateTaskPushNotificationConfig',
      () => ({ taskId: unknown, ...push }),
      notFound,
    ],
    [
      'getting a push configuration of an unknown task',
      'GetTaskPushNotificationConfig',
      () => ({ taskId: unknown, id: push.id }),
      notFound,
    ],
    [
      'getting an unknown push configuration',
      'GetTaskPushNotificationConfig',
      () => ({ taskId: done.id, id: push.id }),
      notFound,
    ],
    [
      'listing push configurations of an unknown task',
      'ListTaskPushNotificationConfigs',
      () => ({ taskId: unknown }),
      notFound,
    ],
    [
      'deleting a push configuration of an unknown task',
      'DeleteTaskPushNotificationConfig',
      () => ({ taskId: unknown, id: push.id }),
      notFound,
    ],
  ])('[A3] %s is the same error over every wire', async (_what, operation, fields, expected) => {
    expect(await expectSameError(parley, operation, fields, expected)).toBe(ALL_WIRES.length);
  });

  test.each<[string, Operation, () => Fields]>([
    ['creating a push configuration', 'CreateTaskPushNotificationConfig', () => ({ taskId: unknown, ...push })],
    ['getting a push configuration', 'GetTaskPushNotificationConfig', () => ({ taskId: unknown, id: push.id })],
    ['listing push configurations', 'ListTaskPushNotificationConfigs', () => ({ taskId: unknown })],
    ['deleting a push configuration', 'DeleteTaskPushNotificationConfig', () => ({ taskId: unknown, id: push.id })],
    [
      'sending with a push configuration',
      'SendMessage',
      () => ({ message: textMessage('a'), configuration: { taskPushNotificationConfig: push } }),
    ],
  ])('[A3] %s, where the agent declares none, is the same error over every wire', async (_what, operation, fields) => {
    const expected = { reason: 'PUSH_NOTIFICATION_NOT_SUPPORTED', rpc: -32003, http: 400, grpc: 9 };
    expect(await expectSameError(withoutPush, operation, fields, expected)).toBe(ALL_WIRES.length);
  });

  /** Answers how many wires gave it. */
  async function expectSameError(
    server: ParleyProcess,
    operation: Operation,
    fields: () => Fields,
    expected: { readonly reason: string; readonly rpc: number; readonly http: number; readonly grpc: number },
  ): Promise<number> {
    const answers: Record<string, unknown> = {};
    for (const wire of ALL_WIRES) {
      const isStream = operation === 'SendStreamingMessage' || operation === 'SubscribeToTask';
      const ask = isStream
        ? stream(server, wire, operation, fields(), { count: 1 })
        : call(server, wire, operation, fields());
      const answer = await ask;
      const { error } = answer;
      const statuses = { JSONRPC: 200, 'HTTP+JSON': expected.http, GRPC: expected.grpc };
      expect([wire.name, answer.status]).toEqual([wire.name, statuses[wire.binding]]);
      // 0.3 REST carries the JSON-RPC code, 1.0 REST the HTTP status.
      const restCode = wire.version === '0.3' ? expected.rpc : expected.http;
      const code = { JSONRPC: expected.rpc, 'HTTP+JSON': restCode, GRPC: expected.grpc }[wire.binding];
      expect(error).toMatchObject({
        reason: expected.reason,
        code,
        message: expect.stringMatching(/.{10}/),
      });
      answers[wire.name] = { reason: error?.reason, message: error?.message, metadata: error?.metadata };
    }
    allEqual(answers);
    return Object.keys(answers).length;
  }
});
