/**
 * Group commit: the writes that wait in one turn of the event loop share one commit. What a write contains is asked
 * for only when its group is put together, so that whatever a task has produced until then goes along. While a commit is
 * under way, another one begins when as many writes wait as the first one holds, when that one has ended, or when it takes long.
 */
import type { Clock } from '../clock.ts';
import type { CommitResult, TaskStore, TaskWrite } from './store.ts';

/** How long writes wait beside a commit for others to join them: much longer than most commits take. */
const HOLD_MS = 20;

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
  readonly clock: Clock;
  /** Writes per commit at most; the rest waits for the next one. */
  readonly maxWrites: number;
  /** Commits under way at once, at most; only a database on the network gains from more than one. */
  readonly maxConcurrent: number;
  readonly onCommit?: (writes: number) => void;
  /** Some of a commit's events are to be pushed. */
  readonly onDeliveries?: (() => void) | undefined;
}

export class CommitQueue {
  readonly #options: CommitQueueOptions;
  #waiting: PendingWrite[] = [];
  #scheduled = false;
  /** Writes of each commit under way. */
  readonly #underWay: number[] = [];
  #endHold: (() => void) | null = null;

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
    if (this.#scheduled || this.#waiting.length === 0 || this.#underWay.length >= this.#options.maxConcurrent) return;
    // Commits side by side are of like size. Else one of a few writes goes with each large one: more commits, for nothing.
    if (this.#underWay.length > 0 && this.#waiting.length < Math.min(...this.#underWay)) {
      this.#endHold ??= this.#options.clock.after(HOLD_MS, () => this.#begin());
      return;
    }
    this.#begin();
  }

  #begin(): void {
    this.#endHold?.();
    this.#endHold = null;
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
    if (writes.length === 0) {
      this.#schedule();
      return;
    }
    this.#underWay.push(writes.length);
    this.#schedule();
    let results: readonly CommitResult[] | null = null;
    let failure: unknown;
    try {
      results = await store.commit(writes);
    } catch (cause) {
      failure = cause;
    }
    this.#underWay.splice(this.#underWay.indexOf(writes.length), 1);
    if (results !== null) onCommit?.(group.length);
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
