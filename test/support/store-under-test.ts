/** What the contract suites of the task stores work on. */
import { expect } from 'vitest';
import type { CommitResult, TaskHead, TaskStore, TaskView, TaskWrite } from '../../src/core/tasks/store.ts';

export interface StoreUnderTest {
  readonly store: TaskStore;
  /** Another one on the same database, with connections of its own: another replica, or a person who looks. */
  readonly other: TaskStore;
  /** Several processes may use the database. */
  readonly isShared: boolean;
  /** On a connection of its own. */
  select(sql: string): Promise<readonly Record<string, unknown>[]>;
  /** Closes both, and opens the database anew. */
  reopen(): Promise<TaskStore>;
}

export const ALL = { historyLength: undefined, artifacts: true } as const;

/** What a read gives of a head; it may give more. */
export function viewOf({ id, contextId, state, status, statusAtMs, seq, firstSeq, listed }: TaskHead): TaskView {
  return { id, contextId, state, status, statusAtMs, seq, firstSeq, listed };
}

export const statuses = (results: readonly CommitResult[]) => results.map((result) => result.status);

/** Commits one write, which must succeed; answers the head that it leads to. */
export async function write(store: TaskStore, one: TaskWrite): Promise<TaskHead> {
  expect(await store.commit([one])).toMatchObject([{ status: 'written' }]);
  return one.head;
}

/** A write that no database takes: two rows with one seq. */
export function poisoned(good: TaskWrite): TaskWrite {
  return { ...good, rows: [...good.rows, ...good.rows] };
}
