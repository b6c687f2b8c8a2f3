/** Push notifications in SQL, for both databases: configurations, and the leases under which deliveries are sent. */
import { type Kysely, sql, type Transaction } from 'kysely';
import type { NewPushConfig, PushConfigRecord } from '../core/push/push-config.ts';
import type {
  ClaimedDelivery,
  ClaimRequest,
  DeliveryCursor,
  DeliveryFilter,
  DeliveryKey,
  DeliveryPage,
  DeliveryRecord,
  PushOutcome,
  PushStats,
  PushStore,
  PutResult,
  SettleResult,
} from '../core/push/push-store.ts';
import { TERMINAL_STATES } from '../core/tasks/states.ts';
import type { TaskScope } from '../core/tasks/store.ts';
import * as outbox from './push-outbox.ts';
import { type ClaimRow, claimOf, DEAD, nextDelivery, PENDING, type PushDialect } from './push-sql.ts';
import type { Schema } from './schema.ts';
import { LOG_COLUMNS, type LogRecord, logRowOf, SEQ_SPAN } from './task-rows.ts';

/** Configurations looked at in one claim. */
const CANDIDATES = 1000;

type Db = Kysely<Schema> | Transaction<Schema>;

interface TaskRow {
  num: number;
  push_configs: number;
}

interface ConfigRow {
  uid: string;
  id: string;
  secret_key_id: string;
  secret: string;
}

export class SqlPushStore implements PushStore {
  readonly #db: Kysely<Schema>;
  readonly #dialect: PushDialect;

  constructor(db: Kysely<Schema>, dialect: PushDialect) {
    this.#db = db;
    this.#dialect = dialect;
  }

  // ---- configurations ----

