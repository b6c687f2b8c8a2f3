/** Tasks on SQLite: group commits in the calling thread, hand-written statements for the hot paths. */
import type { Clock } from '../../core/clock.ts';
import type { LogRow } from '../../core/tasks/log.ts';
import {
  type CommitResult,
  type ContentQuery,
  type Deduplication,
  type ListQuery,
  type ListResult,
  RELEASED,
  type StoredTask,
  type TaskHead,
  type TaskScope,
  type TaskStore,
  type TaskWrite,
} from '../../core/tasks/store.ts';
import { counterChanges } from '../counter-changes.ts';
import { fittingPage, listSql } from '../task-list.ts';
import {
  CONTENT_ARTIFACT,
  CONTENT_MESSAGE,
  CONTENT_NONE,
  contentNumber,
  HEAD_COLUMNS,
  type HeadRecord,
  headOf,
  kindNumber,
  LOG_COLUMNS,
  type LogRecord,
  logRowOf,
  SEQ_SPAN,
  taskState,
} from '../task-rows.ts';
import { chooseTrims, type TrimCandidate, trimSliceSql } from '../trim-walk.ts';
import type { SqliteDatabase } from './database.ts';
import { addDeliveries, addPushConfig } from './push-writes.ts';

const WRITTEN: CommitResult = { status: 'written' };
const WRITTEN_WITH_DELIVERIES: CommitResult = { status: 'written', hasDeliveries: true };
const CONFLICT: CommitResult = { status: 'conflict' };

const INSERT_TASK = `insert into tasks (${HEAD_COLUMNS}) values (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)
  on conflict (id) do nothing`;
const UPDATE_TASK = `update tasks set state = ?, status = ?, status_at = ?, seq = ?, turn_seq = ?, listed = ?,
  message_count = ?, size_chars = ?, lease_replica = ?, lease_epoch = ?, attempt = ?
  where id = ? and seq = ? and lease_epoch = ? returning num, push_configs`;
/** `stored_at`: PostgreSQL fills it in by itself. */
const INSERT_LOG = `insert into task_log (${LOG_COLUMNS}, stored_at) values (?,?,?,?,?,?,?,?,?,?)`;
const INSERT_DEDUP = `insert into task_dedup (key, body_hash, task_id, expires_at) values (?,?,?,?)
  on conflict (key) do nothing`;
const COUNT = `insert into task_counters (owner_id, agent_id, state, slot, n) values (?,?,?,0,?)
  on conflict (owner_id, agent_id, state, slot) do update set n = n + excluded.n`;
const SELECT_HEAD = `select num, ${HEAD_COLUMNS}, push_configs from tasks where id = ? and owner_id = ? and agent_id = ?`;
const CONTENT = `select ${LOG_COLUMNS} from task_log where id between ? and ? and discarded = 0`;

const SELECT_WHOLE = `select t.context_id, t.state, t.status, t.status_at, t.seq, t.first_seq, t.listed,
  l.id, l.kind, l.content, l.append, l.content_start, l.content_end, l.artifact_id, l.user_message, l.body
  from tasks t left join task_log l on l.id between t.num * ${SEQ_SPAN} and t.num * ${SEQ_SPAN} + ${SEQ_SPAN - 1}
    and l.discarded = 0 and l.content <> ${CONTENT_NONE}
  where t.id = ? and t.owner_id = ? and t.agent_id = ? order by l.id`;

interface WrittenTask {
  readonly num: number;
  readonly push_configs: number;
}

/** A row of SELECT_WHOLE: the head, repeated, then a log row or nulls. */
type WholeRow = [
  contextId: string,
  state: string,
  status: string,
  statusAt: number,
  seq: number,
  firstSeq: number,
  listed: number,
  id: number | null,
  kind: number,
  content: number,
  append: number,
  contentStart: number,
  contentEnd: number,
  artifactId: string | null,
  userMessage: string | null,
  body: string,
];

export class SqliteTaskStore implements TaskStore {
  readonly #database: SqliteDatabase;
  readonly #clock: Clock;
  #trimAfter = 0;
  #pruneAfter = '';

  constructor(database: SqliteDatabase, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  commit(writes: readonly TaskWrite[]): Promise<readonly CommitResult[]> {
    return this.#database.whenFree(() => this.#commit(writes));
  }

  #commit(writes: readonly TaskWrite[]): readonly CommitResult[] {
    try {
      return this.#database.transaction(() => this.#applyAll(writes));
    } catch (cause) {
      // One write may have spoiled the transaction for all: each gets its own, so that only the guilty one fails.
      if (writes.length > 1 && !isDatabaseDown(cause)) return writes.map((write) => this.#commitOne(write));
      if (isDatabaseDown(cause)) throw cause;
      return [{ status: 'failed', cause }];
    }
  }

  #commitOne(write: TaskWrite): CommitResult {
    try {
      return this.#database.transaction(() => this.#applyAll([write]))[0] ?? CONFLICT;
    } catch (cause) {
      return { status: 'failed', cause };
    }
  }

