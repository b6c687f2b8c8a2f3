/** Who wants to know of every change of a task that this process commits. Where nobody does, it costs a look at an empty set. */
import type { LogRow } from './log.ts';
import type { TaskHead } from './store.ts';

/** Called after the commit with the new head and the rows that led to it. It must not throw, and must be quick. */
export type FeedListener = (head: TaskHead, rows: readonly LogRow[]) => void;

export class TaskFeed {
  readonly #listeners = new Set<FeedListener>();

  /** The returned function ends it and may be called twice. */
  listen(listener: FeedListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  publish(head: TaskHead, rows: readonly LogRow[]): void {
    if (!head.listed) return;
    for (const listener of this.#listeners) listener(head, rows);
  }
}
