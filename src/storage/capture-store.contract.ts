/** What a CaptureStore must do; each database runs it. */
import { expect, test } from 'vitest';
import type { CapturedFrame, NewCapture } from '../core/captures/capture-store.ts';
import { SqlCaptureStore } from './capture-store.ts';
import type { Sql } from './sql.ts';

/** Late enough not to fit into 32 bits. */
const T0 = 1_800_000_000_000;
const HOUR_MS = 3_600_000;

let made = 0;
function capture(fields: Partial<NewCapture> = {}): NewCapture {
  made++;
  return {
    id: `capture-${String(made).padStart(6, '0')}`,
    agentId: 'echo',
    keyId: null,
    starterKeyId: null,
    startedBy: "ann's",
    startedAtMs: T0 + made,
    endsAtMs: T0 + HOUR_MS,
    maxFrames: 1000,
    ...fields,
  };
}

function frame(n: number, fields: Partial<CapturedFrame> = {}): CapturedFrame {
  return {
    exchangeId: 'exchange-1',
    n,
    taskId: 'task-1',
    ownerId: 'owner-1',
    agentId: 'echo',
    keyId: 'key-1',
    atMs: T0 + n,
    direction: 'in',
    kind: 'request',
    transport: 'JSONRPC',
    version: '1.0',
    seq: null,
    line: 'POST /a2a HTTP/1.1',
    headers: [['Host', "it's"]],
    body: '{"text":"\u{1f600}"}',
    bodyBytes: 15,
    isCut: false,
    isDecoded: false,
    ...fields,
  };
}

