/** Clients that leave, and how many may be there at once: nothing stays behind, and limits say which one it was. */
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, expect, test } from 'vitest';
import { openRaw } from '../../support/raw-client.ts';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { openSse, type SseStream } from '../../support/sse.ts';
import { waitFor } from '../../support/wait-for.ts';
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
  metricOf,
  REST,
  resultOf,
  stateOf,
  taskIdOf,
  wireRequest,
} from '../../support/wire-client.ts';

let parley: ParleyProcess;
const open: SseStream[] = [];
afterEach(async () => {
  for (const stream of open.splice(0)) stream.close();
  await parley.destroy();
});
afterAll(() => parley?.destroy());

async function start(streams: string): Promise<void> {
  parley = await startParley({ config: `streams: { ${streams} }\n` });
}
const newCaller = async (): Promise<Caller> => callerOf(parley, (await issueKey(parley)).key);
const begin = async (caller: Caller, text = '/sleep 600000') =>
  taskIdOf(await ask(caller, 'SendMessage', REST, { text, returnImmediately: true }));

async function follow(caller: Caller, taskId: string): Promise<number> {
  const { path } = wireRequest('SubscribeToTask', REST, { taskId });
  const stream = await openSse(`${caller.address}${path}`, { headers: headersOf(caller, REST) });
  open.push(stream);
  return stream.status;
}

test('[A9] streams that wait behind another of their connection go with it, and hold up nobody afterwards', async () => {
  // Two of the large streams fit, whichever come first; three are too much.
  await start('maxTotalBufferBytes: 1572864, stalledTimeoutMs: 600000');
  const caller = await newCaller();
  const { hostname, port } = new URL(caller.address);
  const requestOf = (text: string): string => {
    const { path, body } = wireRequest('SendStreamingMessage', REST, { text });
    const sent = JSON.stringify(body);
    const headers = { host: `${hostname}:${port}`, ...headersOf(caller, REST), 'content-type': 'application/json' };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const { pathname } = new URL(`${caller.address}${path}`);
    return `POST ${pathname} HTTP/1.1\r\n${lines.join('')}content-length: ${Buffer.byteLength(sent)}\r\n\r\n${sent}`;
  };
  const sockets = [1, 2, 3].map((n) => {
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    socket.resume();
    // The first stream lasts; the second, which lasts too, and the third, over at once, wait for their turns.
    socket.write(['/sleep 600000', '/sleep 600000', `${n}${'x'.repeat(300_000)}`].map(requestOf).join(''));
    return socket;
  });
  await waitFor('all streams to be open', 20_000, async () => (await metricOf(parley, 'parley_streams_open')) === 9);
  expect(await follow(caller, await begin(caller))).toBe(429);
  for (const socket of sockets) socket.resetAndDestroy();
  await waitFor('all streams to be closed', 20_000, async () => (await metricOf(parley, 'parley_streams_open')) === 0);
  expect(await follow(caller, await begin(caller))).toBe(200);
});

test('[A9] 300 clients that vanish at any moment leave no listener behind, and their tasks go on', async () => {
  const clients = 300;
  await start(`maxPerOwner: ${clients}, maxPerTask: ${clients}`);
  const caller = await newCaller();
  const shared = await begin(caller, '/stream count=100000 interval=5');
  const moments = Array.from({ length: clients }, (_, index) => (index * 7919) % 700);
  await Promise.all(
    moments.map(async (ms, index) => {
      // A third begins a task of its own, the others follow one that runs; each form and moment occurs.
      const form = FORMS[index % FORMS.length] ?? REST;
      const isSend = index % 3 === 0;
      const fields = isSend ? { text: '/stream count=20 interval=20' } : { taskId: shared };
      const client = openRaw(caller, isSend ? 'SendStreamingMessage' : 'SubscribeToTask', form, fields);
      client.socket.resume();
      await delay(ms);
      client.socket.resetAndDestroy();
    }),
  );
  await waitFor('all streams to be closed', 20_000, async () => (await metricOf(parley, 'parley_streams_open')) === 0);
  // Were one still counted by the hub, the last of as many as allowed would be refused.
  for (let index = 0; index < clients; index++) expect(await follow(caller, shared)).toBe(200);
  expect(await metricOf(parley, 'parley_streams_open')).toBe(clients);
  expect(await follow(caller, shared)).toBe(429);
  for (const stream of open.splice(0)) stream.close();
  await waitFor('all streams to be closed', 20_000, async () => (await metricOf(parley, 'parley_streams_open')) === 0);

  await waitFor('the tasks of those who left to be done', 20_000, async () => {
    return (await metricOf(parley, 'a2a_running_jobs')) === 1;
  });
  expect(stateOf(await ask(caller, 'GetTask', REST, { taskId: shared }))).toBe('TASK_STATE_WORKING');
  const { body, path } = wireRequest('ListTasks', REST);
  expect(body).toBeUndefined();
  const response = await fetch(`${caller.address}${path}?status=TASK_STATE_COMPLETED`, {
    headers: headersOf(caller, REST),
  });
  const page: unknown = await response.json();
  expect(at(page, 'totalSize')).toBeGreaterThan(0);
  expect(at(resultOf(await ask(caller, 'ListTasks', REST)), 'totalSize')).toBe(Number(at(page, 'totalSize')) + 1);
});

