/** Tasks on PostgreSQL: each operation is one statement, so that what it sees is of one moment. */
import type { LogRow } from '../../core/tasks/log.ts';
import {
  type Backlog,
  type ClaimedTask,
  type ClaimQuery,
  type CommitResult,
  type ContentQuery,
  type Deduplication,
  type DeletedTasks,
  type ListQuery,
  type ListResult,
  PAGE_MAX_CHARS,
  RELEASED,
  type StoredTask,
  type TaskHead,
  type TaskScope,
  type TaskStore,
  type TaskWrite,
} from '../../core/tasks/store.ts';
import { fittingPageSql, listSql } from '../task-list.ts';
import {
  CONTENT_NONE,
  HEAD_COLUMNS,
  type HeadRecord,
  headOf,
  LOG_COLUMNS,
  type LogRecord,
  logRowOf,
  SEQ_SPAN,
} from '../task-rows.ts';
import { chooseTrims, type TrimCandidate, trimSliceSql } from '../trim-walk.ts';
import { NOW_MS } from './clock.ts';
import type { PostgresDatabase } from './database.ts';
import { PostgresTaskClaims } from './task-claims.ts';
import { PostgresTaskCommits } from './task-commit.ts';
import { type MixedRecord, mixedSql, storedTasks, totalOf } from './task-content.ts';
import { PostgresTaskDeletion } from './task-deletion.ts';

const SELECT_HEAD = `select num, ${HEAD_COLUMNS}, push_configs from tasks where id = $1 and owner_id = $2 and agent_id = $3`;
/** `num + 0`: the few leased tasks are sorted; the index on num, which has that order, would lead through all tasks. */
const LEASED = `select ${HEAD_COLUMNS} from tasks where lease_replica = $1 order by num + 0 limit $2`;
/** A dead replica's row is of no use any more; a day is far longer than any lease. */
const FORGET_REPLICA_MS = 86_400_000;

export class PostgresTaskStore implements TaskStore {
  readonly #database: PostgresDatabase;
  readonly #commits: PostgresTaskCommits;
  readonly #claims: PostgresTaskClaims;
  readonly #deletion: PostgresTaskDeletion;
  #trimAfter = 0;
  #pruneAfter = '';

  /** @param firstSlot any number of 0 to 15, another one in each replica where that can be had. */
  constructor(database: PostgresDatabase, firstSlot: number) {
    this.#database = database;
    this.#commits = new PostgresTaskCommits(database, firstSlot);
    this.#claims = new PostgresTaskClaims(database);
    this.#deletion = new PostgresTaskDeletion(database, firstSlot);
  }

  commit(writes: readonly TaskWrite[]): Promise<readonly CommitResult[]> {
    return this.#commits.commit(writes);
  }

