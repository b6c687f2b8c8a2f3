/** Following a task: frames, heartbeats, resumption from every position, and what is refused. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { openSse, type SseEvent, type SseStream } from '../../support/sse.ts';
import {
  ask,
  at,
  type Caller,
  callerOf,
  errorOf,
  FORMS,
  type Form,
  headersOf,
  issueKey,
  REST,
  RPC_ID,
  stateOf,
  taskIdOf,
  wireRequest,
} from '../../support/wire-client.ts';

let parley: ParleyProcess;
let caller: Caller;
beforeAll(async () => {
  parley = await startParley({ config: 'streams: { heartbeatMs: 1000 }\n' });
  caller = callerOf(parley, (await issueKey(parley)).key);
});
afterAll(() => parley?.destroy());

interface From {
  readonly form?: Form;
  /** Sent as `Last-Event-ID`. */
  readonly header?: number | string;
  /** Sent as `?lastEventId=`. */
  readonly query?: number | string;
  readonly onComment?: (comment: string) => void;
}

function open(
  operation: 'SendStreamingMessage' | 'SubscribeToTask',
  fields: object,
  from: From = {},
): Promise<SseStream> {
  const { form = REST, header, query, onComment } = from;
  const { method, path, body } = wireRequest(operation, form, fields);
  if (method === 'DELETE') throw new Error('No stream is opened by DELETE');
  return openSse(`${caller.address}${path}${query === undefined ? '' : `?lastEventId=${query}`}`, {
    method,
    headers: headersOf(caller, form),
    ...(body === undefined ? {} : { body }),
    ...(header === undefined ? {} : { lastEventId: String(header) }),
    ...(onComment === undefined ? {} : { onComment }),
  });
}

const subscribe = (taskId: string, from?: From) => open('SubscribeToTask', { taskId }, from);
const begin = async (text: string) =>
  taskIdOf(await ask(caller, 'SendMessage', REST, { text, returnImmediately: true }));
const idsOf = (events: readonly SseEvent[]) => events.map(({ id }) => Number(id));
const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index);

/** The events of a whole task: submitted, working, 27 ticks, completed. */
const LAST = 30;

describe('a stream', () => {
  test.each(FORMS)(
    '[A9] by $binding $version has one event per seq from 1 on, each a frame with id and data',
    async (form) => {
      const stream = await open('SendStreamingMessage', { text: '/stream count=27 interval=2' }, { form });
      expect(stream.status).toBe(200);
      expect(stream.headers['content-type']).toBe('text/event-stream');
      expect(stream.headers['cache-control']).toContain('no-cache');
      const events = await stream.collect();
      expect(idsOf(events)).toEqual(range(1, LAST));
      const envelope = form.binding === 'REST' ? {} : { jsonrpc: '2.0', id: RPC_ID };
      for (const { event, data } of events) {
        expect(event).toBeUndefined();
        expect(JSON.parse(data)).toMatchObject(envelope);
      }
    },
  );

  test('[A9] begins with the Task, then has its changes in order, and ends after the terminal one', async () => {
    const stream = await open('SendStreamingMessage', { text: '/stream count=27 interval=2' });
    const events = (await stream.collect()).map(({ data }) => JSON.parse(data) as unknown);
    expect(events.map((event) => Object.keys(event as object)[0])).toEqual([
      'task',
      'statusUpdate',
      ...range(1, 27).map(() => 'artifactUpdate'),
      'statusUpdate',
    ]);
    const texts = events.slice(2, -1).map((event) => at(event, 'artifactUpdate', 'artifact', 'parts', 0, 'text'));
    expect(texts.map((text) => String(text).split(' t=')[0])).toEqual(range(0, 26).map((index) => `tick ${index}`));
    expect(at(events[1], 'statusUpdate', 'status', 'state')).toBe('TASK_STATE_WORKING');
    expect(at(events[LAST - 1], 'statusUpdate', 'status', 'state')).toBe('TASK_STATE_COMPLETED');
  });

  test.each([
    ['fails', '/fail out of coffee', 'TASK_STATE_FAILED'],
    ['is rejected', '/reject', 'TASK_STATE_REJECTED'],
  ])('[A9] of a task that %s ends after that event', async (_how, text, state) => {
    const events = await (await open('SendStreamingMessage', { text })).collect();
    expect(at(JSON.parse(events[events.length - 1]?.data ?? ''), 'statusUpdate', 'status', 'state')).toBe(state);
  });

  test('[A9] of a task that is canceled ends after that event, for all who follow it', async () => {
    const taskId = await begin('/sleep 600000');
    const streams = await Promise.all([subscribe(taskId), subscribe(taskId), subscribe(taskId, { header: 0 })]);
    expect(stateOf(await ask(caller, 'CancelTask', REST, { taskId }))).toBe('TASK_STATE_CANCELED');
    for (const stream of streams) {
      const last = (await stream.collect()).at(-1)?.data ?? '';
      expect(at(JSON.parse(last), 'statusUpdate', 'status', 'state')).toBe('TASK_STATE_CANCELED');
    }
  });

  test('[A9] that is silent gets a comment now and then, and no event with it', async () => {
    const comments: string[] = [];
    const stream = await open(
      'SendStreamingMessage',
      { text: '/sleep 2500' },
      { onComment: (comment) => comments.push(comment) },
    );
    const events = await stream.collect();
    expect(comments.length).toBeGreaterThanOrEqual(2);
    expect(comments.map((comment) => comment.trim())).toEqual(comments.map(() => ''));
    expect(idsOf(events)).toEqual([1, 2, 3]);
  });
});

