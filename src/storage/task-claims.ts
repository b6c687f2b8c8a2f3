/** What claims of tasks that nobody runs have in common on both databases. */
import { type Backlog, QUEUED, RELEASED } from '../core/tasks/store.ts';

/** As the indexes of tasks that wait say it; their orders are `num + 0`, and `owner_id || ''` with it. */
export const WAITING = `lease_replica in ('${QUEUED}', '${RELEASED}')`;

/**
 * Owners that one claim looks at: the next ones in a circle, so that nobody is left out. In the order of age among equals an
 * owner with the oldest backlog would get every place where there are fewer places than owners.
 */
export const OWNERS_PER_CLAIM = 100;

/** The owner that waits next after another, in a circle; null: nobody waits. `after`: a column or parameter. */
export const nextOwner = (after: string): string => `coalesce(
    (select owner_id || '' from tasks where ${WAITING} and owner_id || '' > ${after} order by owner_id || '' limit 1),
    (select owner_id || '' from tasks where ${WAITING} order by owner_id || '' limit 1))`;

/**
 * `dead`: who holds leases and is not alive, for `with recursive`. Goes from holder to holder through the index, however
 * many tasks each has.
 *
 * @param alive a subquery that has a row if `holders.id` is a living replica
 */
export const deadHolders = (alive: string): string => `holders(id) as (
    select (select lease_replica from tasks where lease_replica is not null order by lease_replica limit 1)
    union all
    select (select lease_replica from tasks where lease_replica > holders.id order by lease_replica limit 1)
    from holders where holders.id is not null),
  dead as (select id from holders where id is not null and id not in ('${QUEUED}', '${RELEASED}')
    and not exists (${alive}))`;

/** The attempt that begins with a claim. `heldBy`: the column with the former holder. */
export const claimedAttempt = (heldBy: string): string =>
  `case ${heldBy} when '${QUEUED}' then attempt
    when '${RELEASED}' then case when attempt < 2 then 2 else attempt end else attempt + 1 end`;

/** A row per owner of tasks that wait. */
export interface WaitingRecord {
  readonly owner_id: string;
  readonly queued: number;
}

export interface ReplicasRecord {
  readonly others: number;
  readonly has_dead: number;
}

export function backlogOf(waiting: readonly WaitingRecord[], replicas: ReplicasRecord | undefined): Backlog {
  const queuedByOwner = new Map<string, number>();
  let queued = 0;
  for (const record of waiting) {
    if (record.queued > 0) queuedByOwner.set(record.owner_id, record.queued);
    queued += record.queued;
  }
  return {
    queued,
    queuedByOwner,
    hasWaiting: waiting.length > 0,
    hasDead: replicas?.has_dead === 1,
    otherReplicas: replicas?.others ?? 0,
  };
}