/** @param open gives an empty, migrated database. */
export function captureStoreContract(open: () => Promise<Sql>): void {
  test('a capture runs until its time, and is said to have ended once', async () => {
    const store = new SqlCaptureStore(await open());
    const [short, long] = [capture({ endsAtMs: T0 + 1000 }), capture({ keyId: 'key-1', agentId: null })];
    await store.insert(short);
    await store.insert(long);
    const record = { ...long, endedAtMs: null, endedWhy: null, frames: 0, bytes: 0 };
    expect(await store.find(long.id)).toEqual(record);
    expect((await store.active(T0)).map(({ id }) => id)).toEqual([short.id, long.id]);
    expect((await store.active(T0 + 1000)).map(({ id }) => id)).toEqual([long.id]);
    expect(await store.endDue(T0 + 1000)).toMatchObject([{ id: short.id, endedWhy: 'time', endedAtMs: T0 + 1000 }]);
    expect(await store.endDue(T0 + 1000)).toEqual([]);
    expect(await store.end(long.id, 'stopped', T0 + 2000)).toBe(true);
    expect(await store.end(long.id, 'stopped', T0 + 3000)).toBe(false);
    expect(await store.list(10)).toMatchObject([{ id: long.id, endedAtMs: T0 + 2000 }, { id: short.id }]);
    expect(await store.list(1)).toMatchObject([{ id: long.id }]);
  });

  test('frames come back as they were stored, in their order, page by page', async () => {
    const store = new SqlCaptureStore(await open());
    const one = capture();
    await store.insert(one);
    const frames = Array.from({ length: 250 }, (_, n) => frame(n, { seq: n, isCut: n === 1, isDecoded: n === 2 }));
    expect(await store.addFrames(one.id, frames, T0)).toBe(true);
    const first = await store.framesOfCapture(one.id, 0, 200, null);
    const rest = await store.framesOfCapture(one.id, first.at(-1)?.num ?? 0, 200, null);
    const stored = [...first, ...rest].map(({ num: _num, captureId: _capture, ...same }) => same);
    expect(stored).toEqual(frames);
    expect(await store.find(one.id)).toMatchObject({ frames: 250 });
  });

  test('[A6] only frames of some agents are asked for, and those of none', async () => {
    const store = new SqlCaptureStore(await open());
    const one = capture({ agentId: null });
    await store.insert(one);
    await store.addFrames(one.id, [frame(0), frame(1, { agentId: "it's" }), frame(2, { agentId: 'third' })], T0);
    const placesOf = async (agentIds: readonly string[] | null) =>
      (await store.framesOfCapture(one.id, 0, 10, agentIds)).map(({ n }) => n);
    expect(await placesOf(null)).toEqual([0, 1, 2]);
    expect(await placesOf(["it's", 'third'])).toEqual([1, 2]);
    expect(await placesOf([])).toEqual([]);
  });

  test('a full capture ends, with as many frames as it may have; one that is over takes none', async () => {
    const store = new SqlCaptureStore(await open());
    const [one, over] = [capture({ maxFrames: 3 }), capture()];
    await store.insert(one);
    await store.insert(over);
    await store.end(over.id, 'stopped', T0);
    expect(await store.addFrames(over.id, [frame(0)], T0)).toBe(false);
    expect(await store.addFrames(one.id, [frame(0), frame(1)], T0)).toBe(true);
    expect(await store.addFrames(one.id, [frame(2), frame(3)], T0 + 5)).toBe(false);
    expect(await store.find(one.id)).toMatchObject({ frames: 3, endedWhy: 'full', endedAtMs: T0 + 5 });
    expect(await store.framesOfCapture(one.id, 0, 10, null)).toHaveLength(3);
    expect(await store.framesOfCapture(over.id, 0, 10, null)).toEqual([]);
  });

  test('[A6] a task has the frames of calls of its owner, each once, whichever captures have it', async () => {
    const store = new SqlCaptureStore(await open());
    const [one, two] = [capture(), capture()];
    await store.insert(one);
    await store.insert(two);
    const frames = [frame(0), frame(1)];
    await store.addFrames(one.id, frames, T0);
    await store.addFrames(two.id, frames, T0);
    await store.addFrames(two.id, [frame(2, { ownerId: 'owner-2' }), frame(3, { taskId: null })], T0);
    const found = await store.framesOfTask('task-1', 'owner-1', 0, 10);
    expect(found.map(({ n, captureId }) => [n, captureId])).toEqual([
      [0, one.id],
      [1, one.id],
    ]);
    await store.remove(one.id);
    const left = await store.framesOfTask('task-1', 'owner-1', 0, 10);
    expect(left.map(({ n, captureId }) => [n, captureId])).toEqual([
      [0, two.id],
      [1, two.id],
    ]);
  });

  test('for more bytes than there may be the oldest that are over go, then those that run end', async () => {
    const store = new SqlCaptureStore(await open());
    const [old, older, running] = [capture(), capture(), capture()];
    for (const one of [old, older, running]) {
      await store.insert(one);
      await store.addFrames(one.id, [frame(0, { body: 'x'.repeat(1000) })], T0);
    }
    await store.end(old.id, 'stopped', T0);
    await store.end(older.id, 'stopped', T0);
    expect(await store.makeRoom(3000, T0 + 9)).toEqual([]);
    expect((await store.list(10)).map(({ id }) => id)).toEqual([running.id, older.id]);
    expect(await store.framesOfCapture(old.id, 0, 10, null)).toEqual([]);
    expect(await store.makeRoom(100, T0 + 9)).toMatchObject([{ id: running.id, endedWhy: 'full' }]);
    expect((await store.list(10)).map(({ id }) => id)).toEqual([running.id]);
  });

  test('pruning forgets what was over long ago, with its frames, and nothing that runs', async () => {
    const store = new SqlCaptureStore(await open());
    const [old, recent, running] = [capture(), capture(), capture({ endsAtMs: T0 + 2 * HOUR_MS })];
    for (const one of [old, recent, running]) {
      await store.insert(one);
      await store.addFrames(one.id, [frame(0)], T0);
    }
    await store.end(old.id, 'stopped', T0 + 10);
    await store.end(recent.id, 'stopped', T0 + 20);
    await store.prune(T0 + 20);
    expect((await store.list(10)).map(({ id }) => id)).toEqual([running.id, recent.id]);
    expect(await store.framesOfCapture(old.id, 0, 10, null)).toEqual([]);
    expect(await store.framesOfCapture(recent.id, 0, 10, null)).toHaveLength(1);
  });
}
