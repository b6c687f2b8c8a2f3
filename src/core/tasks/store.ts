/**
 * The storage port of tasks. Two implementations (SQLite, PostgreSQL) pass one contract suite. The port is
 * asynchronous everywhere; nothing that it returned as written can be lost afterwards.
 */
import type { TaskState } from '../../protocol/v1/types.ts';
import type { NewPushConfig } from '../push/push-config.ts';
import type { LogRow } from './log.ts';

/** The current state of a task: one row, rewritten by each write; its size does not grow with the task. */
export interface TaskHead {
  readonly id: string;
  readonly ownerId: string;
  readonly agentId: string;
  readonly contextId: string;
  readonly state: TaskState;
  /** TaskStatus as 1.0 JSON text. */
  readonly status: string;
  /** The status timestamp, milliseconds since 1970: the order of ListTasks. */
  readonly statusAtMs: number;
  readonly createdAtMs: number;
  /** The highest `seq` of the log; 0 before the first event. */
  readonly seq: number;
  /** The lowest `seq` that the log still holds; `seq + 1` when retention has trimmed it all. */
  readonly firstSeq: number;
  /** The row whose user message began the current turn. */
  readonly turnSeq: number;
  /** `false` for what ListTasks does not show: an answer that was a Message. */
  readonly listed: boolean;
  /** Messages in the history. */
  readonly messageCount: number;
  /** Stored text of all rows, in UTF-16 code units. */
  readonly sizeChars: number;
  /** The replica that runs the task; null while nobody does. */
  readonly leaseReplica: string | null;
  /** The fencing token: grows whenever the right to write passes on. */
  readonly leaseEpoch: number;
  /** How often the current turn was started, 1 at first. */
  readonly attempt: number;
  /** When it was read, the task had push configurations. Writes leave this alone. */
  readonly hasPushConfigs?: true;
}

/** What makes a repeated send join the first one (A2A 1.0 section 3.3.1). */
export interface Deduplication {
  /** Hash over scope and key: equal for equal owner, agent and Idempotency-Key, or else message. */
  readonly key: string;
  /** Hash over the decoded message; empty where `key` covers that. */
  readonly bodyHash: string;
  readonly expiresAtMs: number;
  /** Now, in milliseconds since 1970: an older row that expired before is replaced. */
  readonly nowMs: number;
}

/**
 * One atomic change of one task: the new head, the rows that lead to it, and what else must be true together.
 * It is applied only if the stored head still has `before.seq` and `before.leaseEpoch` (compare and swap).
 */
export interface TaskWrite {
  /** The head that this write builds on; null creates the task. */
  readonly before: TaskHead | null;
  readonly head: TaskHead;
  readonly rows: readonly LogRow[];
  /** Rows after and before these seqs, user messages excepted, no longer count as content (a restarted turn). */
  readonly discard: { readonly afterSeq: number; readonly beforeSeq: number } | null;
  readonly dedup: Deduplication | null;
  /** A push configuration that comes with the message, and gets the events of this write already. */
  readonly pushConfig?: NewPushConfig | undefined;
}

export type CommitResult =
  /** `hasDeliveries`: some of its events are to be pushed. */
  | { readonly status: 'written'; readonly hasDeliveries?: true }
  /** The stored head is not the one that the write builds on. Nothing was written. */
  | { readonly status: 'conflict' }
  /** `dedup.key` was taken by `taskId`. Nothing was written. */
  | { readonly status: 'duplicate'; readonly taskId: string; readonly sameBody: boolean }
  /** The database refused this write, and only this one. Nothing was written. */
  | { readonly status: 'failed'; readonly cause: unknown };

/** What readers of a task need of its head. */
export type TaskView = Pick<
  TaskHead,
  'id' | 'contextId' | 'state' | 'status' | 'statusAtMs' | 'seq' | 'firstSeq' | 'listed'
>;

export interface StoredTask {
  readonly head: TaskView;
  /** Content rows up to `head.seq`, ascending, as far as they were asked for. */
  readonly rows: readonly LogRow[];
}

export interface ContentQuery {
  /** At least the rows that hold the latest so many messages; `undefined` all, 0 none. */
  readonly historyLength: number | undefined;
  readonly artifacts: boolean;
}

/** Whose tasks, of which agent: the scope of every look-up, so that what is another's is not found. */
export interface TaskScope {
  readonly ownerId: string;
  readonly agentId: string;
}

export interface ListQuery extends ContentQuery {
  readonly scope: TaskScope;
  readonly contextId: string | undefined;
  readonly state: TaskState | undefined;
  /** Status timestamp at or after, milliseconds since 1970. */
  readonly statusFromMs: number | undefined;
  /** The last task of the page before. */
  readonly after: { readonly statusAtMs: number; readonly id: string } | undefined;
  /** At most so many tasks; ask for one more than the page to learn whether there is another. */
  readonly limit: number;
}

/** A page with content ends after the task with which it reaches so much stored text (UTF-16 code units), however many were asked for. */
export const PAGE_MAX_CHARS = 16 * 1024 * 1024;

/** `totalSize` with a context or time filter is counted up to this many tasks and not further. */
export const FILTERED_TOTAL_CAP = 10_000;

export interface ListResult {
  /** By status timestamp descending, then id descending. */
  readonly tasks: readonly StoredTask[];
  /** There may be more tasks, left out because of PAGE_MAX_CHARS; absent: no. */
  readonly isCut?: boolean;
  /** All tasks that match without `after`, from counters; capped at FILTERED_TOTAL_CAP with a context or time filter. */
  readonly totalSize: number;
}

/** Holds the lease of a task that its replica has let go of in good order; no replica has this id. */
export const RELEASED = 'released';
/** Holds the lease of a task whose turn nobody has begun yet, for want of room; no replica has this id. */
export const QUEUED = 'queued';

