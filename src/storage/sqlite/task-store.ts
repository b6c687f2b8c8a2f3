/** Tasks on SQLite, with hand-written statements. */
import type { Clock } from '../../core/clock.ts';
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
  RELEASED,
  type StoredTask,
  type TaskHead,
  type TaskScope,
  type TaskStore,
  type TaskWrite,
} from '../../core/tasks/store.ts';
import { fittingPage, listSql } from '../task-list.ts';
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
import type { SqliteDatabase } from './database.ts';
import { SqliteTaskClaims } from './task-claims.ts';
import { SqliteTaskCommits } from './task-commit.ts';
import { readContent, readWhole } from './task-content.ts';
import { SqliteTaskDeletion } from './task-deletion.ts';

const SELECT_HEAD = `select num, ${HEAD_COLUMNS}, push_configs from tasks where id = ? and owner_id = ? and agent_id = ?`;

export class SqliteTaskStore implements TaskStore {
  readonly #database: SqliteDatabase;
  readonly #clock: Clock;
  readonly #commits: SqliteTaskCommits;
  readonly #claims: SqliteTaskClaims;
  readonly #deletion: SqliteTaskDeletion;
  #trimAfter = 0;
  #pruneAfter = '';

  constructor(database: SqliteDatabase, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
    this.#commits = new SqliteTaskCommits(database, clock);
    this.#claims = new SqliteTaskClaims(database);
    this.#deletion = new SqliteTaskDeletion(database);
  }

  commit(writes: readonly TaskWrite[]): Promise<readonly CommitResult[]> {
    return this.#commits.commit(writes);
  }

  async readDuplicate(dedup: Deduplication): Promise<{ taskId: string; sameBody: boolean } | undefined> {
    const row = this.#database
      .prepare('select body_hash, task_id from task_dedup where key = ? and expires_at > ?')
      .get(dedup.key, dedup.nowMs) as { body_hash: string; task_id: string } | undefined;
    return row === undefined ? undefined : { taskId: row.task_id, sameBody: row.body_hash === dedup.bodyHash };
  }

  async readHead(scope: TaskScope, taskId: string): Promise<TaskHead | undefined> {
    const record = this.#headRecord(scope, taskId);
    return record === undefined ? undefined : headOf(record);
  }