  #applyAll(writes: readonly TaskWrite[]): readonly CommitResult[] {
    const results: CommitResult[] = [];
    const written: TaskWrite[] = [];
    for (const write of writes) {
      const result = this.#apply(write);
      results.push(result);
      if (result.status === 'written') written.push(write);
    }
    const count = this.#database.prepare(COUNT);
    for (const change of counterChanges(written)) count.run(change.ownerId, change.agentId, change.state, change.delta);
    return results;
  }

  #apply(write: TaskWrite): CommitResult {
    const { before, head, dedup } = write;
    // The only writer in a write transaction: what is looked at first still holds when it is written.
    const duplicate = dedup === null ? null : this.#claimKey(dedup, head.id);
    if (duplicate !== null) return duplicate;
    const stored = before === null ? this.#insert(head) : this.#update(before, head);
    if (stored === undefined) {
      if (dedup !== null) this.#database.prepare('delete from task_dedup where key = ?').run(dedup.key);
      return CONFLICT;
    }
    const { num } = stored;
    const base = num * SEQ_SPAN;
    if (write.discard !== null) {
      this.#database
        .prepare('update task_log set discarded = 1 where id > ? and id < ? and user_message is null')
        .run(base + write.discard.afterSeq, base + write.discard.beforeSeq);
    }
    const insertLog = this.#database.prepare(INSERT_LOG);
    const nowMs = this.#clock.now();
    for (const row of write.rows) {
      insertLog.run(
        base + row.seq,
        kindNumber(row.kind),
        contentNumber(row.content),
        row.append ? 1 : 0,
        row.contentStart,
        row.contentEnd,
        row.artifactId,
        row.userMessage,
        row.body,
        nowMs,
      );
    }
    if (stored.push_configs === 0 && write.pushConfig === undefined) return WRITTEN;
    if (write.pushConfig !== undefined) addPushConfig(this.#database, num, head.ownerId, write.pushConfig);
    return addDeliveries(this.#database, num, write, nowMs) ? WRITTEN_WITH_DELIVERIES : WRITTEN;
  }

  /** undefined where the id is taken. */
  #insert(head: TaskHead): WrittenTask | undefined {
    const { changes, lastInsertRowid } = this.#database.prepare(INSERT_TASK).run(...headValues(head));
    return changes === 0 ? undefined : { num: Number(lastInsertRowid), push_configs: 0 };
  }

  /** undefined where the task is not as `before` says. */
  #update(before: TaskHead, head: TaskHead): WrittenTask | undefined {
    return this.#database
      .prepare(UPDATE_TASK)
      .get(
        head.state,
        head.status,
        head.statusAtMs,
        head.seq,
        head.turnSeq,
        head.listed ? 1 : 0,
        head.messageCount,
        head.sizeChars,
        head.leaseReplica,
        head.leaseEpoch,
        head.attempt,
        head.id,
        before.seq,
        before.leaseEpoch,
      ) as WrittenTask | undefined;
  }

  /**
   * null: the key was free, or bound by a row that has expired, and is now this task's. Else the duplicate that this
   * write is.
   */
  #claimKey(dedup: Deduplication, taskId: string): CommitResult | null {
    const inserted = this.#database.prepare(INSERT_DEDUP).run(dedup.key, dedup.bodyHash, taskId, dedup.expiresAtMs);
    if (inserted.changes !== 0) return null;
    const row = this.#database
      .prepare('select body_hash, task_id, expires_at from task_dedup where key = ?')
      .get(dedup.key) as { body_hash: string; task_id: string; expires_at: number };
    if (row.expires_at > dedup.nowMs) {
      return { status: 'duplicate', taskId: row.task_id, sameBody: row.body_hash === dedup.bodyHash };
    }
    this.#database
      .prepare('update task_dedup set body_hash = ?, task_id = ?, expires_at = ? where key = ?')
      .run(dedup.bodyHash, taskId, dedup.expiresAtMs, dedup.key);
    return null;
  }

  async readDuplicate(dedup: Deduplication): Promise<{ taskId: string; sameBody: boolean } | undefined> {
    const row = this.#database
      .prepare('select body_hash, task_id from task_dedup where key = ? and expires_at > ?')
      .get(dedup.key, dedup.nowMs) as { body_hash: string; task_id: string } | undefined;
    return row === undefined ? undefined : { taskId: row.task_id, sameBody: row.body_hash === dedup.bodyHash };
  }

  async readHead(scope: TaskScope, taskId: string): Promise<TaskHead | undefined> {
    return this.#head(scope, taskId);
  }

  #head(scope: TaskScope, taskId: string): TaskHead | undefined {
    const record = this.#headRecord(scope, taskId);
    return record === undefined ? undefined : headOf(record);
  }

  #headRecord(scope: TaskScope, taskId: string): (HeadRecord & { num: number }) | undefined {
    return this.#database.prepare(SELECT_HEAD).get(taskId, scope.ownerId, scope.agentId) as
      | (HeadRecord & { num: number })
      | undefined;
  }

  async readTask(scope: TaskScope, taskId: string, query: ContentQuery): Promise<StoredTask | undefined> {
    if (query.historyLength === undefined && query.artifacts) return this.#whole(scope, taskId);
    const record = this.#headRecord(scope, taskId);
    if (record === undefined) return undefined;
    return { head: headOf(record), rows: this.#content(record.num, query) };
  }

  /** The common case in one statement, with rows as arrays. */
  #whole(scope: TaskScope, taskId: string): StoredTask | undefined {
    this.#database.beginReads();
    const rows = this.#database.prepareArrays(SELECT_WHOLE).all(taskId, scope.ownerId, scope.agentId) as WholeRow[];
    const [first] = rows;
    if (first === undefined) return undefined;
    const head = {
      id: taskId,
      contextId: first[0],
      state: taskState(first[1]),
      status: first[2],
      statusAtMs: first[3],
      seq: first[4],
      firstSeq: first[5],
      listed: first[6] === 1,
    };
    return { head, rows: first[7] === null ? [] : rows.map(logRowOfWhole) };
  }

  #content(num: number, query: ContentQuery): readonly LogRow[] {
    const from = num * SEQ_SPAN;
    const to = from + SEQ_SPAN - 1;
    const { historyLength, artifacts } = query;
    if (historyLength === undefined && artifacts) {
      const all = `${CONTENT} and content <> ${CONTENT_NONE} order by id`;
      return (this.#database.prepare(all).all(from, to) as LogRecord[]).map(logRowOf);
    }
    const latest = `${CONTENT} and content = ${CONTENT_MESSAGE} order by id desc limit ?`;
    const chunks = `${CONTENT} and content = ${CONTENT_ARTIFACT} order by id`;
    const records: LogRecord[] = [
      ...(historyLength === 0
        ? []
        : (this.#database.prepare(latest).all(from, to, historyLength ?? -1) as LogRecord[])),
      ...(artifacts ? (this.#database.prepare(chunks).all(from, to) as LogRecord[]) : []),
    ];
    return records.sort((a, b) => a.id - b.id).map(logRowOf);
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
      tasks: fitting.map((record) => ({ head: headOf(record), rows: this.#content(record.num, content) })),
      totalSize: counted.total,
      ...(fitting.length < records.length ? { isCut: true } : {}),
    };
  }

  /** One process owns the file (`lockForServer`): whoever else is listed is dead. */
  async heartbeat(replicaId: string, ttlMs: number): Promise<void> {
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

  async findOrphans(limit: number): Promise<readonly TaskHead[]> {
    // `+num`: the few leased tasks are sorted; by the index on num, which has that order, all tasks would be read.
    const records = this.#database
      .prepare(`select ${HEAD_COLUMNS} from tasks where lease_replica is not null
        and lease_replica not in (select id from replicas) order by +num limit ?`)
      .all(limit) as HeadRecord[];
    return records.map(headOf);
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
}

function logRowOfWhole(row: WholeRow): LogRow {
  return logRowOf({
    id: row[7] ?? 0,
    kind: row[8],
    content: row[9],
    append: row[10],
    content_start: row[11],
    content_end: row[12],
    artifact_id: row[13],
    user_message: row[14],
    body: row[15],
  });
}

function headValues(head: TaskHead): (string | number | null)[] {
  return [
    head.id,
    head.ownerId,
    head.agentId,
    head.contextId,
    head.state,
    head.status,
    head.statusAtMs,
    head.createdAtMs,
    head.seq,
    head.firstSeq,
    head.turnSeq,
    head.listed ? 1 : 0,
    head.messageCount,
    head.sizeChars,
    head.leaseReplica,
    head.leaseEpoch,
    head.attempt,
  ];
}

/** SQLITE_FULL, IOERR, READONLY, CANTOPEN, CORRUPT, NOTADB, BUSY, LOCKED: a fault of the database, not of a write. */
const DOWN_CODES: ReadonlySet<number> = new Set([5, 6, 8, 10, 11, 13, 14, 26]);

function isDatabaseDown(cause: unknown): boolean {
  if (typeof cause !== 'object' || cause === null || !('errcode' in cause)) return false;
  return typeof cause.errcode === 'number' && DOWN_CODES.has(cause.errcode & 0xff);
}
