/**
 * Group commit: the writes that wait in one turn of the event loop share one commit. What a write contains is asked
 * for only when its group is put together, so that whatever a task has produced until then goes along.
 */
import type { CommitResult, TaskStore, TaskWrite } from './store.ts';

export interface PendingWrite {
  /** The write as of now, called once per enqueueing; null when there is nothing to write any more. */
  build(): TaskWrite | null;
  /** Called after the commit, in the order of the queue. Neither this nor `onError` may throw. */
  onResult(result: CommitResult): void;
  /** The commit failed: nothing of the group was written. */
  onError(cause: unknown): void;
}

export interface CommitQueueOptions {
  readonly store: TaskStore;
  /** Writes per commit at most; the rest waits for the next one. */
  readonly maxWrites: number;
  /** Commits under way at once; only a database on the network gains from more than one. */
  readonly maxConcurrent: number;
  readonly onCommit?: (writes: number) => void;
  /** Some of a commit's events are to be pushed. */
  readonly onDeliveries?: (() => void) | undefined;
}

export class CommitQueue {
  readonly #options: CommitQueueOptions;
  #waiting: PendingWrite[] = [];
  #scheduled = false;
  #underWay = 0;

  constructor(options: CommitQueueOptions) {
    this.#options = options;
  }

  /** Writes waiting for a commit, not counting those under way. */
  get depth(): number {
    return this.#waiting.length;
  }

  enqueue(write: PendingWrite): void {
    this.#waiting.push(write);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#waiting.length === 0 || this.#underWay >= this.#options.maxConcurrent) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      void this.#commit();
    });
  }

  async #commit(): Promise<void> {
    const { store, maxWrites, onCommit, onDeliveries } = this.#options;
    const waiting = this.#waiting;
    this.#waiting = waiting.length > maxWrites ? waiting.splice(maxWrites) : [];
    const group: PendingWrite[] = [];
    const writes: TaskWrite[] = [];
    for (const pending of waiting) {
      const write = pending.build();
      if (write === null) continue;
      group.push(pending);
      writes.push(write);
    }
    this.#underWay++;
    this.#schedule();
    let results: readonly CommitResult[] | null = null;
    let failure: unknown;
    try {
      results = writes.length === 0 ? [] : await store.commit(writes);
    } catch (cause) {
      failure = cause;
    }
    this.#underWay--;
    if (results !== null && group.length > 0) onCommit?.(group.length);
    let hasDeliveries = false;
    for (const [index, pending] of group.entries()) {
      if (results === null) pending.onError(failure);
      else {
        const result = results[index] ?? { status: 'failed', cause: new Error('the store gave no result') };
        hasDeliveries ||= result.status === 'written' && result.hasDeliveries === true;
        pending.onResult(result);
      }
    }
    if (hasDeliveries) onDeliveries?.();
    this.#schedule();
  }
}

/** A write that is known already, by the same queue as all others. Rejects when its commit failed. */
export function commitOne(queue: CommitQueue, write: TaskWrite): Promise<CommitResult> {
  return new Promise((resolve, reject) => {
    queue.enqueue({ build: () => write, onResult: resolve, onError: reject });
  });
}