  #headRecord(scope: TaskScope, taskId: string): (HeadRecord & { num: number }) | undefined {
    return this.#database.prepare(SELECT_HEAD).get(taskId, scope.ownerId, scope.agentId) as
      | (HeadRecord & { num: number })
      | undefined;
  }

  async readTask(scope: TaskScope, taskId: string, query: ContentQuery): Promise<StoredTask | undefined> {
    if (query.historyLength === undefined && query.artifacts) return readWhole(this.#database, scope, taskId);
    const record = this.#headRecord(scope, taskId);
    if (record === undefined) return undefined;
    return { head: headOf(record), rows: readContent(this.#database, record.num, query) };
  }

  async readEvents(taskId: string, afterSeq: number, limit: number): Promise<readonly LogRow[]> {
    const task = this.#database.prepare('select num from tasks where id = ?').get(taskId) as
      | { num: number }
      | undefined;
    if (task === undefined) return [];
    const from = task.num * SEQ_SPAN;
    const records = this.#database
      .prepare(`select ${LOG_COLUMNS} from task_log where id > ? and id < ? order by id limit ?`)
      .all(from + Math.max(afterSeq, 0), from + SEQ_SPAN, limit) as LogRecord[];
    return records.map(logRowOf);
  }

  async listTasks(query: ListQuery): Promise<ListResult> {
    const { page, total } = listSql(query, '?');
    const records = this.#database.prepare(page.sql).all(...page.values) as (HeadRecord & { num: number })[];
    const counted = this.#database.prepare(total.sql).get(...total.values) as { total: number };
    const content = { historyLength: query.historyLength, artifacts: query.artifacts };
    const fitting = fittingPage(records, query);
    return {
      tasks: fitting.map((record) => ({
        head: headOf(record),
        rows: readContent(this.#database, record.num, content),
      })),
      totalSize: counted.total,
      ...(fitting.length < records.length ? { isCut: true } : {}),
    };
  }

  async readSeqs(taskIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const records = this.#database
      .prepare('select id, seq from tasks where id in (select value from json_each(?))')
      .all(JSON.stringify(taskIds)) as { id: string; seq: number }[];
    return new Map(records.map(({ id, seq }) => [id, seq]));
  }

  /** One process owns the file (`lockForServer`): whoever else is listed is dead. */
  async heartbeat(replicaId: string, ttlMs: number): Promise<number> {
    await this.#database.whenFree(() =>
      this.#database.transaction(() => {
        const now = this.#clock.now();
        this.#database.prepare('delete from replicas where id <> ?').run(replicaId);
        this.#database
          .prepare(`insert into replicas (id, started_at, expires_at) values (?,?,?)
            on conflict (id) do update set expires_at = excluded.expires_at`)
          .run(replicaId, now, now + ttlMs);
      }),
    );
    return 0;
  }

  async retireReplica(replicaId: string): Promise<void> {
    await this.#database.whenFree(() =>
      this.#database.transaction(() => {
        const release = 'update tasks set lease_replica = ? where lease_replica = ?';
        this.#database.prepare(release).run(RELEASED, replicaId);
        this.#database.prepare('delete from replicas where id = ?').run(replicaId);
      }),
    );
  }

  claimTasks(query: ClaimQuery): Promise<readonly ClaimedTask[]> {
    return this.#claims.claim(query);
  }

  readBacklog(replicaId: string, limit: number): Promise<Backlog> {
    return this.#claims.backlog(replicaId, limit);
  }

  async findLeased(replicaId: string, limit: number): Promise<readonly TaskHead[]> {
    const records = this.#database
      .prepare(`select ${HEAD_COLUMNS} from tasks where lease_replica = ? order by num limit ?`)
      .all(replicaId, limit) as HeadRecord[];
    return records.map(headOf);
  }

  async trimLogs(endedBeforeMs: number, limit: number): Promise<number> {
    return this.#database.whenFree(() => {
      const slice = this.#database
        .prepare(trimSliceSql('?', '?', '?'))
        .all(endedBeforeMs, this.#trimAfter, limit) as TrimCandidate[];
      const { nums, after } = chooseTrims(slice, limit);
      if (nums.length > 0) this.#database.transaction(() => this.#trim(nums));
      this.#trimAfter = after;
      return nums.length;
    });
  }

  #trim(nums: readonly number[]): void {
    const remove = this.#database.prepare(
      `delete from task_log where id > ? and id < ? and (content = ${CONTENT_NONE} or discarded = 1)`,
    );
    const advance = this.#database.prepare('update tasks set first_seq = seq + 1 where num = ?');
    for (const num of nums) {
      remove.run(num * SEQ_SPAN, (num + 1) * SEQ_SPAN);
      advance.run(num);
    }
  }

  /** Walks the table slice by slice, so that no single call holds up the server. */
  async pruneDeduplication(nowMs: number, limit: number): Promise<number> {
    return this.#database.whenFree(() => {
      const last = this.#database
        .prepare('select key from task_dedup where key > ? order by key limit 1 offset ?')
        .get(this.#pruneAfter, limit - 1) as { key: string } | undefined;
      const upTo = last?.key ?? '\u{10FFFF}';
      const { changes } = this.#database
        .prepare('delete from task_dedup where key > ? and key <= ? and expires_at <= ?')
        .run(this.#pruneAfter, upTo, nowMs);
      this.#pruneAfter = last?.key ?? '';
      return Number(changes);
    });
  }

  deleteTasks(endedBeforeMs: number, limit: number): Promise<DeletedTasks> {
    return this.#deletion.deleteTasks(endedBeforeMs, limit);
  }

  removeLogs(): Promise<boolean> {
    return this.#deletion.removeLogs();
  }
}
