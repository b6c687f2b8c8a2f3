/** Clients that do not read: they cost bounded memory, are cut off where they can go on, and disturb nobody. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { residentBytes } from '../../support/memory.ts';
import { frameIdsIn, openRaw } from '../../support/raw-client.ts';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { openSse } from '../../support/sse.ts';
import { waitFor } from '../../support/wait-for.ts';
import { ask, at, type Caller, callerOf, issueKey, metricOf, REST, taskIdOf } from '../../support/wire-client.ts';

/** Its own name goes with every event of the task, which makes small events large. */
const LONG_CONTEXT = 'c'.repeat(256);
const EVENTS = 99_000;
const MIB = 1024 * 1024;

let parley: ParleyProcess;
let caller: Caller;
beforeAll(async () => {
  const streams = 'streams: { heartbeatMs: 1000, stalledTimeoutMs: 2000 }\n';
  parley = await startParley({ config: streams });
  caller = callerOf(parley, (await issueKey(parley)).key);
});
afterAll(() => parley?.destroy());

/** What `work` gives, and by how much the memory of the server grew at most while it ran. */
async function measured<T>(work: () => Promise<T>): Promise<[T, number]> {
  const before = residentBytes(parley);
  let peak = before;
  const sampling = setInterval(() => {
    peak = Math.max(peak, residentBytes(parley));
  }, 20);
  try {
    return [await work(), peak - before];
  } finally {
    clearInterval(sampling);
  }
}

const v1 = (headers: Readonly<Record<string, string>>) => ({ ...headers, 'a2a-version': '1.0' });
const subscribe = (taskId: string, lastEventId?: number, as = caller) =>
  openSse(`${as.address}/tasks/${taskId}:subscribe`, {
    headers: v1(as.headers),
    ...(lastEventId === undefined ? {} : { lastEventId: String(lastEventId) }),
  });

async function begin(text: string, as = caller): Promise<string> {
  return taskIdOf(await ask(as, 'SendMessage', REST, { text, contextId: LONG_CONTEXT, returnImmediately: true }));
}

/** Ids are 1, 2, 3, ... from `first` on. Compared without building 99,000 expectations. */
function firstGap(ids: readonly number[], first: number): number | undefined {
  return ids.find((id, index) => id !== first + index);
}

/** Reads a stream to its end. Only ids are kept, and the size. */
async function drain(stream: AsyncIterable<{ id: string | undefined; data: string }>) {
  const ids: number[] = [];
  let bytes = 0;
  let last = '';
  for await (const { id, data } of stream) {
    ids.push(Number(id));
    bytes += data.length;
    last = data;
  }
  return { ids, bytes, last };
}

test('[A9] a client that reads nothing of 50 MB: bounded memory, cut off, resumes without gap; others get all of it', async () => {
  // What a run of this size costs without a slow reader is no matter of slow readers.
  const warmUp = await begin(`/stream count=${EVENTS} interval=0 delay=200`);
  await drain(await subscribe(warmUp));

  const taskId = await begin(`/stream count=${EVENTS} interval=0 delay=500`);
  const slow = openRaw(caller, 'SubscribeToTask', REST, { taskId });
  const [good, growthBytes] = await measured(async () => {
    const all = await drain(await subscribe(taskId));
    await waitFor('the slow reader to be cut off', 20_000, async () => {
      return (await metricOf(parley, 'parley_streams_stalled_total')) === 1;
    });
    return all;
  });

  expect(good.bytes).toBeGreaterThan(50_000_000);
  expect(firstGap(good.ids, Number(good.ids[0]))).toBeUndefined();
  expect(good.ids[good.ids.length - 1]).toBe(EVENTS + 3);
  expect(at(JSON.parse(good.last), 'statusUpdate', 'status', 'state')).toBe('TASK_STATE_COMPLETED');
  expect(growthBytes / MIB).toBeLessThan(60);

  const early = frameIdsIn(await slow.readToEnd());
  expect(early.length).toBeGreaterThan(0);
  const cutAt = Number(early[early.length - 1]);
  expect(firstGap(early, Number(early[0]))).toBeUndefined();
  expect(cutAt).toBeLessThan(EVENTS);
  const rest = await drain(await subscribe(taskId, cutAt));
  expect(firstGap(rest.ids, cutAt + 1)).toBeUndefined();
  expect(rest.ids[rest.ids.length - 1]).toBe(EVENTS + 3);
  await waitFor('all streams to be closed', 20_000, async () => (await metricOf(parley, 'parley_streams_open')) === 0);
});