describe('resuming', () => {
  test('[A9] from every position of a task while it runs gives what came later, once, byte for byte', async () => {
    const whole: SseEvent[] = [];
    const resumed: Promise<[number, SseEvent[] | number]>[] = [];
    const resumeAfter = async (position: number): Promise<[number, SseEvent[] | number]> => {
      // The header and the query by turns; where both are sent the header counts.
      const from: From[] = [{ header: position }, { query: position }, { header: position, query: 0 }];
      const stream = await subscribe(taskId, from[position % 3]);
      return [position, stream.status === 200 ? await stream.collect() : stream.status];
    };
    const taskId = await begin('/stream count=27 interval=40 delay=100');
    for await (const event of await subscribe(taskId, { header: 0 })) {
      whole.push(event);
      const head = Number(event.id);
      resumed.push(resumeAfter(head));
      // Also far behind the head, when all of it is still to come and most is in the log.
      if (head === 15) for (const position of range(0, 14)) resumed.push(resumeAfter(position));
    }
    expect(idsOf(whole)).toEqual(range(1, LAST));
    expect(resumed).toHaveLength(LAST + 15);
    for (const [position, events] of await Promise.all(resumed)) {
      expect(events, `after ${position}`).toEqual(position === LAST ? 204 : whole.slice(position));
    }
  });

  test.each(FORMS)(
    '[A9] by $binding $version from every position of a task that has ended gives the rest, and ends',
    async (form) => {
      const sent = await open('SendStreamingMessage', { text: '/stream count=27 interval=0' }, { form });
      const whole = await sent.collect();
      const [first] = whole.map(({ data }) => JSON.parse(data) as unknown);
      const taskId = taskIdOf({ status: 200, headers: {}, text: '', json: first });
      for (const position of range(0, LAST - 1)) {
        const stream = await subscribe(taskId, { form, header: position });
        expect(await stream.collect(), `after ${position}`).toEqual(whole.slice(position));
      }
      const nothing = await subscribe(taskId, { form, header: LAST });
      expect([nothing.status, await nothing.text()]).toEqual([204, '']);
    },
  );

  test.each(FORMS)('[A9] by $binding $version above the head is an error that names the head', async (form) => {
    const ended = taskIdOf(await ask(caller, 'SendMessage', REST));
    const running = await begin('/sleep 600000');
    for (const [taskId, head] of [
      [ended, 4],
      [running, 2],
    ] as const) {
      const stream = await subscribe(taskId, { form, header: head + 1 });
      const text = await stream.text();
      expect(errorOf({ status: stream.status, headers: {}, text, json: JSON.parse(text) })).toEqual({
        status: 400,
        code: form.binding === 'REST' && form.version === '1.0' ? 400 : -32602,
        reason: 'EVENT_ID_OUT_OF_RANGE',
        message: `Last-Event-ID ${head + 1} is above the task's last event, ${head}`,
      });
    }
    await ask(caller, 'CancelTask', REST, { taskId: running });
  });

  test.each(['abc', '-1', '1.5', '1e3', '99999999999'])(
    '[A9] from %s, which is no event, is refused',
    async (header) => {
      const taskId = taskIdOf(await ask(caller, 'SendMessage', REST));
      const stream = await subscribe(taskId, { header });
      const text = await stream.text();
      expect(errorOf({ status: stream.status, headers: {}, text, json: JSON.parse(text) })).toMatchObject({
        status: 400,
        reason: 'INVALID_PARAMS',
        message: 'Invalid parameters: Last-Event-ID: must be the id of an event, a whole number',
      });
    },
  );

  test("[A6, A9] another's task from any position is not found, as one that is not there", async () => {
    const taskId = await begin('/stream count=27 interval=0');
    const { key } = await issueKey(parley);
    for (const lastEventId of [undefined, '0', '5', '30', '31']) {
      for (const id of [taskId, '01900000-0000-7000-8000-000000000000']) {
        const headers = { authorization: `Bearer ${key}`, 'a2a-version': '1.0' };
        const url = `${caller.address}/tasks/${id}:subscribe`;
        const stream = await openSse(url, { headers, ...(lastEventId === undefined ? {} : { lastEventId }) });
        const text = await stream.text();
        expect(errorOf({ status: stream.status, headers: {}, text, json: JSON.parse(text) })).toMatchObject({
          status: 404,
          reason: 'TASK_NOT_FOUND',
        });
      }
    }
  });

  test.each(FORMS)(
    '[A9] by $binding $version a task that has ended, without a position, is an unsupported operation',
    async (form) => {
      const taskId = taskIdOf(await ask(caller, 'SendMessage', REST));
      const answer = await ask(caller, 'SubscribeToTask', form, { taskId });
      const isRest = form.binding === 'REST';
      expect(errorOf(answer)).toEqual({
        status: isRest ? 400 : 200,
        code: isRest && form.version === '1.0' ? 400 : -32004,
        reason: 'UNSUPPORTED_OPERATION',
        message: expect.stringContaining('The task has ended (TASK_STATE_COMPLETED)'),
      });
    },
  );
});

