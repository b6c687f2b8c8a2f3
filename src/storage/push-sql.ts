/** What the statements on push notifications share: how the two databases differ, and how a row becomes a delivery. */
import { type RawBuilder, sql } from 'kysely';
import type { ClaimedDelivery, DeliveryRecord, PushAttempt } from '../core/push/push-store.ts';
import type { ProtocolVersion } from '../protocol/codec.ts';
import { SEQ_SPAN } from './task-rows.ts';

export interface PushDialect {
  /** Milliseconds since 1970 by the clock that leases go by. */
  nowMs(): RawBuilder<number>;
  /** At the end of a select: its rows of table `table` are locked until the transaction ends. */
  lock(table: string): RawBuilder<unknown>;
  /** The same, without those that somebody else has locked. */
  lockFree(table: string): RawBuilder<unknown>;
  /**
   * One server owns the database: leases of before its start are nobody's, and several outcomes share a transaction, as
   * each costs a write to the disk in the calling thread.
   */
  readonly hasOneServer: boolean;
}

/** One process, one writer: nothing to lock, and the clock is its own. */
export function sqlitePush(now: () => number): PushDialect {
  const nothing = sql``;
  return {
    nowMs: () => sql`cast(${now()} as integer)`,
    lock: () => nothing,
    lockFree: () => nothing,
    hasOneServer: true,
  };
}

export const postgresPush: PushDialect = {
  nowMs: () => sql`(extract(epoch from now()) * 1000)::bigint`,
  lock: (table) => sql`for update of ${sql.raw(table)}`,
  lockFree: (table) => sql`for update of ${sql.raw(table)} skip locked`,
  // Locks of several configurations in one transaction could cross those of a commit of their tasks.
  hasOneServer: false,
};

export const PENDING = 0;
export const DEAD = 1;

export interface ClaimRow {
  num: number;
  lease_epoch: number;
  uid: string;
  id: string;
  version: string;
  host: string;
  owner_id: string;
  agent_id: string;
  secret_key_id: string;
  secret: string;
  task_id: string;
  seq: number;
  body: string | null;
  attempts: number;
  history: string;
  first_attempt_at: number | null;
  now_ms: number;
}

/** The next delivery of one configuration. */
export function nextDelivery(configNum: number, nowMs: RawBuilder<number>) {
  return sql<ClaimRow>`select c.num, c.lease_epoch, c.uid, c.id, c.version, c.host, c.owner_id, t.agent_id,
      c.secret_key_id, c.secret, t.id as task_id, d.seq, l.body, d.attempts, d.history, d.first_attempt_at,
      ${nowMs} as now_ms
    from push_configs c join tasks t on t.num = c.task_num
      join push_deliveries d on d.config_num = c.num and d.state = ${sql.lit(PENDING)}
      left join task_log l on l.id = t.num * ${sql.lit(SEQ_SPAN)} + d.seq
    where c.num = ${configNum} order by d.seq limit 1`;
}

export function claimOf(row: ClaimRow): ClaimedDelivery {
  return {
    configNum: row.num,
    leaseEpoch: row.lease_epoch,
    uid: row.uid,
    configId: row.id,
    version: versionOf(row.version),
    host: row.host,
    ownerId: row.owner_id,
    agentId: row.agent_id,
    secret: { keyId: row.secret_key_id, envelope: row.secret },
    taskId: row.task_id,
    seq: row.seq,
    body: row.body,
    attempts: row.attempts,
    history: historyOf(row.history),
    firstAttemptAtMs: row.first_attempt_at,
    nowMs: row.now_ms,
  };
}

const versionOf = (text: string): ProtocolVersion => (text === '0.3' ? '0.3' : '1.0');

/** Parley's own text. */
const historyOf = (text: string): readonly PushAttempt[] => JSON.parse(text) as PushAttempt[];

export interface DeliveryRow {
  num: number;
  uid: string;
  id: string;
  host: string;
  owner_id: string;
  agent_id: string;
  task_id: string;
  due_at: number;
  first_seq: number | null;
  state: number;
  seq: number;
  created_at: number;
  attempts: number;
  reason: string | null;
  history: string;
  died_at: number | null;
}

/** Deliveries with all that is shown of them. */
export const DELIVERIES = sql`select c.num, c.uid, c.id, c.host, c.owner_id, t.agent_id, t.id as task_id, c.due_at,
    (select min(seq) from push_deliveries f where f.config_num = c.num and f.state = ${sql.lit(PENDING)}) as first_seq,
    d.state, d.seq, d.created_at, d.attempts, d.reason, d.history, d.died_at
  from push_configs c join tasks t on t.num = c.task_num join push_deliveries d on d.config_num = c.num`;

export function deliveryOf(row: DeliveryRow): DeliveryRecord {
  const isPending = row.state === PENDING;
  return {
    id: `${row.uid}.${row.seq}`,
    ownerId: row.owner_id,
    agentId: row.agent_id,
    taskId: row.task_id,
    configId: row.id,
    host: row.host,
    seq: row.seq,
    state: isPending ? 'pending' : 'dead',
    createdAtMs: row.created_at,
    attempts: row.attempts,
    nextAttemptAtMs: isPending && row.first_seq === row.seq ? row.due_at : null,
    reason: row.reason,
    diedAtMs: row.died_at,
    history: historyOf(row.history),
  };
}
