/** Group commit on SQLite: one transaction for all writes, and one each where that fails. In the calling thread. */
import type { Clock } from '../../core/clock.ts';
import type { LogRow } from '../../core/tasks/log.ts';
import type { CommitResult, Deduplication, TaskHead, TaskWrite } from '../../core/tasks/store.ts';
import { counterChanges } from '../counter-changes.ts';
import { contentNumber, HEAD_COLUMNS, kindNumber, LOG_COLUMNS, SEQ_SPAN } from '../task-rows.ts';
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
/** So many rows of a task's log go into one statement: most of what a row costs is the way from here to SQLite and back. */
const MAX_LOG_ROWS = 8;
/** For 1, 2, … rows. `stored_at`: PostgreSQL fills it in by itself. */
const INSERT_LOG = Array.from({ length: MAX_LOG_ROWS }, (_, index) => {
  const rows = Array(index + 1)
    .fill('(?,?,?,?,?,?,?,?,?,?)')
    .join();
  return `insert into task_log (${LOG_COLUMNS}, stored_at) values ${rows}`;
});
const INSERT_DEDUP = `insert into task_dedup (key, body_hash, task_id, expires_at) values (?,?,?,?)
  on conflict (key) do nothing`;
const COUNT = `insert into task_counters (owner_id, agent_id, state, slot, n) values (?,?,?,0,?)
  on conflict (owner_id, agent_id, state, slot) do update set n = n + excluded.n`;

interface WrittenTask {
  readonly num: number;
  readonly push_configs: number;
}

export class SqliteTaskCommits {
  readonly #database: SqliteDatabase;
  readonly #clock: Clock;

  constructor(database: SqliteDatabase, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /** Result i belongs to write i. Rejects when nothing was written. */
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
    const nowMs = this.#clock.now();
    this.#insertLog(base, write.rows, nowMs);
    if (stored.push_configs === 0 && write.pushConfig === undefined) return WRITTEN;
    if (write.pushConfig !== undefined) addPushConfig(this.#database, num, head.ownerId, write.pushConfig);
    return addDeliveries(this.#database, num, write, nowMs) ? WRITTEN_WITH_DELIVERIES : WRITTEN;
  }

  #insertLog(base: number, rows: readonly LogRow[], nowMs: number): void {
    for (let from = 0; from < rows.length; from += MAX_LOG_ROWS) {
      const values: (string | number | null)[] = [];
      const to = Math.min(rows.length, from + MAX_LOG_ROWS);
      for (let index = from; index < to; index++) {
        const row = rows[index] as LogRow;
        values.push(
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
      this.#database.prepare(INSERT_LOG[to - from - 1] as string).run(...values);
    }
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