test('[A9] a client that reads slowly but steadily, and so is never done, is not cut off', async () => {
  const stalled = await metricOf(parley, 'parley_streams_stalled_total');
  const count = 20_000;
  const taskId = await begin(`/stream count=${count} interval=0 delay=300`);
  const stream = await subscribe(taskId);
  const ids: number[] = [];
  // About 1 MB a second: what waits for it takes twice the time after which silence counts.
  let pauseAt = 200;
  for await (const { id } of stream) {
    ids.push(Number(id));
    if (ids.length < pauseAt) continue;
    pauseAt += 200;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect(firstGap(ids, Number(ids[0]))).toBeUndefined();
  expect(ids[ids.length - 1]).toBe(count + 3);
  expect(await metricOf(parley, 'parley_streams_stalled_total')).toBe(stalled);
});

/** Whether the server's side of a connection is still established, by the kernel's own list. */
function isEstablished(serverPort: number, clientPort: number | undefined): boolean {
  const ends = [serverPort, clientPort ?? 0].map((port) => `:${port.toString(16).toUpperCase().padStart(4, '0')}`);
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .some((line) => {
      const [, local = '', remote = '', state] = line.trim().split(/\s+/);
      return local.endsWith(ends[0] ?? '') && remote.endsWith(ends[1] ?? '') && state === '01';
    });
}

test('[A9] a client that does not read the last bytes of an ended stream is let go of after the same time', async () => {
  // Room for all that the kernel does not take: the stream is never full, only not read. And time for the other reader to
  // get to the end on a busy machine, before this one has been silent for too long.
  const streams = 'streams: { heartbeatMs: 1000, stalledTimeoutMs: 6000, maxBufferBytes: 67108864 }\n';
  const roomy = await startParley({ config: streams });
  const own = callerOf(roomy, (await issueKey(roomy)).key);
  const count = 40_000;
  const taskId = await begin(`/stream count=${count} interval=0 delay=300`, own);
  const slow = openRaw(own, 'SubscribeToTask', REST, { taskId });
  await drain(await subscribe(taskId, undefined, own));
  const { localPort } = slow.socket;
  expect(isEstablished(roomy.ports.port, localPort)).toBe(true);
  await waitFor('the connection to be closed', 20_000, () => !isEstablished(roomy.ports.port, localPort));
  expect(await metricOf(roomy, 'parley_streams_stalled_total')).toBe(1);
  expect(await metricOf(roomy, 'parley_streams_open')).toBe(0);
  const early = frameIdsIn(await slow.readToEnd());
  const cutAt = Number(early[early.length - 1]);
  expect(cutAt).toBeLessThan(count + 3);
  const rest = await drain(await subscribe(taskId, cutAt, own));
  expect([rest.ids[0], rest.ids[rest.ids.length - 1]]).toEqual([cutAt + 1, count + 3]);
  await roomy.destroy();
});

test('[A9] clients that do not read do not keep the server from ending when it is asked to', async () => {
  const streams = 'streams: { stalledTimeoutMs: 600000, maxBufferBytes: 16777216 }\n';
  const patient = await startParley({ config: streams });
  const own = callerOf(patient, (await issueKey(patient)).key);
  // One that has ended and waits for its reader, and one that is full.
  const texts = ['/stream count=35000 interval=0 delay=300', '/stream count=90000 interval=0 delay=300'];
  const ids = await Promise.all(texts.map((text) => begin(text, own)));
  const slow = ids.map((taskId) => openRaw(own, 'SubscribeToTask', REST, { taskId }));
  const ends = [];
  for (const taskId of ids) ends.push((await drain(await subscribe(taskId, undefined, own))).ids.at(-1));
  expect(ends).toEqual([35_003, 90_003]);
  const startedAt = performance.now();
  expect(await patient.stop()).toEqual({ code: 0, signal: null });
  expect(performance.now() - startedAt).toBeLessThan(30_000);
  await patient.start();
  for (const [index, client] of slow.entries()) {
    const early = frameIdsIn(await client.readToEnd());
    const cutAt = Number(early[early.length - 1]);
    expect(firstGap(early, Number(early[0]))).toBeUndefined();
    expect(cutAt).toBeLessThan(Number(ends[index]));
    const rest = await drain(await subscribe(String(ids[index]), cutAt, own));
    expect(firstGap(rest.ids, cutAt + 1)).toBeUndefined();
    expect(rest.ids.at(-1)).toBe(ends[index]);
  }
  await patient.destroy();
});
