/** Claims on PostgreSQL: one statement each, which passes over what another claim has locked. */
import type { Backlog, ClaimedTask, ClaimQuery } from '../../core/tasks/store.ts';
import { QUEUED } from '../../core/tasks/store.ts';
import {
  backlogOf,
  claimedAttempt,
  deadHolders,
  type ReplicasRecord,
  WAITING,
  type WaitingRecord,
} from '../task-claims.ts';
import { HEAD_COLUMNS, type HeadRecord, headOf } from '../task-rows.ts';
import { NOW_MS } from './clock.ts';
import type { PostgresDatabase } from './database.ts';

const DEAD = deadHolders(`select 1 from replicas where replicas.id = holders.id and expires_at > ${NOW_MS}`);
const NOT_PASSED_OVER = `owner_id <> all($3::text[]) and agent_id <> all($4::text[])
  and (agent_id = any($5::text[]) or status_at < $6)`;
const LOCKED = 'for no key update skip locked';
/** `= any(array[x])`: looked up by number, for the reason that task-commit.ts gives. */
const TAKE = `update tasks t set lease_replica = $1, lease_epoch = t.lease_epoch + 1, attempt = ${claimedAttempt('c.held_by')}
  from chosen c where t.num = any(array[c.num]) returning t.num, c.held_by, ${HEAD_COLUMNS}`;

export const CLAIM_WAITING = `with chosen as materialized (
    select num, lease_replica as held_by from tasks where ${WAITING} and ${NOT_PASSED_OVER}
    order by num + 0 limit $2 ${LOCKED})
  ${TAKE}`;
/** The few tasks of dead replicas are sorted. */
export const CLAIM_DEAD = `with recursive ${DEAD},
  chosen as materialized (
    select num, lease_replica as held_by from tasks
    where lease_replica is not null and lease_replica = any(array(select id from dead)) and ${NOT_PASSED_OVER}
    order by num + 0 limit $2 ${LOCKED})
  ${TAKE}`;

export const COUNT_WAITING = `select owner_id, sum(is_queued)::integer as queued from (
    select owner_id, case lease_replica when '${QUEUED}' then 1 else 0 end as is_queued
    from tasks where ${WAITING} limit $1) waiting
  group by owner_id`;
export const LOOK_AT_REPLICAS = `with recursive ${DEAD}
  select (select count(*) from replicas where id <> $1 and expires_at > ${NOW_MS})::integer as others,
    (select count(*) from (select from dead limit 1) found)::integer as has_dead`;

interface ClaimRecord extends HeadRecord {
  readonly num: number;
  readonly held_by: string;
}

export class PostgresTaskClaims {
  readonly #database: PostgresDatabase;

  constructor(database: PostgresDatabase) {
    this.#database = database;
  }

  async claim(query: ClaimQuery): Promise<readonly ClaimedTask[]> {
    const claim = query.from === 'dead' ? CLAIM_DEAD : CLAIM_WAITING;
    const { replicaId, limit, exceptOwners, exceptAgents, agents, overdueBeforeMs } = query;
    const values = [replicaId, limit, exceptOwners, exceptAgents, agents, overdueBeforeMs];
    const records = await this.#database.prepared<ClaimRecord>(claim, values);
    return records.toSorted((a, b) => a.num - b.num).map((record) => ({ head: headOf(record), from: record.held_by }));
  }

  async backlog(replicaId: string, limit: number): Promise<Backlog> {
    const waiting = await this.#database.prepared<WaitingRecord>(COUNT_WAITING, [limit]);
    const [replicas] = await this.#database.prepared<ReplicasRecord>(LOOK_AT_REPLICAS, [replicaId]);
    return backlogOf(waiting, replicas);
  }
}