describe('several subscribers', () => {
  test('[A9] get the same events in the same order; one that leaves does not disturb the others', async () => {
    const first = await open('SendStreamingMessage', { text: '/stream count=40 interval=20' });
    const followers: Promise<SseEvent[]>[] = [];
    const whole: SseEvent[] = [];
    for await (const event of first) {
      whole.push(event);
      if (event.id !== '3') continue;
      const taskId = String(at(JSON.parse(whole[0]?.data ?? ''), 'task', 'id'));
      const streams = await Promise.all(range(1, 6).map(() => subscribe(taskId)));
      const [leaves, ...stay] = streams;
      followers.push(...stay.map((stream) => stream.collect()));
      const short = await leaves?.collect(4);
      expect(short).toHaveLength(4);
      leaves?.close();
    }
    expect(idsOf(whole)).toEqual(range(1, 43));
    for (const events of await Promise.all(followers)) {
      // The Task as it was, then each change since, as everybody else got it.
      const joinedAt = Number(events[0]?.id);
      expect(joinedAt).toBeLessThan(15);
      expect(at(JSON.parse(events[0]?.data ?? ''), 'task', 'status', 'state')).toBe('TASK_STATE_WORKING');
      expect(events.slice(1)).toEqual(whole.slice(joinedAt));
    }
  });

  test('[A9] of both versions and bindings at once get each event in their own form, under the same id', async () => {
    const taskId = await begin('/stream count=20 interval=20 delay=200');
    const streams = await Promise.all(FORMS.map((form) => subscribe(taskId, { form })));
    const all = await Promise.all(streams.map((stream) => stream.collect()));
    const [v1Rpc, v1Rest, v03Rpc] = all.map((events) => events.slice(1).map(({ data }) => JSON.parse(data) as unknown));
    for (const events of all) expect(idsOf(events)).toEqual(range(Number(events[0]?.id), 23));
    expect(v1Rpc?.slice(-20).map((event) => at(event, 'result'))).toEqual(v1Rest?.slice(-20));
    expect(v03Rpc?.slice(-1)).toMatchObject([{ result: { kind: 'status-update', final: true } }]);
  });
});

describe('a task that waits for an answer', () => {
  test.each(FORMS)(
    '[A9] ends the stream of its turn, and a new subscription sees the next one ($binding $version)',
    async (form) => {
      const events = await (await open('SendStreamingMessage', { text: '/ask Which city?' }, { form })).collect();
      expect(idsOf(events)).toEqual(range(1, 2));
      expect(events.at(-1)?.data).toMatch(/input-required|TASK_STATE_INPUT_REQUIRED/);

      const taskId = /"(?:taskId|task_id)":"([^"]+)"/.exec(events.at(-1)?.data ?? '')?.[1] ?? '';
      const follower = (await subscribe(taskId, { form })).collect();
      const answer = await ask(caller, 'SendMessage', form, { taskId, text: 'Turku' });
      expect(stateOf(answer)).toBe('TASK_STATE_COMPLETED');
      const late = await follower;
      expect(idsOf(late)).toEqual(range(2, 6));
      expect(late[0]?.data).toContain('Which city?');
      expect(late.at(-1)?.data).toMatch(/completed|TASK_STATE_COMPLETED/);
    },
  );

  test('[A9] resumed from the beginning it goes through all its turns, and ends with the last', async () => {
    const [, asked] = await (await open('SendStreamingMessage', { text: '/ask Which city?' })).collect();
    const taskId = /"taskId":"([^"]+)"/.exec(asked?.data ?? '')?.[1] ?? '';
    await ask(caller, 'SendMessage', REST, { taskId, text: 'Turku' });
    const all = await (await subscribe(taskId, { header: 0 })).collect();
    expect(idsOf(all)).toEqual(range(1, 6));
  });
});
