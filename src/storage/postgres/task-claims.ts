/** Claims on PostgreSQL: one statement each, which passes over what another claim has locked. */
import type { Backlog, ClaimedTask, ClaimQuery } from '../../core/tasks/store.ts';
import { QUEUED } from '../../core/tasks/store.ts';
import {
  backlogOf,
  claimedAttempt,
  deadHolders,
  nextOwner,
  OWNERS_PER_CLAIM,
  type ReplicasRecord,
  WAITING,
  type WaitingRecord,
} from '../task-claims.ts';
import { HEAD_COLUMNS, type HeadRecord, headOf } from '../task-rows.ts';
import { NOW_MS } from './clock.ts';
import type { PostgresDatabase } from './database.ts';

const DEAD = deadHolders(`select 1 from replicas where replicas.id = holders.id and expires_at > ${NOW_MS}`);
/** $3 owners, and $4 how many tasks each has here. */
const RUNNING = 'running(owner, n) as (select owner, n from unnest($3::text[], $4::integer[]) as held(owner, n))';
const NOT_PASSED_OVER = 'agent_id <> all($6::text[]) and (agent_id = any($7::text[]) or status_at < $8)';

/** `circle`: owners that wait, from the one after $9 on, who was the last to get something. */
const CIRCLE = `circle(owner, first, n) as (
    select owner, owner, 1 from (select ${nextOwner('$9')} as owner) beginning where owner is not null
    union all
    select next.owner, first, n + 1 from circle cross join lateral (select ${nextOwner('circle.owner')} as owner) next
    where next.owner <> first and n < ${OWNERS_PER_CLAIM})`;
/**
 * `place`: how many tasks its owner would have here with it; `turn`: when it is its owner's turn among equals. A few more
 * than are wanted: another claim may have locked some.
 */
const WAITING_CANDIDATES = `owners as (
    select owner, circle.n as turn, coalesce(running.n, 0) as running from circle left join running using (owner)
    where coalesce(running.n, 0) < $5::integer),
  candidates as (
    select num, turn, owners.running + row_number() over (partition by owner order by num) as place
    from owners cross join lateral (
      select num from tasks where ${WAITING} and owner_id || '' = owner and ${NOT_PASSED_OVER}
      order by num + 0 limit 2 + 4 * $2::integer / (select count(*) from owners)) waiting)`;
/** The few tasks of dead replicas are sorted. */
const DEAD_CANDIDATES = `candidates as (
    select num, 0 as turn, coalesce(n, 0) + row_number() over (partition by owner_id order by num) as place
    from tasks left join running on owner = owner_id
    where lease_replica is not null and lease_replica = any(array(select id from dead)) and ${NOT_PASSED_OVER})`;
/**
 * Locked one by one in that order, and looked at once more when they are. `= any(array[x])`: looked up by number, for the
 * reason that task-commit.ts gives.
 */
const TAKE = (isStillFree: string): string => `chosen as materialized (
    select t.num, lease_replica as held_by, place, turn from candidates c join tasks t on t.num = any(array[c.num])
    where ${isStillFree} and place <= $5::integer
    order by place, turn, c.num limit $2 for no key update of t skip locked),
  taken as (update tasks t set lease_replica = $1, lease_epoch = t.lease_epoch + 1,
      attempt = ${claimedAttempt('c.held_by')}
    from chosen c where t.num = any(array[c.num]) returning t.num, c.held_by, ${HEAD_COLUMNS})`;

export const CLAIM_WAITING = `with recursive ${RUNNING}, ${CIRCLE}, ${WAITING_CANDIDATES}, ${TAKE(WAITING)}
  select taken.*, coalesce(
      (select owner from chosen join circle on n = turn order by place desc, turn desc limit 1),
      (select owner from circle order by n desc limit 1)) as last_owner
  from (values (1)) always left join taken on true`;
export const CLAIM_DEAD = `with recursive ${RUNNING}, ${DEAD}, ${DEAD_CANDIDATES},
  ${TAKE('lease_replica = any(array(select id from dead))')}
  select taken.*, $9::text as last_owner from (values (1)) always left join taken on true`;

export const COUNT_WAITING = `select owner_id, sum(is_queued)::integer as queued from (
    select owner_id, case lease_replica when '${QUEUED}' then 1 else 0 end as is_queued
    from tasks where ${WAITING} limit $1) waiting
  group by owner_id`;
export const LOOK_AT_REPLICAS = `with recursive ${DEAD}
  select (select count(*) from replicas where id <> $1 and expires_at > ${NOW_MS})::integer as others,
    (select count(*) from (select from dead limit 1) found)::integer as has_dead`;

interface ClaimRecord extends HeadRecord {
  /** null: the row that is there when nothing was taken. */
  readonly num: number | null;
  readonly held_by: string;
  readonly last_owner: string | null;
}

export class PostgresTaskClaims {
  readonly #database: PostgresDatabase;
  /** Whom the last claim gave something to last; where it gave nothing, the last one that it looked at. */
  #lastOwner = '';

  constructor(database: PostgresDatabase) {
    this.#database = database;
  }

  async claim(query: ClaimQuery): Promise<readonly ClaimedTask[]> {
    const { from, replicaId, limit, running, maxPerOwner, exceptAgents, agents, overdueBeforeMs } = query;
    const held = [[...running.keys()], [...running.values()], maxPerOwner] as const;
    const values = [replicaId, limit, ...held, exceptAgents, agents, overdueBeforeMs, this.#lastOwner];
    const records = await this.#database.prepared<ClaimRecord>(from === 'dead' ? CLAIM_DEAD : CLAIM_WAITING, values);
    this.#lastOwner = records[0]?.last_owner ?? '';
    return records
      .filter(({ num }) => num !== null)
      .toSorted((a, b) => Number(a.num) - Number(b.num))
      .map((record) => ({ head: headOf(record), from: record.held_by }));
  }

  async backlog(replicaId: string, limit: number): Promise<Backlog> {
    const waiting = await this.#database.prepared<WaitingRecord>(COUNT_WAITING, [limit]);
    const [replicas] = await this.#database.prepared<ReplicasRecord>(LOOK_AT_REPLICAS, [replicaId]);
    return backlogOf(waiting, replicas);
  }
}
