/**
 * Group commit on PostgreSQL. A group is one statement, which is its own transaction and one round trip; a write that
 * it cannot decide, or that spoils it for the others, is then looked at by itself.
 */
import { isTerminal } from '../../core/tasks/states.ts';
import type { CommitResult, Deduplication, TaskWrite } from '../../core/tasks/store.ts';
import { counterChanges } from '../counter-changes.ts';
import { contentNumber, HEAD_COLUMNS, kindNumber, LOG_COLUMNS, SEQ_SPAN } from '../task-rows.ts';
import { NOW_MS } from './clock.ts';
import { constraintOf, type PostgresDatabase, type PostgresSession, sqlStateOf } from './database.ts';
import { addPushConfig } from './push-writes.ts';

const WRITTEN: CommitResult = { status: 'written' };
const WRITTEN_WITH_DELIVERIES: CommitResult = { status: 'written', hasDeliveries: true };
const CONFLICT: CommitResult = { status: 'conflict' };

/** Rows of one counter: a writer takes one that no other commit of this process is using. */
const COUNTER_SLOTS = 16;
/** Text in one statement; what is beyond it goes into the next. */
const MAX_STATEMENT_CHARS = 8 * 1024 * 1024;
/** How often a statement is tried again that lost to a deadlock. */
const MAX_TRIES = 5;
/** Of a write that is alone: a push configuration came in between, and the next try sees it. */
const DIVISION_BY_ZERO = '22012';

const WRITE_FIELDS = `id text, owner_id text, agent_id text, context_id text, state text, status text, status_at bigint,
  created_at bigint, seq integer, first_seq integer, turn_seq integer, listed integer, message_count integer,
  size_chars bigint, lease_replica text, lease_epoch integer, attempt integer,
  before_seq integer, before_epoch integer, dedup_key text, body_hash text, expires_at bigint, ends integer`;
const ROW_FIELDS = `task_id text, seq integer, kind integer, content integer, append integer, content_start integer,
  content_end integer, artifact_id text, user_message text, body text`;

/**
 * The stored head `t` is the one that the write `w` builds on. `= any(array[x])` is `= x` in a form that can only be
 * looked up in the index: the plan is made once, often while the tables are small; with a plain `=` it may join with all
 * of `tasks`, and would go on to do so when that has grown.
 */
const IS_BEFORE = `t.id = any(array[w.id]) and t.seq = any(array[w.before_seq])
    and t.lease_epoch = any(array[w.before_epoch])`;

/**
 * $1 writes, $2 log rows, $3 changes of counters (all as JSON), $4 counter slot. Answers the ids of the tasks written.
 *
 * A write with a deduplication key goes on only where this statement could insert the key. `held` keeps such a write of
 * an existing task from inserting its key and then losing its compare-and-swap; should that happen all the same, the
 * division at the end fails the whole statement, and the writes are taken one by one. Keys, tasks and counters
 * are each locked in one order, so that groups of several replicas do not wait for each other crosswise.
 *
 * A task that has push configurations gives each of them its events. One that was made while this statement waited for
 * the row of the task is counted there, but not among what the statement can see: the same division then fails it.
 */
