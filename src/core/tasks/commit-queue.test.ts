/** The queue by itself: what is counted as a commit, and that a failed one reaches everybody who waits for it. */
import { describe, expect, it } from 'vitest';
import { turnedClock } from '../../../test/support/turned-clock.ts';
import { CommitQueue, type CommitQueueOptions, commitOne, type PendingWrite } from './commit-queue.ts';
import type { CommitResult, TaskStore, TaskWrite } from './store.ts';

/** The queue does not look into a write. */
const WRITE = {} as TaskWrite;

function queueOver(
  commit: (writes: readonly TaskWrite[]) => Promise<readonly CommitResult[]>,
  options: Partial<CommitQueueOptions> = {},
) {
  const commits: number[] = [];
  const store = { commit } as unknown as TaskStore;
  const onCommit = (writes: number) => commits.push(writes);
  const queue = new CommitQueue({ store, clock: turnedClock(), maxWrites: 3, maxConcurrent: 1, onCommit, ...options });
  return { queue, commits };
}

const written = async (writes: readonly TaskWrite[]): Promise<CommitResult[]> =>
  writes.map(() => ({ status: 'written' }));

it('writes of one turn share commits of at most maxWrites, in order', async () => {
  const { queue, commits } = queueOver(written);
  const results = await Promise.all(Array.from({ length: 7 }, () => commitOne(queue, WRITE)));
  expect(results).toEqual(Array.from({ length: 7 }, () => ({ status: 'written' })));
  expect(commits).toEqual([3, 3, 1]);
  expect(queue.depth).toBe(0);
});

it('what has nothing to write any more is no commit, and is not counted as one', async () => {
  const asked: number[] = [];
  const { queue, commits } = queueOver(async (writes) => {
    asked.push(writes.length);
    return written(writes);
  });
  const built = new Promise<void>((resolve) => {
    const gone: PendingWrite = {
      build() {
        resolve();
        return null;
      },
      onResult: () => expect.unreachable(),
      onError: () => expect.unreachable(),
    };
    queue.enqueue(gone);
  });
  await built;
  await commitOne(queue, WRITE);
  expect([asked, commits]).toEqual([[1], [1]]);
});

it('a commit that fails is told to each of its writes, is not counted, and the next one goes on', async () => {
  let isDown = true;
  const { queue, commits } = queueOver(async (writes) => {
    if (isDown) throw new Error('disk full');
    return written(writes);
  });
  const outcomes = await Promise.allSettled([commitOne(queue, WRITE), commitOne(queue, WRITE)]);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  isDown = false;
  await expect(commitOne(queue, WRITE)).resolves.toEqual({ status: 'written' });
  expect(commits).toEqual([1]);
});

describe('with room for two commits at once', () => {
  const turn = () => new Promise((resolve) => setImmediate(resolve));

  /** Of whose commits each ends when the test says so. */
  function slowQueue() {
    const begun: number[] = [];
    const ends: { resolve(): void; reject(): void }[] = [];
    const clock = turnedClock();
    const { queue } = queueOver(
      async (writes) => {
        begun.push(writes.length);
        await new Promise<void>((resolve, reject) => ends.push({ resolve, reject }));
        return written(writes);
      },
      { maxConcurrent: 2, maxWrites: 10, clock },
    );
    const send = async (count: number): Promise<void> => {
      for (let write = 0; write < count; write++) commitOne(queue, WRITE).catch(() => undefined);
      await turn();
      await turn();
    };
    const end = async (index: number, how: 'resolve' | 'reject' = 'resolve'): Promise<void> => {
      ends[index]?.[how]();
      await turn();
      await turn();
    };
    return { begun, clock, send, end };
  }

  it('the second begins when as many writes wait as the first one holds', async () => {
    const { begun, send } = slowQueue();
    await send(2);
    await send(1);
    expect(begun).toEqual([2]);
    await send(1);
    expect(begun).toEqual([2, 2]);
  });

  it('a write by itself never waits for another one by itself', async () => {
    const { begun, send } = slowQueue();
    await send(1);
    await send(1);
    expect(begun).toEqual([1, 1]);
  });

  it.each(['resolve', 'reject'] as const)('what waits goes on when the first one has ended (%s)', async (how) => {
    const { begun, send, end } = slowQueue();
    await send(5);
    await send(2);
    await end(0, how);
    expect(begun).toEqual([5, 2]);
  });

  it('what counts is the size of the one that is still under way', async () => {
    const { begun, send, end } = slowQueue();
    await send(1);
    await send(9);
    await end(1);
    await send(1);
    expect(begun).toEqual([1, 9, 1]);
  });

  it('a first one that takes long holds nobody up', async () => {
    const { begun, clock, send } = slowQueue();
    await send(5);
    await send(1);
    clock.turn(19);
    await turn();
    expect(begun).toEqual([5]);
    clock.turn(1);
    await turn();
    expect(begun).toEqual([5, 1]);
  });

  it('who waits beside a later commit waits anew', async () => {
    const { begun, clock, send, end } = slowQueue();
    await send(5);
    await send(1);
    clock.turn(10);
    await end(0);
    await end(1);
    await send(5);
    await send(1);
    clock.turn(10);
    await turn();
    expect(begun).toEqual([5, 1, 5]);
    clock.turn(10);
    await turn();
    expect(begun).toEqual([5, 1, 5, 1]);
  });
});
