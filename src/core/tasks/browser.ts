/**
 * The port of the management API to tasks: lists across agents and owners, and events with their times. It decides no
 * permissions; `owner_id` and the agents of a query are what the caller may see.
 */
import type { TaskState } from '../../protocol/v1/types.ts';
import type { EventSample } from './event-rate.ts';
import type { LogRow } from './log.ts';
import type { TaskHead } from './store.ts';

/** A task as lists show it, with the beginnings of its texts. */
export interface BrowsedTask {
  readonly id: string;
  readonly ownerId: string;
  readonly agentId: string;
  readonly contextId: string;
  readonly state: TaskState;
  readonly statusAtMs: number;
  readonly createdAtMs: number;
  readonly seq: number;
  /** The first text of the first message, within its first FIRST_CHARS characters. */
  readonly firstText: string;
  /** The same of the status. */
  readonly statusText: string;
}

/** So much of a message's JSON text is looked at for its first text. */
export const FIRST_CHARS = 4000;

export interface BrowseQuery {
  /** null: of all owners. */
  readonly ownerId: string | null;
  /** null: of all agents. */
  readonly agentIds: readonly string[] | null;
  /** null: in any state. */
  readonly states: readonly TaskState[] | null;
  readonly contextId: string | null;
  /** Status timestamp at or after, and before; milliseconds since 1970. */
  readonly statusFromMs: number | null;
  readonly statusBeforeMs: number | null;
  /** The last task of the page before. */
  readonly after: { readonly statusAtMs: number; readonly id: string } | null;
  readonly limit: number;
}

export interface TaskCount {
  readonly agentId: string;
  readonly state: TaskState;
  readonly count: number;
}

export interface TimedRow {
  readonly row: LogRow;
  /** When it was stored; null: by a version that kept no times. */
  readonly atMs: number | null;
}

/** What is told of the tasks that somebody has in view. */
export interface GlancedTask {
  readonly id: string;
  readonly ownerId: string;
  readonly agentId: string;
  readonly state: TaskState;
  readonly statusAtMs: number;
  readonly seq: number;
  /** It waits for a replica with room, since its status timestamp. */
  readonly isQueued: boolean;
  /** RATE_SAMPLES of its events at most, ascending; none where its log was trimmed, or has no times. */
  readonly samples: readonly EventSample[];
}

/** A task that waits for a replica with room. */
export interface WaitingTask {
  readonly id: string;
  /** When its turn was queued; null: it had begun, and was given back. */
  readonly sinceMs: number | null;
}

export interface TaskBrowser {
  /** Listed tasks, newest status first, then by id descending. Its cost does not grow with the number of tasks. */
  list(query: BrowseQuery): Promise<readonly BrowsedTask[]>;
  /** Those of these ids that are listed, in no order. */
  byIds(ids: readonly string[]): Promise<readonly BrowsedTask[]>;
  /** Listed tasks whose ids begin with `prefix`, at most `limit`. */
  byIdPrefix(prefix: string, limit: number): Promise<readonly BrowsedTask[]>;
  /** Listed tasks per agent and state, from counters; ownerId null: of all owners. */
  counts(ownerId: string | null): Promise<readonly TaskCount[]>;
  /** Those of these ids that are listed, in no order. Reads a few rows of each, however long its log is. */
  glances(ids: readonly string[]): Promise<readonly GlancedTask[]>;
  /** Tasks that nobody runs though they could go on, the oldest first. `ownerId` null: of everybody. */
  waiting(ownerId: string | null, limit: number): Promise<readonly WaitingTask[]>;
  /** Whoever it belongs to. */
  find(taskId: string): Promise<TaskHead | undefined>;
  /** As TaskStore.readEvents, with times. */
  events(taskId: string, afterSeq: number, limit: number): Promise<readonly TimedRow[]>;
}
