/** Streams over gRPC: resumed without gap, left, cut off, ended by the server; and calls that are left or run out of time. */
import { connect, constants } from 'node:http2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JsonValue } from '../../../src/protocol/json.ts';
import { bytesOf, messageType } from '../../../src/protocol/protobuf/messages.ts';
import { type GrpcAnswer, type GrpcCallOptions, GrpcClient } from '../../support/grpc-client.ts';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { waitFor } from '../../support/wait-for.ts';
import { ask, at, callerOf, issueKey, manage, metricOf, REST, stateOf, taskIdOf } from '../../support/wire-client.ts';

const V1 = 'lf.a2a.v1.A2AService';
const V03 = 'a2a.v1.A2AService';

let parley: ParleyProcess;
let client: GrpcClient;
let metadata: Record<string, string>;
beforeAll(async () => {
  parley = await startParley({ config: 'streams: { heartbeatMs: 1000, stalledTimeoutMs: 1500 }\n' });
  client = new GrpcClient(`127.0.0.1:${parley.ports.grpcPort}`);
  metadata = { authorization: `Bearer ${parley.adminKey}` };
});
afterAll(async () => {
  client?.close();
  await parley?.destroy();
});

async function begin(text: string, on = parley): Promise<string> {
  const caller = callerOf(on, on.adminKey);
  return taskIdOf(await ask(caller, 'SendMessage', REST, { text, returnImmediately: true }));
}

function subscribe(taskId: string, options: GrpcCallOptions = {}, service = V1): Promise<GrpcAnswer> {
  const request = service === V1 ? { id: taskId } : { name: `tasks/${taskId}` };
  const method = service === V1 ? 'SubscribeToTask' : 'TaskSubscription';
  return client.call(`${service}/${method}`, request, {
    deadlineMs: 20_000,
    ...options,
    metadata: { ...metadata, ...options.metadata },
  });
}

const idsOf = ({ head, messages }: GrpcAnswer): number[] =>
  messages.map((_message, index) => Number(head['first-event-id']) + index);
const textsOf = ({ messages }: GrpcAnswer): unknown[] =>
  messages.map((message) => at(message, 'artifactUpdate', 'artifact', 'parts', 0, 'text')).filter(Boolean);
const noStreams = (on = parley): Promise<unknown> =>
  waitFor('all streams to be closed', 20_000, async () => (await metricOf(on, 'parley_streams_open')) === 0);

async function stateNow(taskId: string): Promise<string> {
  return stateOf(await ask(callerOf(parley, parley.adminKey), 'GetTask', REST, { taskId }));
}

