/** Claims on SQLite: chosen and taken in one transaction. */
import { type Backlog, type ClaimedTask, type ClaimQuery, QUEUED } from '../../core/tasks/store.ts';
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
import type { SqliteDatabase } from './database.ts';

/** Whoever else was listed is dead, and was taken off the list (SqliteTaskStore.heartbeat). */
const DEAD = deadHolders('select 1 from replicas where replicas.id = holders.id');
const NOT_PASSED_OVER = `agent_id not in (select value from json_each(?))
  and (agent_id in (select value from json_each(?)) or status_at < ?)`;

const NEXT_OWNER = `select ${nextOwner('?')} as owner`;
const WAITING_OF_OWNER = `select num, lease_replica as held_by, owner_id from tasks
  where ${WAITING} and owner_id || '' = ? and ${NOT_PASSED_OVER} order by num + 0 limit ?`;
/** The few tasks of dead replicas are sorted. */
const DEAD_TASKS = `with recursive ${DEAD}
  select num, lease_replica as held_by, owner_id from tasks
  where lease_replica is not null and lease_replica in (select id from dead) and ${NOT_PASSED_OVER} order by num + 0`;
const TAKE = `update tasks set lease_replica = ?, lease_epoch = lease_epoch + 1, attempt = ${claimedAttempt('lease_replica')}
  where num = ? returning ${HEAD_COLUMNS}`;

const COUNT_WAITING = `select owner_id, sum(is_queued) as queued from (
    select owner_id, lease_replica = '${QUEUED}' as is_queued from tasks where ${WAITING} limit ?)
  group by owner_id`;
const LOOK_AT_REPLICAS = `with recursive ${DEAD}
  select (select count(*) from replicas where id <> ?) as others, exists (select 1 from dead) as has_dead`;

interface Candidate {
  readonly num: number;
  readonly held_by: string;
  readonly owner_id: string;
}

type Filter = readonly [exceptAgents: string, agents: string, overdueBeforeMs: number];

export class SqliteTaskClaims {
  readonly #database: SqliteDatabase;
  /** Whom the last claim gave something to last; where it gave nothing, the last one that it looked at. */
  #lastOwner = '';

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  claim(query: ClaimQuery): Promise<readonly ClaimedTask[]> {
    const { from, replicaId, exceptAgents, agents, overdueBeforeMs } = query;
    const filter = [JSON.stringify(exceptAgents), JSON.stringify(agents), overdueBeforeMs] as const;
    return this.#database.whenFree(() =>
      this.#database.transaction(() => {
        const chosen = from === 'dead' ? fairest(this.#dead(filter), query) : this.#chooseWaiting(query, filter);
        const take = this.#database.prepare(TAKE);
        return chosen
          .toSorted((a, b) => a.num - b.num)
          .map(({ num, held_by }) => ({
            head: headOf(take.get(replicaId, num) as unknown as HeadRecord),
            from: held_by,
          }));
      }),
    );
  }

  #chooseWaiting(query: ClaimQuery, filter: Filter): readonly Candidate[] {
    const circle = this.#circle();
    const { running, maxPerOwner, limit } = query;
    const owners = circle.filter((owner) => (running.get(owner) ?? 0) < maxPerOwner);
    const each = 2 + Math.floor((4 * limit) / owners.length);
    const ofOwner = this.#database.prepare(WAITING_OF_OWNER);
    const candidates = owners.flatMap((owner) => ofOwner.all(owner, ...filter, each) as unknown as Candidate[]);
    const chosen = fairest(candidates, query);
    this.#lastOwner = chosen.at(-1)?.owner_id ?? circle.at(-1) ?? '';
    return chosen;
  }

  /** Owners that wait, in the order of their turns. */
  #circle(): string[] {
    const next = this.#database.prepare(NEXT_OWNER);
    const owners: string[] = [];
    while (owners.length < OWNERS_PER_CLAIM) {
      const { owner } = next.get(owners.at(-1) ?? this.#lastOwner) as unknown as { readonly owner: string | null };
      if (owner === null || owner === owners[0]) break;
      owners.push(owner);
    }
    return owners;
  }

  #dead(filter: Filter): Candidate[] {
    const dead: unknown = this.#database.prepare(DEAD_TASKS).all(...filter);
    return dead as Candidate[];
  }

  async backlog(replicaId: string, limit: number): Promise<Backlog> {
    const waiting = this.#database.prepare(COUNT_WAITING).all(limit) as unknown as WaitingRecord[];
    const replicas = this.#database.prepare(LOOK_AT_REPLICAS).get(replicaId) as unknown as ReplicasRecord;
    return backlogOf(waiting, replicas);
  }
}

/** Those first whose owner would have the fewest here with them; among equals as they were. */
function fairest(candidates: readonly Candidate[], { running, maxPerOwner, limit }: ClaimQuery): readonly Candidate[] {
  const places = new Map(running);
  return candidates
    .map((candidate) => {
      const place = (places.get(candidate.owner_id) ?? 0) + 1;
      places.set(candidate.owner_id, place);
      return { ...candidate, place };
    })
    .filter(({ place }) => place <= maxPerOwner)
    .sort((a, b) => a.place - b.place)
    .slice(0, limit);
}
