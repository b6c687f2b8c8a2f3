/** Clients that do not read: they cost bounded memory, are cut off where they can go on, and disturb nobody. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { frameIdsIn, openRaw } from '../../support/raw-client.ts';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { openSse } from '../../support/sse.ts';
import { waitFor } from '../../support/wait-for.ts';
import { ask, at, type Caller, callerOf, issueKey, metricOf, REST, resultOf, taskIdOf } from '../../support/wire-client.ts';

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

/** Resident memory of the server, in bytes. */
function residentBytes(): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${parley.pid}/status`, 'utf8'))?.[1];
  if (kib === undefined) throw new Error('No VmRSS');
  return Number(kib) * 1024;
}

const v1 = (headers: Readonly<Record<string, string>>) => ({ ...headers, 'a2a-version': '1.0' });
const subscribe = (taskId: string, lastEventId?: number) =>
  openSse(`${caller.address}/tasks/${taskId}:subscribe`, {
    headers: v1(caller.headers),
    ...(lastEventId === undefined ? {} : { lastEventId: String(lastEventId) }),
  });

async function begin(text: string): Promise<string> {
  return taskIdOf(
    await ask(caller, 'SendMessage', REST, { text, contextId: LONG_CONTEXT, returnImmediately: true }),
  );
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
  const before = residentBytes();
  let peak = before;
  const sampling = setInterval(() => {
    peak = Math.max(peak, residentBytes());
  }, 20);
  const slow = openRaw(caller, 'SubscribeToTask', REST, { taskId });
  const good = await drain(await subscribe(taskId));
  await waitFor('the slow reader to be cut off', 10_000, async () => {
    return (await metricOf(parley, 'parley_streams_stalled_total')) === 1;
  });
  clearInterval(sampling);

  expect(good.bytes).toBeGreaterThan(50_000_000);
  expect(firstGap(good.ids, Number(good.ids[0]))).toBeUndefined();
  expect(good.ids[good.ids.length - 1]).toBe(EVENTS + 3);
  expect(at(JSON.parse(good.last), 'statusUpdate', 'status', 'state')).toBe('TASK_STATE_COMPLETED');
  console.log('GROWTH', (peak - before) / MIB, before / MIB);
  expect((peak - before) / MIB).toBeLessThan(60);

  const early = frameIdsIn(await slow.readToEnd());
  expect(early.length).toBeGreaterThan(0);
  const cutAt = Number(early[early.length - 1]);
  expect(firstGap(early, Number(early[0]))).toBeUndefined();
  expect(cutAt).toBeLessThan(EVENTS);
  const rest = await drain(await subscribe(taskId, cutAt));
  expect(firstGap(rest.ids, cutAt + 1)).toBeUndefined();
  expect(rest.ids[rest.ids.length - 1]).toBe(EVENTS + 3);
  await waitFor('all streams to be closed', 5000, async () => (await metricOf(parley, 'parley_streams_open')) === 0);
});