  async readDuplicate(dedup: Deduplication): Promise<{ taskId: string; sameBody: boolean } | undefined> {
    const [row] = await this.#database.prepared<{ body_hash: string; task_id: string }>(
      'select body_hash, task_id from task_dedup where key = $1 and expires_at > $2',
      [dedup.key, dedup.nowMs],
    );
    return row === undefined ? undefined : { taskId: row.task_id, sameBody: row.body_hash === dedup.bodyHash };
  }

  async readHead(scope: TaskScope, taskId: string): Promise<TaskHead | undefined> {
    const [record] = await this.#database.prepared<HeadRecord>(SELECT_HEAD, [taskId, scope.ownerId, scope.agentId]);
    return record === undefined ? undefined : headOf(record);
  }

  async readTask(scope: TaskScope, taskId: string, query: ContentQuery): Promise<StoredTask | undefined> {
    const values = [taskId, scope.ownerId, scope.agentId];
    const sql = mixedSql(SELECT_HEAD, query, values);
    return storedTasks(await this.#database.prepared<MixedRecord>(sql, values))[0];
  }

  async readEvents(taskId: string, afterSeq: number, limit: number): Promise<readonly LogRow[]> {
    const base = `(select num from tasks where id = $1) * ${SEQ_SPAN}`;
    const records = await this.#database.prepared<LogRecord>(
      `select ${LOG_COLUMNS} from task_log where id > ${base} + $2 and id < ${base} + ${SEQ_SPAN}
        order by id limit $3`,
      [taskId, Math.max(afterSeq, 0), limit],
    );
    return records.map(logRowOf);
  }

  async listTasks(query: ListQuery): Promise<ListResult> {
    const { page, total } = listSql(query, '$');
    const values = [...page.values];
    const sql = mixedSql(fittingPageSql(page.sql, query), query, values, total.sql);
    // Planned for these values: which index is best differs between filters.
    const records = await this.#database.query<MixedRecord>(sql, values);
    const hasContent = query.historyLength !== 0 || query.artifacts;
    const isCut =
      hasContent && records.reduce((chars, { size_chars }) => chars + (size_chars ?? 0), 0) >= PAGE_MAX_CHARS;
    return { tasks: storedTasks(records), totalSize: totalOf(records), ...(isCut ? { isCut } : {}) };
  }

  async readSeqs(taskIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const records = await this.#database.prepared<{ id: string; seq: number }>(
      'select id, seq from tasks where id = any($1::text[])',
      [taskIds],
    );
    return new Map(records.map(({ id, seq }) => [id, seq]));
  }

  async heartbeat(replicaId: string, ttlMs: number): Promise<number> {
    const [row] = await this.#database.prepared<{ others: number }>(
      `with forgotten as (delete from replicas where id <> $1 and expires_at < ${NOW_MS} - ${FORGET_REPLICA_MS}),
        renewed as (insert into replicas (id, started_at, expires_at) values ($1, ${NOW_MS}, ${NOW_MS} + $2)
          on conflict (id) do update set expires_at = excluded.expires_at)
        select count(*) as others from replicas where id <> $1 and expires_at > ${NOW_MS}`,
      [replicaId, ttlMs],
    );
    return row?.others ?? 0;
  }

  async retireReplica(replicaId: string): Promise<void> {
    await this.#database.prepared(
      `with released as (update tasks set lease_replica = '${RELEASED}' where lease_replica = $1)
        delete from replicas where id = $1`,
      [replicaId],
    );
  }

  claimTasks(query: ClaimQuery): Promise<readonly ClaimedTask[]> {
    return this.#claims.claim(query);
  }

  readBacklog(replicaId: string, limit: number): Promise<Backlog> {
    return this.#claims.backlog(replicaId, limit);
  }

  async findLeased(replicaId: string, limit: number): Promise<readonly TaskHead[]> {
    return (await this.#database.prepared<HeadRecord>(LEASED, [replicaId, limit])).map(headOf);
  }

  async trimLogs(endedBeforeMs: number, limit: number): Promise<number> {
    const slice = await this.#database.prepared<TrimCandidate>(trimSliceSql('$1', '$2', '$3'), [
      endedBeforeMs,
      this.#trimAfter,
      limit,
    ]);
    const { nums, after } = chooseTrims(slice, limit);
    this.#trimAfter = after;
    if (nums.length === 0) return 0;
    // An ended task does not change; another replica may be trimming it too, and is then waited for.
    const trimmed = await this.#database.prepared(
      `with trimmed as (update tasks set first_seq = seq + 1 where num = any($1::bigint[]) and first_seq <= seq
          returning num),
        gone as (delete from task_log using trimmed where task_log.id > trimmed.num * ${SEQ_SPAN}
          and task_log.id < (trimmed.num + 1) * ${SEQ_SPAN} and (content = ${CONTENT_NONE} or discarded = 1))
        select num from trimmed`,
      [nums],
    );
    return trimmed.length;
  }

  async pruneDeduplication(nowMs: number, limit: number): Promise<number> {
    const [pruned] = await this.#database.prepared<{ last: string | null; count: number }>(
      `with slice as materialized (select key, expires_at from task_dedup where key > $1 order by key limit $2),
        gone as (delete from task_dedup using slice where task_dedup.key = any(array[slice.key])
          and task_dedup.expires_at <= $3 returning 1)
        select (select key from slice order by key offset $2 - 1 limit 1) as last, (select count(*) from gone) as count`,
      [this.#pruneAfter, limit, nowMs],
    );
    this.#pruneAfter = pruned?.last ?? '';
    return pruned?.count ?? 0;
  }

  deleteTasks(endedBeforeMs: number, limit: number): Promise<DeletedTasks> {
    return this.#deletion.deleteTasks(endedBeforeMs, limit);
  }

  removeLogs(): Promise<boolean> {
    return this.#deletion.removeLogs();
  }
}