  putConfig(scope: TaskScope, taskId: string, config: NewPushConfig, maxPerTask: number): Promise<PutResult> {
    return this.#db.transaction().execute(async (db): Promise<PutResult> => {
      // The lock makes every commit of this task come before or after, and those that waited for it look again.
      const task = await this.#task(db, scope, taskId, true);
      if (task === undefined) return 'no-task';
      const { uid, id, version, host, secret, createdAtMs } = config;
      const replaced = await sql`update push_configs set uid = ${uid}, version = ${version}, host = ${host},
          secret_key_id = ${secret.keyId}, secret = ${secret.envelope}, created_at = ${createdAtMs}
        where task_num = ${task.num} and id = ${id} and active = 1`.execute(db);
      if (replaced.numAffectedRows === 1n) return 'stored';
      const { rows } = await sql<{ n: number }>`select count(*) as n from push_configs
        where task_num = ${task.num} and active = 1`.execute(db);
      if (Number(rows[0]?.n ?? 0) >= maxPerTask) return 'too-many';
      await sql`insert into push_configs
          (uid, task_num, id, owner_id, version, host, secret_key_id, secret, active, created_at)
        values (${uid}, ${task.num}, ${id}, ${scope.ownerId}, ${version}, ${host}, ${secret.keyId}, ${secret.envelope},
          1, ${createdAtMs})`.execute(db);
      await sql`update tasks set push_configs = push_configs + 1 where num = ${task.num}`.execute(db);
      return 'stored';
    });
  }

  async #task(db: Db, scope: TaskScope, taskId: string, isLocked: boolean): Promise<TaskRow | undefined> {
    const { rows } = await sql<TaskRow>`select num, push_configs from tasks where id = ${taskId}
      and owner_id = ${scope.ownerId} and agent_id = ${scope.agentId} and listed = 1
      ${isLocked ? this.#dialect.lock('tasks') : sql``}`.execute(db);
    return rows[0];
  }

  async findConfig(scope: TaskScope, taskId: string, id: string): Promise<PushConfigRecord | undefined> {
    const task = await this.#task(this.#db, scope, taskId, false);
    if (task === undefined || task.push_configs === 0) return undefined;
    const { rows } = await sql<ConfigRow>`select uid, id, secret_key_id, secret from push_configs
      where task_num = ${task.num} and id = ${id} and active = 1`.execute(this.#db);
    return rows.map(recordOf)[0];
  }

  async listConfigs(
    scope: TaskScope,
    taskId: string,
    afterId: string,
    limit: number,
  ): Promise<readonly PushConfigRecord[] | undefined> {
    const task = await this.#task(this.#db, scope, taskId, false);
    if (task === undefined) return undefined;
    if (task.push_configs === 0) return [];
    const { rows } = await sql<ConfigRow>`select uid, id, secret_key_id, secret from push_configs
      where task_num = ${task.num} and id > ${afterId} and active = 1 order by id limit ${limit}`.execute(this.#db);
    return rows.map(recordOf);
  }

  removeConfig(scope: TaskScope, taskId: string, id: string): Promise<boolean> {
    return this.#db.transaction().execute(async (db) => {
      const task = await this.#task(db, scope, taskId, true);
      if (task === undefined) return false;
      // One that the end of the task has ended may still have something to send, which is withdrawn too.
      const { rows } = await sql<{ num: number; active: number }>`delete from push_configs
        where task_num = ${task.num} and id = ${id} returning num, active`.execute(db);
      for (const { num, active } of rows) {
        await sql`delete from push_deliveries where config_num = ${num}`.execute(db);
        await sql`update tasks set push_configs = push_configs - ${active} where num = ${task.num}`.execute(db);
      }
      return true;
    });
  }

  async queuedOf(ownerId: string): Promise<number> {
    const { rows } = await sql<{ n: number | null }>`select sum(pending + dead) as n from push_configs
      where owner_id = ${ownerId} and pending + dead > 0`.execute(this.#db);
    return Number(rows[0]?.n ?? 0);
  }

  async queued(): Promise<number> {
    const { rows } = await sql<{ n: number | null }>`select sum(pending + dead) as n from push_configs
      where pending + dead > 0`.execute(this.#db);
    return Number(rows[0]?.n ?? 0);
  }

  // ---- sending ----

  async begin(): Promise<void> {
    if (!this.#dialect.hasOneServer) return;
    await sql`update push_configs set lease_until = 0, lease_epoch = lease_epoch + 1 where lease_until > 0`.execute(
      this.#db,
    );
  }

  async claim(request: ClaimRequest): Promise<readonly ClaimedDelivery[]> {
    const { limit, leaseMs, maxPerHost, maxPerOwner, busyHosts, busyOwners } = request;
    const now = this.#dialect.nowMs();
    const isDue = sql`c.pending > 0 and c.due_at <= ${now} and c.lease_until <= ${now}`;
    const noneOf = (column: string, values: readonly string[]) =>
      values.length === 0 ? sql`` : sql`and ${sql.ref(column)} not in (${sql.join(values)})`;
    const { rows } = await sql<{ num: number }>`with candidates as (
        select c.num, c.host, c.owner_id, c.due_at from push_configs c
        where ${isDue} ${noneOf('c.host', busyHosts)} ${noneOf('c.owner_id', busyOwners)}
        order by c.due_at limit ${sql.lit(CANDIDATES)}),
      ranked as (
        select num, due_at, row_number() over (partition by host order by due_at, num) as of_host,
          row_number() over (partition by owner_id order by due_at, num) as of_owner from candidates),
      due as (
        select c.num from push_configs c join ranked r on r.num = c.num
        where r.of_host <= ${maxPerHost} and r.of_owner <= ${maxPerOwner} and ${isDue}
        order by r.due_at limit ${limit} ${this.#dialect.lockFree('c')})
      update push_configs set lease_until = ${now} + ${leaseMs}, lease_epoch = lease_epoch + 1
      where num in (select num from due) returning num`.execute(this.#db);
    const claims: ClaimedDelivery[] = [];
    for (const { num } of rows) {
      const next = await this.#next(this.#db, num);
      if (next !== null) claims.push(next);
    }
    return claims;
  }

  async #next(db: Db, configNum: number): Promise<ClaimedDelivery | null> {
    const { rows } = await nextDelivery(configNum, this.#dialect.nowMs()).execute(db);
    const row: ClaimRow | undefined = rows[0];
    return row === undefined ? null : claimOf(row);
  }

  async settle(outcomes: readonly PushOutcome[]): Promise<readonly SettleResult[]> {
    const inTransaction = <T>(work: (db: Transaction<Schema>) => Promise<T>) => this.#db.transaction().execute(work);
    if (!this.#dialect.hasOneServer) {
      return Promise.all(
        outcomes.map((outcome) =>
          inTransaction((db) => this.#settleOne(db, outcome)).catch(
            (cause: unknown): SettleResult => ({ status: 'failed', cause }),
          ),
        ),
      );
    }
    return inTransaction(async (db) => {
      const results: SettleResult[] = [];
      for (const outcome of outcomes) results.push(await this.#settleOne(db, outcome));
      return results;
    });
  }

  async #settleOne(db: Transaction<Schema>, outcome: PushOutcome): Promise<SettleResult> {
    const { configNum, leaseEpoch, seq, attempts, history, firstAttemptAtMs } = outcome.claim;
    const now = this.#dialect.nowMs();
    const keepMs = outcome.kind === 'delivered' || outcome.kind === 'dead' ? outcome.keepMs : null;
    const isGone = outcome.kind === 'delivered' || outcome.kind === 'dead' ? 1 : 0;
    const delayMs = outcome.kind === 'retry' ? outcome.delayMs : 0;
    const { rows } = await sql<{ pending: number; dead: number; active: number }>`update push_configs
      set pending = pending - ${sql.lit(isGone)}, dead = dead + ${sql.lit(outcome.kind === 'dead' ? 1 : 0)},
        due_at = ${now} + ${delayMs},
        lease_until = case when pending > ${sql.lit(isGone)} then ${keepMs === null ? sql.lit(0) : sql`${now} + ${keepMs}`}
          else 0 end
      where num = ${configNum} and lease_epoch = ${leaseEpoch} and lease_until > 0
      returning pending, dead, active`.execute(db);
    const [config] = rows;
    if (config === undefined) return { status: 'lost' };
    const ofDelivery = sql`config_num = ${configNum} and state = ${sql.lit(PENDING)} and seq = ${seq}`;
    if (outcome.kind === 'delivered') {
      await sql`delete from push_deliveries where ${ofDelivery}`.execute(db);
      if (config.pending === 0 && config.dead === 0 && config.active === 0) {
        await sql`delete from push_configs where num = ${configNum}`.execute(db);
      }
    } else if (outcome.kind !== 'released') {
      const isDead = outcome.kind === 'dead';
      await sql`update push_deliveries set attempts = ${attempts + 1},
          history = ${JSON.stringify(outbox.withAttempt(history, outcome.attempt))},
          first_attempt_at = ${firstAttemptAtMs ?? outcome.claim.nowMs}, state = ${sql.lit(isDead ? DEAD : PENDING)},
          reason = ${isDead ? outcome.reason : null}, died_at = ${isDead ? now : sql.lit(null)}
        where ${ofDelivery}`.execute(db);
    }
    const next = keepMs !== null && config.pending > 0 ? await this.#next(db, configNum) : null;
    return { status: 'settled', next };
  }

  async readTaskUpTo(taskId: string, seq: number) {
    const { rows: tasks } = await sql<{ num: number; context_id: string }>`select num, context_id from tasks
      where id = ${taskId}`.execute(this.#db);
    const [task] = tasks;
    if (task === undefined) return { contextId: '', rows: [] };
    const from = task.num * SEQ_SPAN;
    const { rows } = await sql<LogRecord>`select ${sql.raw(LOG_COLUMNS)} from task_log
      where id between ${from} and ${from + seq} and discarded = 0 order by id`.execute(this.#db);
    return { contextId: task.context_id, rows: rows.map(logRowOf) };
  }

  // ---- what people do with deliveries ----

  listDeliveries(filter: DeliveryFilter, after: DeliveryCursor | null, limit: number): Promise<DeliveryPage> {
    return outbox.listDeliveries(this.#db, filter, after, limit);
  }

  findDelivery(key: DeliveryKey, ownerId: string | undefined): Promise<DeliveryRecord | undefined> {
    return outbox.findDelivery(this.#db, key, ownerId);
  }

  redeliver(key: DeliveryKey, ownerId: string | undefined): Promise<boolean> {
    return outbox.redeliver(this.#db, this.#dialect, key, ownerId);
  }

  redeliverAll(filter: DeliveryFilter, limit: number): Promise<number> {
    return outbox.redeliverAll(this.#db, this.#dialect, filter, limit);
  }

  discard(key: DeliveryKey, ownerId: string | undefined): Promise<boolean> {
    return outbox.discard(this.#db, this.#dialect, key, ownerId);
  }

  async stats(): Promise<PushStats> {
    const { rows } = await sql<{ pending: number | null; dead: number | null; age: number | null }>`select
        sum(pending) as pending, sum(dead) as dead, ${this.#dialect.nowMs()} - min(oldest) as age
      from (select pending, dead, (select created_at from push_deliveries d where d.config_num = c.num
          and d.state = ${sql.lit(PENDING)} order by seq limit 1) as oldest
        from push_configs c where pending + dead > 0) as queued`.execute(this.#db);
    const [row] = rows;
    return {
      pending: Number(row?.pending ?? 0),
      dead: Number(row?.dead ?? 0),
      oldestAgeMs: Math.max(0, Number(row?.age ?? 0)),
    };
  }

  async prune(diedBeforeMs: number | null, endedConfigsBeforeMs: number, limit: number): Promise<number> {
    const ended = sql.join(TERMINAL_STATES.map((state) => sql.lit(state)));
    await sql`delete from push_configs where active = 1 and pending + dead = 0 and num in (
      select c.num from push_configs c join tasks t on t.num = c.task_num
      where c.active = 1 and c.pending + c.dead = 0 and c.created_at < ${endedConfigsBeforeMs}
        and t.state in (${ended}) limit ${limit})`.execute(this.#db);
    return diedBeforeMs === null ? 0 : outbox.pruneDead(this.#db, this.#dialect, diedBeforeMs, limit);
  }
}

const recordOf = ({ uid, id, secret_key_id, secret }: ConfigRow): PushConfigRecord => ({
  uid,
  id,
  secret: { keyId: secret_key_id, envelope: secret },
});