/** What is to be claimed: tasks that wait (queued, or given back), or those of replicas that are no longer alive. */
export interface ClaimQuery {
  readonly replicaId: string;
  readonly from: 'waiting' | 'dead';
  readonly limit: number;
  /** How many tasks of each owner run here; who is not in it has none. */
  readonly running: ReadonlyMap<string, number>;
  /** So many tasks of one owner may run here, those that are claimed included. */
  readonly maxPerOwner: number;
  /** Tasks of which agents are passed over. */
  readonly exceptAgents: readonly string[];
  /** The agents that this replica has: tasks of others are for replicas that have those, while they are not overdue. */
  readonly agents: readonly string[];
  /** A task is overdue whose status is from before this time, milliseconds since 1970. */
  readonly overdueBeforeMs: number;
}

export interface ClaimedTask {
  /**
   * As it is now: held by who claimed it, under a new epoch. `attempt` counts the one that now begins: the same for a
   * queued turn, at least 2 for one that was given back, one more where its replica died.
   */
  readonly head: TaskHead;
  /** Who held it: QUEUED, RELEASED, or the replica that died. */
  readonly from: string;
}

/** What waits for a replica with room, as of one moment. */
export interface Backlog {
  /** Tasks held by QUEUED, of all owners and of each; counted up to the limit that was asked for. */
  readonly queued: number;
  readonly queuedByOwner: ReadonlyMap<string, number>;
  /** Whether anything waits, queued or given back. */
  readonly hasWaiting: boolean;
  /** Whether a replica that is no longer alive holds a task. */
  readonly hasDead: boolean;
  /** Replicas that are alive, besides the one that asks. */
  readonly otherReplicas: number;
}

/** What one step of deleting came to. */
export interface DeletedTasks {
  readonly deleted: number;
  /** All tasks were looked at; the next step begins anew. */
  readonly isDone: boolean;
}

export interface TaskStore {
  /**
   * Applies writes of different tasks in one commit, each of them whole or not at all; result i belongs to write i.
   * Where a task has push configurations at that moment, whoever made them, each event of the write gets a delivery for
   * each of them, in the same transaction; a terminal state ends the configurations.
   * Rejects when the commit itself failed: then none of them was written, or, where the connection to a database broke in
   * the middle of it, nobody knows. Whoever goes on reads the head again first.
   */
  commit(writes: readonly TaskWrite[]): Promise<readonly CommitResult[]>;

  /** Who holds this deduplication key now; undefined where it is free, or its row has expired. */
  readDuplicate(dedup: Deduplication): Promise<{ readonly taskId: string; readonly sameBody: boolean } | undefined>;

  readHead(scope: TaskScope, taskId: string): Promise<TaskHead | undefined>;
  /** Head and content of one moment. */
  readTask(scope: TaskScope, taskId: string, query: ContentQuery): Promise<StoredTask | undefined>;
  /** Events with `seq` above `afterSeq`, ascending, at most `limit`; discarded ones included, as they were sent. */
  readEvents(taskId: string, afterSeq: number, limit: number): Promise<readonly LogRow[]>;
  listTasks(query: ListQuery): Promise<ListResult>;

  /** The last `seq` of each of these tasks, whoever's they are, in one statement; what is not there is left out. */
  readSeqs(taskIds: readonly string[]): Promise<ReadonlyMap<string, number>>;

  /**
   * Announces or renews this replica; it counts as alive for `ttlMs` by the database's clock. Answers how many others are
   * alive.
   */
  heartbeat(replicaId: string, ttlMs: number): Promise<number>;
  /** Gives this replica's leases back (their holder is RELEASED then) and ends its life, so that others may take over. */
  retireReplica(replicaId: string): Promise<void>;
  /**
   * Takes tasks that nobody runs and makes `replicaId` their holder, in one transaction: of the owner that has the
   * fewest here first, the oldest of that owner; among equals it goes round. Of very many owners it looks at the next ones
   * only. May give fewer than `limit` while more wait, but none only where it saw none. Two claims at once never get the
   * same task; where they can be at once, they do not wait for each other: what the other is about to take is passed over.
   */
  claimTasks(query: ClaimQuery): Promise<readonly ClaimedTask[]>;
  /** Looks at what waits; counts no more than `limit` queued tasks. */
  readBacklog(replicaId: string, limit: number): Promise<Backlog>;
  /** Tasks whose lease this replica holds. */
  findLeased(replicaId: string, limit: number): Promise<readonly TaskHead[]>;

  /**
   * Deletes log rows without content of tasks that ended before `endedBeforeMs`; returns how many tasks it trimmed.
   * Goes round all tasks, oldest first: one call looks at no more than the next `limit` of them, and stops earlier where
   * their logs are long, so that no call takes long; after the last one the next call begins anew.
   */
  trimLogs(endedBeforeMs: number, limit: number): Promise<number>;
  /** Forgets deduplication rows that expired by `nowMs`; returns how many. Goes round as `trimLogs` does. */
  pruneDeduplication(nowMs: number, limit: number): Promise<number>;
  /**
   * Deletes tasks that ended before `endedBeforeMs`, with their logs, push configurations and deliveries, and takes them
   * out of the counters, in one transaction; from then on they are not found. Goes round as `trimLogs` does, in steps of a
   * bounded number of rows and bytes. The rows of a long log, which nothing leads to any more, are left to `removeLogs`.
   */
  deleteTasks(endedBeforeMs: number, limit: number): Promise<DeletedTasks>;
  /** Removes the next rows of long logs of deleted tasks; `false`: there are none left. */
  removeLogs(): Promise<boolean>;
}
