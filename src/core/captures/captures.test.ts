/** Captures as the server runs them: what is recorded, for whom, until when, and what two replicas know of each other. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { sqliteSqlForTests } from '../../../test/support/sql.ts';
import { turnedClock } from '../../../test/support/turned-clock.ts';
import { SqlCaptureStore } from '../../storage/capture-store.ts';
import { ADMIN, type Principal } from '../access/principal.ts';
import { silentLogger } from '../logger.ts';
import { Captures } from './captures.ts';

const KEY: Principal = {
  ...ADMIN,
  kind: 'key',
  ownerId: 'ann',
  name: 'ann',
  keyId: 'key-ann',
  scopes: new Set(['tasks:read', 'tasks:write']),
};
const OTHER: Principal = { ...KEY, ownerId: 'bob', name: 'bob', keyId: 'key-bob' };
const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

describe('captures', () => {
  let clock: ReturnType<typeof turnedClock>;
  let reached: string[];
  let logged: unknown[];
  let store: SqlCaptureStore;
  let lost: number;
  let errors: number;
  let next = 0;

  const captures = (limits: object = {}) =>
    new Captures({
      store,
      clock,
      ids: { next: () => `id-${String(++next).padStart(4, '0')}` },
      logger: { ...silentLogger, info: (fields: unknown) => void logged.push(fields), error: () => void errors++ },
      limits: {
        maxActive: 2,
        maxActivePerKey: 2,
        maxFrames: 10,
        maxFrameBytes: 100,
        maxBytes: 1_000_000,
        keepMs: 60 * MINUTE_MS,
        ...limits,
      },
      metrics: {
        framesStored: () => {},
        framesLost: (count) => void (lost += count),
        limitReached: (limit) => void reached.push(limit),
      },
      isShared: true,
    });
  const callOf = ({ ownerId, keyId }: Principal, agentId = 'echo') =>
    ({ ownerId, keyId, agentId, transport: 'JSONRPC', version: '1.0' }) as const;
  const audits = () => logged.map((fields) => Reflect.get(Object(fields), 'audit'));

  beforeEach(async () => {
    clock = turnedClock();
    reached = [];
    logged = [];
    lost = 0;
    errors = 0;
    store = new SqlCaptureStore(await sqliteSqlForTests());
  });

  it('nothing is captured until somebody asks, and nothing after the time that was asked for', async () => {
    const one = captures();
    await one.start();
    expect(one.isActive).toBe(false);
    expect(one.record(callOf(KEY))).toBeNull();
    await one.begin(ADMIN, { minutes: 1 });
    expect(one.isActive).toBe(true);
    expect(one.record(callOf(KEY))).not.toBeNull();
    clock.turn(MINUTE_MS);
    expect(one.record(callOf(KEY))).toBeNull();
    await one.tick();
    expect(one.isActive).toBe(false);
    expect(audits()).toEqual(['capture-started', 'capture-ended']);
    await one.stop();
  });

  it('[A6] a key captures its own calls, of agents that it may use, and sees no capture of others', async () => {
    const one = captures();
    await expect(one.begin(KEY, { minutes: 1, keyId: 'key-bob' })).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    const narrow = { ...KEY, agents: new Set(['echo']) };
    await expect(one.begin(narrow, { minutes: 1, agentId: 'x' })).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    const reader = { ...KEY, scopes: new Set(['tasks:read'] as const) };
    await expect(one.begin(reader, { minutes: 1 })).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    const own = await one.begin(KEY, { minutes: 1 });
    expect(own.keyId).toBe('key-ann');
    expect(one.record(callOf(OTHER))).toBeNull();
    expect(one.record(callOf(ADMIN))).toBeNull();
    expect(one.record(callOf(KEY))).not.toBeNull();
    const all = await one.begin(ADMIN, { minutes: 1, keyId: 'key-ann' });
    expect((await one.list(KEY)).map(({ id }) => id)).toEqual([own.id]);
    expect(await one.list(OTHER)).toEqual([]);
    expect(await one.list(ADMIN)).toHaveLength(2);
    for (const [who, id] of [
      [OTHER, own.id],
      [KEY, all.id],
      [ADMIN, 'none'],
    ] as const) {
      await expect(one.end(who, id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(one.framesOfCapture(who, id, 0, 10)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
  });

  it('[A6] a key that may use fewer agents than when it captured sees frames of those only', async () => {
    const one = captures();
    const { id } = await one.begin(KEY, { minutes: 1 });
    for (const agentId of ['echo', 'other']) {
      const recording = one.record(callOf(KEY, agentId));
      recording?.add({ direction: 'in', kind: 'request', body: agentId });
      recording?.end();
    }
    const bodies = async (agents: readonly string[] | null) => {
      const narrowed = { ...KEY, agents: agents && new Set(agents) };
      return (await one.framesOfCapture(narrowed, id, 0, 10)).map(({ body }) => body);
    };
    expect(await bodies(null)).toEqual(['echo', 'other']);
    expect(await bodies(['other'])).toEqual(['other']);
    expect(await bodies([])).toEqual([]);
  });

  it('[U1] a stream that goes on after its capture costs the store nothing more', async () => {
    const one = captures();
    const { id } = await one.begin(KEY, { minutes: 5 });
    const recording = one.record(callOf(KEY));
    recording?.about('task-1');
    recording?.add({ direction: 'out', kind: 'event', body: 'before' });
    await one.end(KEY, id);
    const stored = vi.spyOn(store, 'addFrames');
    recording?.add({ direction: 'out', kind: 'event', body: 'after' });
    await one.tick();
    expect(stored).not.toHaveBeenCalled();
    expect(await one.framesOfCapture(KEY, id, 0, 10)).toMatchObject([{ body: 'before' }]);
  });

  it('[U1] one key cannot take the places, the list or the room of the others', async () => {
    const one = captures({ maxActive: 4, maxActivePerKey: 2, maxBytes: 2000 });
    const kept = await one.begin(OTHER, { minutes: 1 });
    one.record(callOf(OTHER))?.end();
    const asked = await Promise.allSettled(Array.from({ length: 6 }, () => one.begin(KEY, { minutes: 1 })));
    expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
    expect(reached).toEqual(Array.from({ length: 4 }, () => 'captures.maxActivePerKey'));
    const adminOne = await one.begin(ADMIN, { minutes: 1, keyId: 'key-bob' });
    for (const capture of await one.list(KEY)) await one.end(KEY, capture.id);
    for (let round = 0; round < 210; round++) {
      await one.end(KEY, (await one.begin(KEY, { minutes: 1 })).id);
      clock.turn(1);
    }
    expect((await one.list(OTHER)).map(({ id }) => id)).toEqual([kept.id]);
    expect(await one.list(KEY)).toHaveLength(101);
    // Five frames of a kilobyte: more than there may be in all.
    const big = await one.begin(KEY, { minutes: 1 });
    for (const who of [OTHER, KEY, KEY, KEY, KEY, KEY, KEY]) {
      const recording = one.record(callOf(who));
      recording?.add({ direction: 'in', kind: 'request', body: 'x'.repeat(100) });
      recording?.end();
      await one.tick();
    }
    await one.tick();
    expect((await one.find(KEY, big.id)).endedWhy).toBe('full');
    for (const { id } of [kept, adminOne])
      expect(await one.find(ADMIN, id)).toMatchObject({ endedAtMs: null, frames: 1 });
  });

  it('[U1] frames without a body count too, while they wait for a database that takes none', async () => {
    const one = captures();
    await one.begin(ADMIN, { minutes: 1 });
    for (let frame = 0; frame < 3000; frame++) {
      const recording = one.record(callOf(KEY));
      recording?.add({ direction: 'in', kind: 'request', line: 'GET /', headers: [['x', 'x'.repeat(8000)]] });
      recording?.end();
    }
    expect(lost).toBeGreaterThan(500);
  });

  it('a capture that one replica begins and ends is honoured by the other with its next look', async () => {
    const [one, two] = [captures(), captures()];
    await one.start();
    await two.start();
    const { id } = await one.begin(ADMIN, { minutes: 5, agentId: 'echo' });
    expect(two.isActive).toBe(false);
    await two.tick();
    expect(two.record(callOf(KEY, 'weather'))).toBeNull();
    const recording = two.record(callOf(KEY));
    recording?.add({ direction: 'in', kind: 'request', body: 'hello' });
    recording?.end();
    await two.tick();
    expect(await one.framesOfCapture(ADMIN, id, 0, 10)).toMatchObject([{ body: 'hello', ownerId: 'ann' }]);
    await one.end(ADMIN, id);
    await two.tick();
    expect(two.isActive).toBe(false);
    await Promise.all([one.stop(), two.stop()]);
  });

  it('all frames of a call have its task, also those from before it was known; a call without one is kept too', async () => {
    const one = captures();
    const { id } = await one.begin(ADMIN, { minutes: 5 });
    const recording = one.record(callOf(KEY));
    recording?.add({ direction: 'in', kind: 'request', body: 'send' });
    await one.tick();
    expect(await one.framesOfCapture(ADMIN, id, 0, 10)).toEqual([]);
    recording?.add({ direction: 'out', kind: 'event', body: 'task', seq: 1 });
    recording?.about('task-1');
    recording?.about('task-2');
    recording?.add({ direction: 'out', kind: 'event', body: 'more', seq: 2 });
    const refused = one.record(callOf(KEY));
    refused?.add({ direction: 'in', kind: 'request', body: 'bad' });
    refused?.end();
    refused?.end();
    const frames = await one.framesOfCapture(ADMIN, id, 0, 10);
    expect(frames.map(({ taskId, body, seq, n }) => [taskId, body, seq, n])).toEqual([
      ['task-1', 'send', null, 0],
      ['task-1', 'task', 1, 1],
      ['task-1', 'more', 2, 2],
      [null, 'bad', null, 0],
    ]);
    expect(await one.framesOfTask({ id: 'task-1', ownerId: 'ann' }, 0, 10)).toHaveLength(3);
    expect(await one.framesOfTask({ id: 'task-1', ownerId: 'bob' }, 0, 10)).toEqual([]);
  });

  it('a body beyond the limit is cut, says so, and is masked all the same', async () => {
    const one = captures();
    const { id } = await one.begin(ADMIN, { minutes: 5 });
    const recording = one.record(callOf(KEY));
    recording?.add({ direction: 'in', kind: 'request', body: `{"token":"SECRET${'é'.repeat(100)}` });
    recording?.add({
      direction: 'in',
      kind: 'request',
      body: '\0{"a":1}',
      encodedBytes: 3,
      headers: [['Cookie', 'SECRET']],
    });
    recording?.end();
    const [cut, whole] = await one.framesOfCapture(ADMIN, id, 0, 10);
    expect(cut).toMatchObject({ isCut: true, bodyBytes: 216, body: '{"token":"***', isDecoded: false });
    expect(whole).toMatchObject({ isCut: false, bodyBytes: 3, body: '\ufffd{"a":1}', isDecoded: true });
    expect(JSON.stringify([cut, whole])).not.toContain('SECRET');
    expect(reached).toEqual(['captures.maxFrameBytes']);
  });

  it('limits end captures, are counted, and are named where something is refused', async () => {
    const one = captures({ maxBytes: 700 });
    const few = await one.begin(ADMIN, { minutes: 5, maxFrames: 1 });
    const many = await one.begin(ADMIN, { minutes: 5, maxFrames: 1000 });
    expect(many.maxFrames).toBe(10);
    await expect(one.begin(ADMIN, { minutes: 5 })).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      message: expect.stringContaining('captures.maxActive is 2'),
    });
    const recording = one.record(callOf(KEY));
    recording?.add({ direction: 'in', kind: 'request', body: 'a' });
    recording?.end();
    await one.tick();
    expect(await one.find(ADMIN, few.id)).toMatchObject({ frames: 1, endedWhy: 'full' });
    expect(one.isActive).toBe(true);
    for (let call = 0; call < 3; call++) {
      const more = one.record(callOf(KEY));
      more?.add({ direction: 'in', kind: 'request', body: 'b'.repeat(90) });
      more?.end();
    }
    await one.tick();
    // The one that was over has made room, which was not enough.
    await expect(one.find(ADMIN, few.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await one.find(ADMIN, many.id)).toMatchObject({ frames: 4, endedWhy: 'full' });
    expect(one.isActive).toBe(false);
    expect(reached).toEqual(['captures.maxActive', 'captures.maxFrames', 'captures.maxBytes']);
    expect(lost).toBe(0);
  });

  it('a capture that is over is forgotten with its frames when its time comes, or when somebody asks', async () => {
    const one = captures();
    await one.start();
    const [first, second] = [await one.begin(ADMIN, { minutes: 1 }), await one.begin(ADMIN, { minutes: 1 })];
    await one.end(ADMIN, first.id);
    expect(await one.find(ADMIN, first.id)).toMatchObject({ endedWhy: 'stopped' });
    await one.end(ADMIN, first.id);
    await expect(one.find(ADMIN, first.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await one.end(ADMIN, second.id);
    clock.turn(62 * MINUTE_MS);
    await one.tick();
    for (let round = 0; round < 60; round++) await one.tick();
    expect(await store.find(second.id)).toBeNull();
    await one.stop();
  });

  it('a store that fails loses frames, which is counted, and nothing else', async () => {
    const one = captures();
    const { id } = await one.begin(ADMIN, { minutes: 5 });
    const failing = vi.spyOn(store, 'addFrames').mockRejectedValue(new Error('disk full'));
    const recording = one.record(callOf(KEY));
    recording?.add({ direction: 'in', kind: 'request', body: 'a' });
    recording?.about('task-1');
    await one.tick();
    expect(lost).toBe(1);
    const away = vi.spyOn(store, 'active').mockRejectedValue(new Error('away'));
    await one.tick();
    await one.tick();
    // Told once, not each second.
    expect(errors).toBe(1);
    away.mockRestore();
    failing.mockRestore();
    recording?.add({ direction: 'out', kind: 'response', body: 'b' });
    expect(await one.framesOfCapture(ADMIN, id, 0, 10)).toMatchObject([{ body: 'b' }]);
  });
});