describe('a stream', () => {
  test.each([V1, V03])(
    '[A9] of %s that breaks off is resumed after last-event-id without gap or repetition',
    async (s) => {
      const taskId = await begin('/stream count=8 interval=30 delay=100');
      const whole = subscribe(taskId, { metadata: { 'last-event-id': '0' } }, s);
      const early = await subscribe(taskId, { metadata: { 'last-event-id': '0' }, count: 4 }, s);
      expect(early.code).toBe('CANCELLED');
      expect(idsOf(early)).toEqual([1, 2, 3, 4]);
      const rest = await subscribe(taskId, { metadata: { 'last-event-id': '4' } }, s);
      expect(rest.head['first-event-id']).toBe('5');
      expect(rest.code).toBe('OK');
      const all = await whole;
      expect([...early.messages, ...rest.messages]).toEqual(all.messages);
      expect(textsOf(all)).toHaveLength(8);
      expect(all.trailers['last-event-id']).toBe(String(all.messages.length));
      // All of it is here already: nothing is left to send.
      const none = await subscribe(taskId, { metadata: { 'last-event-id': String(all.messages.length) } }, s);
      expect(none).toMatchObject({ code: 'OK', messages: [] });
      const beyond = await subscribe(taskId, { metadata: { 'last-event-id': '999' } }, s);
      expect(beyond.code).toBe('OUT_OF_RANGE');
      await noStreams();
    },
  );

  test('[A9] that is left by its client is closed at once, and the task goes on', async () => {
    const taskId = await begin('/stream count=20 interval=50 delay=200');
    const answers = await Promise.all(Array.from({ length: 10 }, () => subscribe(taskId, { count: 2 })));
    expect(answers.map(({ code }) => code)).toEqual(answers.map(() => 'CANCELLED'));
    await noStreams();
    expect(await stateNow(taskId)).toBe('TASK_STATE_WORKING');
    await waitFor('the end', 20_000, async () => (await stateNow(taskId)) === 'TASK_STATE_COMPLETED');
  });

  test('[A9] whose deadline is over ends with that, and the task goes on', async () => {
    const taskId = await begin('/sleep 2000');
    const answer = await subscribe(taskId, { deadlineMs: 300 });
    expect(answer.code).toBe('DEADLINE_EXCEEDED');
    await noStreams();
    expect(await stateNow(taskId)).toBe('TASK_STATE_WORKING');
  });

  test('[A9] ends when its key is revoked, with a status that says so and where to go on', async () => {
    const { key, id } = await issueKey(parley);
    const owner = callerOf(parley, key);
    const taskId = taskIdOf(await ask(owner, 'SendMessage', REST, { text: '/sleep 20000', returnImmediately: true }));
    let begun: () => void = () => {};
    const first = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const following = subscribe(taskId, { metadata: { authorization: `Bearer ${key}` }, onMessage: () => begun() });
    await first;
    await manage(parley, 'DELETE', `/api/v1/keys/${id}`);
    const answer = await following;
    expect(answer.code).toBe('UNAUTHENTICATED');
    expect(answer.trailers['last-event-id']).toBe(String(idsOf(answer).at(-1)));
    await noStreams();
  });

  test('[A9] ends at shutdown with UNAVAILABLE and a position, from which it goes on after the next start', async () => {
    const other = await startParley({ config: 'server: { drainMs: 200 }\ntasks: { leaseTtlMs: 1000 }\n' });
    const there = new GrpcClient(`127.0.0.1:${other.ports.grpcPort}`);
    const mine = { authorization: `Bearer ${other.adminKey}` };
    const taskId = await begin('/stream count=40 interval=50', other);
    const follow = (lastEventId: string, onMessage = () => {}) =>
      there.call(
        `${V1}/SubscribeToTask`,
        { id: taskId },
        { metadata: { ...mine, 'last-event-id': lastEventId }, deadlineMs: 20_000, onMessage },
      );
    let count = 0;
    const cut = follow('0', () => {
      count++;
    });
    await waitFor('some events', 20_000, () => count > 5);
    expect(await other.stop()).toEqual({ code: 0, signal: null });
    const early = await cut;
    expect(early.code).toBe('UNAVAILABLE');
    expect(early.message).toContain(`last-event-id: ${early.messages.length}`);
    const last = early.trailers['last-event-id'];
    expect(last).toBe(String(early.messages.length));
    await other.restart();
    const rest = await follow(String(last));
    expect(rest.code).toBe('OK');
    expect(idsOf(rest)[0]).toBe(Number(last) + 1);
    there.close();
  });

  test('[A9] whose client reads nothing is cut off, costs no other call, and resumes', async () => {
    const stalled = (await metricOf(parley, 'parley_streams_stalled_total')) ?? 0;
    const caller = callerOf(parley, parley.adminKey);
    const contextId = 'c'.repeat(256);
    const sent = { text: '/stream count=20000 interval=0 delay=300', contextId, returnImmediately: true };
    const taskId = taskIdOf(await ask(caller, 'SendMessage', REST, sent));
    // A client of HTTP/2 itself, which takes no more than it must: a window of 64 KiB.
    const session = connect(`http://127.0.0.1:${parley.ports.grpcPort}`);
    const open = (method: string, request: JsonValue, type: string) => {
      const stream = session.request({
        ':method': 'POST',
        ':path': `/${V1}/${method}`,
        'content-type': 'application/grpc',
        te: 'trailers',
        ...metadata,
      });
      const message = Buffer.from(bytesOf(messageType(`lf.a2a.v1.${type}`), request));
      const frame = Buffer.alloc(5 + message.length);
      frame.writeUInt32BE(message.length, 1);
      message.copy(frame, 5);
      stream.end(frame);
      return stream;
    };
    const slow = open('SubscribeToTask', { id: taskId }, 'SubscribeToTaskRequest');
    slow.pause();
    slow.on('error', () => {});
    const closed = new Promise<number>((resolve) => slow.once('close', () => resolve(slow.rstCode ?? 0)));
    await waitFor('the reader to be cut off', 20_000, async () => {
      return (await metricOf(parley, 'parley_streams_stalled_total')) === stalled + 1;
    });
    slow.resume();
    expect(await closed).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    // The same connection still serves other calls.
    const get = open('GetTask', { id: taskId, historyLength: 0 }, 'GetTaskRequest');
    const status = await new Promise((resolve) => {
      get.on('trailers', (trailers) => resolve(trailers['grpc-status']));
      get.resume();
    });
    expect(status).toBe('0');
    session.destroy();
    const all = await subscribe(taskId, { metadata: { 'last-event-id': '0' } });
    expect(all.messages).toHaveLength(20_003);
    await noStreams();
  });
});