export const COMMIT = `with w as materialized (select * from json_to_recordset($1) as w(${WRITE_FIELDS})),
held as materialized (
  select t.id from tasks t join w on ${IS_BEFORE} where w.dedup_key is not null order by w.id for update of t),
claimed as (
  insert into task_dedup (key, body_hash, task_id, expires_at)
  select w.dedup_key, w.body_hash, w.id, w.expires_at from w
  where w.dedup_key is not null and (w.before_seq is null or w.id in (select id from held))
  order by w.dedup_key
  on conflict (key) do nothing returning key),
created as (
  insert into tasks (${HEAD_COLUMNS}) select ${HEAD_COLUMNS} from w
  where w.before_seq is null and (w.dedup_key is null or w.dedup_key in (select key from claimed))
  returning num, id),
changed as (
  update tasks t set state = w.state, status = w.status, status_at = w.status_at, seq = w.seq, turn_seq = w.turn_seq,
    listed = w.listed, message_count = w.message_count, size_chars = w.size_chars, lease_replica = w.lease_replica,
    lease_epoch = w.lease_epoch, attempt = w.attempt
  from w where ${IS_BEFORE} and (w.dedup_key is null or w.dedup_key in (select key from claimed))
  returning t.num, t.id, t.push_configs, w.before_seq, w.seq, w.ends),
written as materialized (select num, id from created union all select num, id from changed),
pushed as (
  update push_configs c set pending = c.pending + p.seq - p.before_seq, active = 1 - p.ends,
    due_at = case when c.pending = 0 then ${NOW_MS} else c.due_at end
  from changed p where p.push_configs > 0 and p.seq > p.before_seq and c.task_num = any(array[p.num]) and c.active = 1
  returning c.num, p.id, p.before_seq, p.seq),
delivered as (
  insert into push_deliveries (config_num, state, seq, created_at)
  select num, 0, event, ${NOW_MS} from pushed cross join lateral generate_series(before_seq + 1, seq) as event),
logged as (
  insert into task_log (${LOG_COLUMNS})
  select written.num * ${SEQ_SPAN} + r.seq, r.kind, r.content, r.append, r.content_start, r.content_end, r.artifact_id,
    r.user_message, r.body
  from json_to_recordset($2) as r(${ROW_FIELDS}) join written on written.id = r.task_id),
counted as (
  insert into task_counters (owner_id, agent_id, state, slot, n)
  select c.owner_id, c.agent_id, c.state, $4::integer, sum(c.delta)
  from json_to_recordset($3) as c(task_id text, owner_id text, agent_id text, state text, delta integer)
  join written on written.id = c.task_id
  group by c.owner_id, c.agent_id, c.state having sum(c.delta) <> 0
  order by c.owner_id, c.agent_id, c.state
  on conflict (owner_id, agent_id, state, slot) do update set n = task_counters.n + excluded.n)
select id, exists (select from pushed where pushed.id = written.id) as pushed
from written union all select null, false where 0 = 1 / (case when (select count(*) from claimed) =
  (select count(*) from w where w.dedup_key is not null and w.id in (select id from written))
  and (select coalesce(sum(push_configs), 0) from changed where seq > before_seq) = (select count(*) from pushed) then 1 else 0 end)`;

const CLAIM_KEY = `insert into task_dedup (key, body_hash, task_id, expires_at) values ($1,$2,$3,$4)
  on conflict (key) do nothing returning key`;
const RENEW_KEY = 'update task_dedup set body_hash = $2, task_id = $3, expires_at = $4 where key = $1';
const FIND_KEYS = 'select key, body_hash, task_id, expires_at from task_dedup where key = any($1::text[])';
const DISCARD = `update task_log set discarded = 1 where user_message is null
  and id > (select num from tasks where id = $1) * ${SEQ_SPAN} + $2
  and id < (select num from tasks where id = $1) * ${SEQ_SPAN} + $3`;

interface DedupRecord {
  readonly key: string;
  readonly body_hash: string;
  readonly task_id: string;
  readonly expires_at: number;
}

/** Thrown to roll back the transaction of a write that comes to nothing. */
class Refused extends Error {
  readonly result: CommitResult;

  constructor(result: CommitResult) {
    super(result.status);
    this.result = result;
  }
}

export class PostgresTaskCommits {
  readonly #database: PostgresDatabase;
  /** Counter slots that no commit of this process is using; it begins at another one in each process. */
  readonly #freeSlots: number[];

  constructor(database: PostgresDatabase, firstSlot: number) {
    this.#database = database;
    this.#freeSlots = Array.from({ length: COUNTER_SLOTS }, (_, index) => (firstSlot + index) % COUNTER_SLOTS);
  }

  /** Result i belongs to write i. Rejects when nothing was written, or when that is not known. */
  async commit(writes: readonly TaskWrite[]): Promise<readonly CommitResult[]> {
    const slot = this.#freeSlots.shift() ?? 0;
    try {
      return await new GroupCommit(this.#database, writes, slot).run();
    } finally {
      // Back to the front: a process that never has two commits under way uses one row of each counter.
      this.#freeSlots.unshift(slot);
    }
  }
}

class GroupCommit {
  readonly #database: PostgresDatabase;
  readonly #writes: readonly TaskWrite[];
  readonly #slot: number;
  readonly #results = new Map<TaskWrite, CommitResult>();
  #isAnyWritten = false;

  constructor(database: PostgresDatabase, writes: readonly TaskWrite[], slot: number) {
    this.#database = database;
    this.#writes = writes;
    this.#slot = slot;
  }

