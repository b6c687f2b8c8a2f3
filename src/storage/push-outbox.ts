/** What people see of the outbox, and what they do with its dead letters. */
import { type Kysely, type RawBuilder, sql, type Transaction } from 'kysely';
import type {
  DeliveryCursor,
  DeliveryFilter,
  DeliveryKey,
  DeliveryPage,
  DeliveryRecord,
  PushAttempt,
} from '../core/push/push-store.ts';
import { DEAD, DELIVERIES, type DeliveryRow, deliveryOf, PENDING, type PushDialect } from './push-sql.ts';
import type { Schema } from './schema.ts';

/** Attempts that are kept of a delivery, the latest. */
const MAX_HISTORY = 20;

export function withAttempt(history: readonly PushAttempt[], attempt: PushAttempt): readonly PushAttempt[] {
  return [...history, attempt].slice(-MAX_HISTORY);
}

/** Of an owner, where one is asked for: the condition is part of every look-up, so that another's is not found. */
function ofOwner(ownerId: string | undefined): RawBuilder<unknown> {
  return ownerId === undefined ? sql`` : sql`and c.owner_id = ${ownerId}`;
}

/** Of a configuration and its task, by their aliases. */
function ofConfig({ ownerId, agentId, agentIds, taskId }: DeliveryFilter): RawBuilder<unknown> {
  return sql`c.pending + c.dead > 0 ${ofOwner(ownerId)}
    ${agentId === undefined ? sql`` : sql`and t.agent_id = ${agentId}`}
    ${agentIds === undefined ? sql`` : sql`and t.agent_id in (${sql.join(agentIds)})`}
    ${taskId === undefined ? sql`` : sql`and t.id = ${taskId}`}`;
}

function conditions(filter: DeliveryFilter): RawBuilder<unknown> {
  const { state } = filter;
  return sql`${ofConfig(filter)}
    ${state === undefined ? sql`` : sql`and d.state = ${sql.lit(state === 'dead' ? DEAD : PENDING)}`}`;
}

export async function listDeliveries(
  db: Kysely<Schema>,
  filter: DeliveryFilter,
  after: DeliveryCursor | null,
  limit: number,
): Promise<DeliveryPage> {
  const from =
    after === null
      ? sql``
      : sql`and (c.num < ${after.configNum}
        or (c.num = ${after.configNum} and (d.state, d.seq) > (${after.state}, ${after.seq})))`;
  const { rows } = await sql<DeliveryRow>`${DELIVERIES} where ${conditions(filter)} ${from}
    order by c.num desc, d.state, d.seq limit ${limit + 1}`.execute(db);
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  const next =
    rows.length > limit && last !== undefined ? { configNum: last.num, state: last.state, seq: last.seq } : null;
  return { deliveries: page.map(deliveryOf), next };
}

export async function findDelivery(
  db: Kysely<Schema>,
  { uid, seq }: DeliveryKey,
  ownerId: string | undefined,
): Promise<DeliveryRecord | undefined> {
  const { rows } = await sql<DeliveryRow>`${DELIVERIES}
    where c.uid = ${uid} and d.seq = ${seq} ${ofOwner(ownerId)}`.execute(db);
  return rows.map(deliveryOf)[0];
}

/** The configuration of a dead delivery, locked; undefined where there is none. */
async function lockDead(
  db: Transaction<Schema>,
  dialect: PushDialect,
  { uid, seq }: DeliveryKey,
  ownerId: string | undefined,
): Promise<number | undefined> {
  const { rows } = await sql<{ num: number }>`select c.num from push_configs c
    where c.uid = ${uid} ${ofOwner(ownerId)} ${dialect.lock('c')}`.execute(db);
  const num = rows[0]?.num;
  if (num === undefined) return undefined;
  const { rows: dead } = await sql`select 1 as found from push_deliveries
    where config_num = ${num} and state = ${sql.lit(DEAD)} and seq = ${seq}`.execute(db);
  return dead.length === 0 ? undefined : num;
}