describe('a call that waits', () => {
  const send = (text: string, options: GrpcCallOptions): Promise<GrpcAnswer> => {
    const message = { messageId: crypto.randomUUID(), role: 'ROLE_USER', parts: [{ text }], contextId: 'waiting' };
    return client.call(`${V1}/SendMessage`, { message }, { ...options, metadata });
  };
  async function working(): Promise<unknown[]> {
    const answer = await client.call(
      `${V1}/ListTasks`,
      { contextId: 'waiting', status: 'TASK_STATE_WORKING' },
      { metadata },
    );
    const tasks = at(answer.messages[0], 'tasks');
    return Array.isArray(tasks) ? tasks : [];
  }

  test('[A3] ends at its deadline, or when the client leaves; the work goes on', async () => {
    expect((await send('/sleep 3000', { deadlineMs: 300 })).code).toBe('DEADLINE_EXCEEDED');
    const leaving = new AbortController();
    const left = send('/sleep 3000', { signal: leaving.signal });
    await waitFor('both to run', 20_000, async () => (await working()).length === 2);
    leaving.abort();
    expect((await left).code).toBe('CANCELLED');
    expect(await working()).toHaveLength(2);
    await waitFor('both to end', 20_000, async () => (await working()).length === 0);
  });

  test('[A9] is cut off too where it is one answer that the client does not take', async () => {
    const stalled = (await metricOf(parley, 'parley_streams_stalled_total')) ?? 0;
    const caller = callerOf(parley, parley.adminKey);
    const taskId = taskIdOf(await ask(caller, 'SendMessage', REST, { text: 'x'.repeat(100_000) }));
    const session = connect(`http://127.0.0.1:${parley.ports.grpcPort}`, { settings: { initialWindowSize: 0 } });
    const message = Buffer.from(bytesOf(messageType('lf.a2a.v1.GetTaskRequest'), { id: taskId }));
    const frame = Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
    const path = `/${V1}/GetTask`;
    const headers = {
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...metadata,
    };
    const get = session.request(headers);
    get.on('error', () => {});
    get.resume();
    get.end(frame);
    const code = await new Promise((resolve) => get.once('close', () => resolve(get.rstCode)));
    expect(code).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    expect(await metricOf(parley, 'parley_streams_stalled_total')).toBe(stalled + 1);
    session.destroy();
  });
});