  async run(): Promise<readonly CommitResult[]> {
    try {
      for (const part of partsOf(this.#writes.filter(firstOfItsKey()))) await this.#together(part);
      await this.#findDuplicates(this.#undecided());
      for (const write of this.#undecided()) await this.#alone(write);
    } catch (cause) {
      // The others are stored and must be told so.
      if (!this.#isAnyWritten) throw cause;
      for (const write of this.#undecided()) this.#results.set(write, { status: 'failed', cause });
    }
    return this.#writes.map((write) => this.#results.get(write) ?? CONFLICT);
  }

  #undecided(): TaskWrite[] {
    return this.#writes.filter((write) => !this.#results.has(write));
  }

  /** One statement for all; where one of them spoils it, each half by itself, until that one is alone. */
  async #together(writes: readonly TaskWrite[]): Promise<void> {
    const [only] = writes;
    if (only === undefined) return;
    let written: Written;
    try {
      written = await this.#retried(() => apply(this.#database, writes, this.#slot));
    } catch (cause) {
      if (!isFaultOfWrite(cause)) throw cause;
      // A write that is alone here is left undecided: by itself it gets a transaction in which to say what is wrong.
      if (writes.length === 1) return;
      const middle = Math.ceil(writes.length / 2);
      await this.#together(writes.slice(0, middle));
      await this.#together(writes.slice(middle));
      return;
    }
    if (written.size > 0) this.#isAnyWritten = true;
    for (const write of writes) {
      const hasDeliveries = written.get(write.head.id);
      if (hasDeliveries !== undefined) this.#results.set(write, hasDeliveries ? WRITTEN_WITH_DELIVERIES : WRITTEN);
      else if (write.dedup === null) this.#results.set(write, CONFLICT);
    }
  }

  /** Writes whose key is bound by a row that is committed by now. */
  async #findDuplicates(writes: readonly TaskWrite[]): Promise<void> {
    const keys = writes.flatMap(({ dedup }) => (dedup === null ? [] : [dedup.key]));
    if (keys.length === 0) return;
    const records = await this.#database.prepared<DedupRecord>(FIND_KEYS, [keys]);
    const recordByKey = new Map(records.map((record) => [record.key, record]));
    for (const write of writes) {
      const duplicate = write.dedup === null ? null : duplicateOf(write.dedup, recordByKey.get(write.dedup.key));
      if (duplicate !== null) this.#results.set(write, duplicate);
    }
  }

  /** A transaction of several statements for one write: an expired key, another body, a restart, a refused value. */
  async #alone(write: TaskWrite): Promise<void> {
    try {
      const work = () => this.#database.transaction((session) => this.#applyAlone(session, write));
      const hasDeliveries = await this.#retried(work, DIVISION_BY_ZERO);
      this.#results.set(write, hasDeliveries ? WRITTEN_WITH_DELIVERIES : WRITTEN);
      this.#isAnyWritten = true;
    } catch (cause) {
      if (cause instanceof Refused) this.#results.set(write, cause.result);
      else if (constraintOf(cause) === 'tasks_id_key') this.#results.set(write, CONFLICT);
      else if (isFaultOfWrite(cause)) this.#results.set(write, { status: 'failed', cause });
      else throw cause;
    }
  }

  /** Answers whether any of its events are to be pushed. */
  async #applyAlone(session: PostgresSession, write: TaskWrite): Promise<boolean> {
    const { head, dedup, discard, pushConfig } = write;
    if (dedup !== null) await claimKey(session, dedup, head.id);
    if (discard !== null) await session.query(DISCARD, [head.id, discard.afterSeq, discard.beforeSeq]);
    const hasDeliveries = (await apply(session, [{ ...write, dedup: null }], this.#slot)).get(head.id);
    if (hasDeliveries === undefined) throw new Refused(CONFLICT);
    if (pushConfig === undefined) return hasDeliveries;
    await addPushConfig(session, write, pushConfig);
    return true;
  }

  /** @param also a state that is worth another try besides. */
  async #retried<T>(work: () => Promise<T>, also?: string): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await work();
      } catch (cause) {
        // 40001 and 40P01: rolled back in favour of others; nothing is wrong with it.
        const state = sqlStateOf(cause);
        if (tries === MAX_TRIES || state === undefined) throw cause;
        if (!state.startsWith('40') && state !== also) throw cause;
      }
    }
  }
}