/** Answers whether there is that dead delivery; `work` has its configuration locked. */
function withDead(
  db: Kysely<Schema>,
  dialect: PushDialect,
  key: DeliveryKey,
  ownerId: string | undefined,
  work: (transaction: Transaction<Schema>, num: number) => Promise<unknown>,
): Promise<boolean> {
  return db.transaction().execute(async (transaction) => {
    const num = await lockDead(transaction, dialect, key, ownerId);
    if (num !== undefined) await work(transaction, num);
    return num !== undefined;
  });
}

export function redeliver(
  db: Kysely<Schema>,
  dialect: PushDialect,
  key: DeliveryKey,
  ownerId: string | undefined,
): Promise<boolean> {
  return withDead(db, dialect, key, ownerId, (transaction, num) =>
    revive(transaction, dialect, num, sql`and seq = ${key.seq}`),
  );
}

/** Dead deliveries of one locked configuration wait again, and the first of them is due. */
async function revive(
  db: Transaction<Schema>,
  dialect: PushDialect,
  num: number,
  which: RawBuilder<unknown>,
): Promise<number> {
  const { numAffectedRows = 0n } = await sql`update push_deliveries
    set state = ${sql.lit(PENDING)}, attempts = 0, first_attempt_at = null, reason = null, died_at = null
    where config_num = ${num} and state = ${sql.lit(DEAD)} ${which}`.execute(db);
  const count = Number(numAffectedRows);
  await sql`update push_configs set dead = dead - ${count}, pending = pending + ${count}, due_at = ${dialect.nowMs()}
    where num = ${num}`.execute(db);
  return count;
}

export async function redeliverAll(
  db: Kysely<Schema>,
  dialect: PushDialect,
  filter: DeliveryFilter,
  limit: number,
): Promise<number> {
  const { rows } = await sql<{ num: number }>`select c.num from push_configs c join tasks t on t.num = c.task_num
    where c.dead > 0 and ${ofConfig(filter)}
    order by c.num limit ${limit}`.execute(db);
  let count = 0;
  for (const { num } of rows) {
    // One transaction each: locks of several could cross those of others.
    count += await db.transaction().execute(async (transaction) => {
      const locked = await sql`select c.num from push_configs c where c.num = ${num} ${dialect.lock('c')}`.execute(
        transaction,
      );
      return locked.rows.length === 0 ? 0 : revive(transaction, dialect, num, sql``);
    });
  }
  return count;
}

export function discard(
  db: Kysely<Schema>,
  dialect: PushDialect,
  key: DeliveryKey,
  ownerId: string | undefined,
): Promise<boolean> {
  return withDead(db, dialect, key, ownerId, (transaction, num) => forget(transaction, num, sql`and seq = ${key.seq}`));
}

/** Dead deliveries of one locked configuration are gone, and with the last one a configuration whose task has ended. */
async function forget(db: Transaction<Schema>, num: number, which: RawBuilder<unknown>): Promise<number> {
  const { numAffectedRows = 0n } = await sql`delete from push_deliveries
    where config_num = ${num} and state = ${sql.lit(DEAD)} ${which}`.execute(db);
  const count = Number(numAffectedRows);
  await sql`update push_configs set dead = dead - ${count} where num = ${num}`.execute(db);
  await sql`delete from push_configs where num = ${num} and active = 0 and pending + dead = 0`.execute(db);
  return count;
}

export async function pruneDead(
  db: Kysely<Schema>,
  dialect: PushDialect,
  diedBeforeMs: number,
  limit: number,
): Promise<number> {
  const { rows } = await sql<{ num: number }>`select distinct c.num from push_configs c
      join push_deliveries d on d.config_num = c.num and d.state = ${sql.lit(DEAD)}
    where c.pending + c.dead > 0 and d.died_at < ${diedBeforeMs} limit ${limit}`.execute(db);
  let count = 0;
  for (const { num } of rows) {
    count += await db.transaction().execute(async (transaction) => {
      await sql`select c.num from push_configs c where c.num = ${num} ${dialect.lock('c')}`.execute(transaction);
      return forget(transaction, num, sql`and died_at < ${diedBeforeMs}`);
    });
  }
  return count;
}