/** One more stream than allowed: refused in the form of the binding, naming the key, without having done anything. */
async function expectRefusal(caller: Caller, taskId: string, key: string): Promise<void> {
  const before = at(resultOf(await ask(caller, 'ListTasks', REST)), 'totalSize');
  const cells: [Form, 'SubscribeToTask' | 'SendStreamingMessage'][] = [];
  for (const form of FORMS) {
    cells.push([form, 'SubscribeToTask']);
    // A new task has no other subscribers.
    if (key !== 'streams.maxPerTask is 3') cells.push([form, 'SendStreamingMessage']);
  }
  for (const [form, operation] of cells) {
    const answer = await ask(caller, operation, form, operation === 'SubscribeToTask' ? { taskId } : {});
    expect(errorOf(answer)).toEqual({
      status: 429,
      code: form.binding === 'REST' && form.version === '1.0' ? 429 : -32000,
      reason: 'LIMIT_EXCEEDED',
      message: `Too many open streams (${key}); close one, or poll GetTask`,
    });
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  }
  expect(at(resultOf(await ask(caller, 'ListTasks', REST)), 'totalSize')).toBe(before);
}

test('[A9] streams.maxPerTask: one more is 429; other tasks and GetTask still work; a place that is left is free', async () => {
  await start('maxPerTask: 3');
  const caller = await newCaller();
  const [full, other] = [await begin(caller), await begin(caller)];
  for (let index = 0; index < 3; index++) expect(await follow(caller, full)).toBe(200);
  await expectRefusal(caller, full, 'streams.maxPerTask is 3');
  expect(await follow(caller, other)).toBe(200);
  expect((await ask(caller, 'GetTask', REST, { taskId: full })).status).toBe(200);
  open[0]?.close();
  await waitFor('the place to be free', 20_000, async () => (await metricOf(parley, 'parley_streams_open')) === 3);
  expect(await follow(caller, full)).toBe(200);
});

test('[A9] streams.maxPerOwner: one more is 429, by every key of the owner; other owners are not affected', async () => {
  await start('maxPerOwner: 3');
  const { key, ownerId } = await issueKey(parley);
  const caller = callerOf(parley, key);
  const second = callerOf(parley, (await issueKey(parley, { ownerId })).key);
  const tasks = [await begin(caller), await begin(caller), await begin(caller)];
  for (const taskId of tasks) expect(await follow(caller, taskId)).toBe(200);
  await expectRefusal(second, String(tasks[0]), 'streams.maxPerOwner is 3');
  const other = await newCaller();
  expect(await follow(other, await begin(other))).toBe(200);
});

test('[A9] streams.maxOpen: one more is 429 for everybody', async () => {
  await start('maxOpen: 3');
  const [first, second] = [await newCaller(), await newCaller()];
  const [one, two] = [await begin(first), await begin(second)];
  for (const [caller, taskId] of [
    [first, one],
    [second, two],
    [first, one],
  ] as const) {
    expect(await follow(caller, taskId)).toBe(200);
  }
  await expectRefusal(first, one, 'streams.maxOpen is 3');
  await expectRefusal(second, two, 'streams.maxOpen is 3');
});