/** Rejects with Refused when the key is bound. Waits for another transaction that is about to bind it. */
async function claimKey(session: PostgresSession, dedup: Deduplication, taskId: string): Promise<void> {
  const values = [dedup.key, dedup.bodyHash, taskId, dedup.expiresAtMs];
  for (;;) {
    if ((await session.query(CLAIM_KEY, values)).length > 0) return;
    const [record] = await session.query<DedupRecord>(`${FIND_KEYS} for update`, [[dedup.key]]);
    // Pruned in between.
    if (record === undefined) continue;
    const duplicate = duplicateOf(dedup, record);
    if (duplicate !== null) throw new Refused(duplicate);
    if (record.expires_at <= dedup.nowMs) await session.query(RENEW_KEY, values);
    return;
  }
}

function duplicateOf(dedup: Deduplication, record: DedupRecord | undefined): CommitResult | null {
  if (record === undefined || record.expires_at <= dedup.nowMs) return null;
  return { status: 'duplicate', taskId: record.task_id, sameBody: record.body_hash === dedup.bodyHash };
}

/** The ids of the tasks written, and whether any of their events are to be pushed. */
type Written = ReadonlyMap<string, boolean>;

/** Runs the statement for a group of different tasks with different keys. */
async function apply(session: PostgresSession, writes: readonly TaskWrite[], slot: number): Promise<Written> {
  const heads: object[] = [];
  const rows: object[] = [];
  const changes: object[] = [];
  for (const write of writes) {
    heads.push(headJson(write));
    for (const row of write.rows) {
      rows.push({
        task_id: write.head.id,
        seq: row.seq,
        kind: kindNumber(row.kind),
        content: contentNumber(row.content),
        append: row.append ? 1 : 0,
        content_start: row.contentStart,
        content_end: row.contentEnd,
        artifact_id: row.artifactId,
        user_message: row.userMessage,
        body: row.body,
      });
    }
    for (const { ownerId, agentId, state, delta } of counterChanges([write])) {
      changes.push({ task_id: write.head.id, owner_id: ownerId, agent_id: agentId, state, delta });
    }
  }
  const values = [JSON.stringify(heads), JSON.stringify(rows), JSON.stringify(changes), slot];
  const written = await session.prepared<{ id: string; pushed: boolean }>(COMMIT, values);
  return new Map(written.map(({ id, pushed }) => [id, pushed]));
}

function headJson({ before, head, dedup }: TaskWrite): object {
  return {
    id: head.id,
    owner_id: head.ownerId,
    agent_id: head.agentId,
    context_id: head.contextId,
    state: head.state,
    status: head.status,
    status_at: head.statusAtMs,
    created_at: head.createdAtMs,
    seq: head.seq,
    first_seq: head.firstSeq,
    turn_seq: head.turnSeq,
    listed: head.listed ? 1 : 0,
    message_count: head.messageCount,
    size_chars: head.sizeChars,
    lease_replica: head.leaseReplica,
    lease_epoch: head.leaseEpoch,
    attempt: head.attempt,
    before_seq: before?.seq ?? null,
    before_epoch: before?.leaseEpoch ?? null,
    dedup_key: dedup?.key ?? null,
    body_hash: dedup?.bodyHash ?? null,
    expires_at: dedup?.expiresAtMs ?? null,
    ends: isTerminal(head.state) ? 1 : 0,
  };
}

/** Tells the writes that can share a statement: no restarts, no push configurations, and of those with one key only the first. */
function firstOfItsKey(): (write: TaskWrite) => boolean {
  const keys = new Set<string>();
  return ({ dedup, discard, pushConfig }) => {
    if (discard !== null || pushConfig !== undefined || (dedup !== null && keys.has(dedup.key))) return false;
    if (dedup !== null) keys.add(dedup.key);
    return true;
  };
}

function partsOf(writes: readonly TaskWrite[]): TaskWrite[][] {
  const parts: TaskWrite[][] = [];
  let chars = Number.POSITIVE_INFINITY;
  for (const write of writes) {
    const size = write.rows.reduce((sum, row) => sum + row.body.length + (row.userMessage?.length ?? 0), 0);
    if (chars + size > MAX_STATEMENT_CHARS) {
      parts.push([]);
      chars = 0;
    }
    parts.at(-1)?.push(write);
    chars += size;
  }
  return parts;
}

/**
 * Data exception, violated constraint, division by zero in the statement above, a value too large for an index:
 * the write's own fault. Everything else (connection, disk, shutdown, time-out, missing table) is the database's.
 */
function isFaultOfWrite(cause: unknown): boolean {
  const state = sqlStateOf(cause);
  return state !== undefined && /^(22|23|54)/.test(state);
}
