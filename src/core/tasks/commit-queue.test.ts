/** The queue by itself: what is counted as a commit, and that a failed one reaches everybody who waits for it. */
import { expect, it } from 'vitest';
import { CommitQueue, commitOne, type PendingWrite } from './commit-queue.ts';
import type { CommitResult, TaskStore, TaskWrite } from './store.ts';

/** The queue does not look into a write. */
const WRITE = {} as TaskWrite;

function queueOver(commit: (writes: readonly TaskWrite[]) => Promise<readonly CommitResult[]>) {
  const commits: number[] = [];
  const store = { commit } as unknown as TaskStore;
  const queue = new CommitQueue({ store, maxWrites: 3, maxConcurrent: 1, onCommit: (writes) => commits.push(writes) });
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
