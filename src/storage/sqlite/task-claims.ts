/** Claims on SQLite: chosen and taken in one transaction. */
import { type Backlog, type ClaimedTask, type ClaimQuery, QUEUED } from '../../core/tasks/store.ts';
import {
  backlogOf,
  claimedAttempt,
  deadHolders,
  type ReplicasRecord,
  WAITING,
  type WaitingRecord,
} from '../task-claims.ts';
import { HEAD_COLUMNS, type HeadRecord, headOf } from '../task-rows.ts';
import type { SqliteDatabase } from './database.ts';

/** Whoever else was listed is dead, and was taken off the list (SqliteTaskStore.heartbeat). */
const DEAD = deadHolders('select 1 from replicas where replicas.id = holders.id');
const NOT_PASSED_OVER = `owner_id not in (select value from json_each(?)) and agent_id not in (select value from json_each(?))
  and (agent_id in (select value from json_each(?)) or status_at < ?)`;

const CHOOSE_WAITING = `select num, lease_replica as held_by from tasks where ${WAITING} and ${NOT_PASSED_OVER}
  order by num + 0 limit ?`;
/** The few tasks of dead replicas are sorted. */
const CHOOSE_DEAD = `with recursive ${DEAD}
  select num, lease_replica as held_by from tasks
  where lease_replica is not null and lease_replica in (select id from dead) and ${NOT_PASSED_OVER}
  order by num + 0 limit ?`;
const TAKE = `update tasks set lease_replica = ?, lease_epoch = lease_epoch + 1, attempt = ${claimedAttempt('lease_replica')}
  where num = ? returning ${HEAD_COLUMNS}`;

const COUNT_WAITING = `select owner_id, sum(is_queued) as queued from (
    select owner_id, lease_replica = '${QUEUED}' as is_queued from tasks where ${WAITING} limit ?)
  group by owner_id`;
const LOOK_AT_REPLICAS = `with recursive ${DEAD}
  select (select count(*) from replicas where id <> ?) as others, exists (select 1 from dead) as has_dead`;

interface Chosen {
  readonly num: number;
  readonly held_by: string;
}

export class SqliteTaskClaims {
  readonly #database: SqliteDatabase;

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  claim(query: ClaimQuery): Promise<readonly ClaimedTask[]> {
    const choose = query.from === 'dead' ? CHOOSE_DEAD : CHOOSE_WAITING;
    const { replicaId, limit, overdueBeforeMs } = query;
    const lists = [query.exceptOwners, query.exceptAgents, query.agents].map((list) => JSON.stringify(list));
    return this.#database.whenFree(() =>
      this.#database.transaction(() => {
        const chosen = this.#database.prepare(choose).all(...lists, overdueBeforeMs, limit) as unknown as Chosen[];
        const take = this.#database.prepare(TAKE);
        return chosen.map(({ num, held_by }) => ({
          head: headOf(take.get(replicaId, num) as unknown as HeadRecord),
          from: held_by,
        }));
      }),
    );
  }

  async backlog(replicaId: string, limit: number): Promise<Backlog> {
    const waiting = this.#database.prepare(COUNT_WAITING).all(limit) as unknown as WaitingRecord[];
    const replicas = this.#database.prepare(LOOK_AT_REPLICAS).get(replicaId) as unknown as ReplicasRecord;
    return backlogOf(waiting, replicas);
  }
}
