/** Deleting tasks on PostgreSQL, with all that belongs to them. Replicas that do it at once leave each other's tasks alone. */
import type { DeletedTasks } from '../../core/tasks/store.ts';
import {
  chooseDeletions,
  countersOf,
  type DeletedHead,
  type DeletionCandidate,
  deletionSliceSql,
  isDueSql,
  removalStep,
  removeLogSql,
} from '../task-deletion.ts';
import { SEQ_SPAN } from '../task-rows.ts';
import type { PostgresDatabase, PostgresSession } from './database.ts';

/** Looked at again under the lock: a push configuration may be in the making. */
const LOCK_DUE = `select num, id, owner_id, agent_id, state, listed, seq, size_chars from tasks
  where num = any($1::bigint[]) and ${isDueSql('$2')} order by num for update skip locked`;
const COUNT = `insert into task_counters (owner_id, agent_id, state, slot, n)
  select owner_id, agent_id, state, $1, n from unnest($2::text[], $3::text[], $4::text[], $5::bigint[])
    as c(owner_id, agent_id, state, n)
  order by owner_id collate "C", agent_id collate "C", state collate "C"
  on conflict (owner_id, agent_id, state, slot) do update set n = task_counters.n + excluded.n`;

export class PostgresTaskDeletion {
  readonly #database: PostgresDatabase;
  readonly #slot: number;
  #after = 0;

  /** @param slot of the counters. */
  constructor(database: PostgresDatabase, slot: number) {
    this.#database = database;
    this.#slot = slot;
  }

  async deleteTasks(endedBeforeMs: number, limit: number): Promise<DeletedTasks> {
    const values = [endedBeforeMs, this.#after, limit];
    const slice = await this.#database.prepared<DeletionCandidate>(deletionSliceSql('$1', '$2', '$3'), values);
    const { nums, after } = chooseDeletions(slice, limit);
    const deleted =
      nums.length === 0 ? 0 : await this.#database.transaction((session) => this.#delete(session, nums, endedBeforeMs));
    this.#after = after;
    return { deleted, isDone: after === 0 };
  }

  async #delete(session: PostgresSession, nums: readonly number[], endedBeforeMs: number): Promise<number> {
    const heads = await session.prepared<DeletedHead>(LOCK_DUE, [nums, endedBeforeMs]);
    if (heads.length === 0) return 0;
    const locked = heads.map(({ num }) => num);
    const long = heads.flatMap((head) => {
      const step = removalStep(head);
      return step === null ? [] : [{ num: head.num, step }];
    });
    const isLong = new Set(long.map(({ num }) => num));
    await session.prepared(
      `with gone as (delete from push_configs where task_num = any($1::bigint[]) returning num)
        delete from push_deliveries using gone where push_deliveries.config_num = any(array[gone.num])`,
      [locked],
    );
    await session.prepared('delete from captured_frames where task_id = any($1::text[])', [heads.map(({ id }) => id)]);
    await session.prepared(
      `delete from task_log using unnest($1::bigint[]) as t(num)
        where task_log.id >= t.num * ${SEQ_SPAN} and task_log.id < (t.num + 1) * ${SEQ_SPAN}`,
      [locked.filter((num) => !isLong.has(num))],
    );
    if (long.length > 0) {
      await session.prepared('insert into log_removals (num, step) select * from unnest($1::bigint[], $2::integer[])', [
        long.map(({ num }) => num),
        long.map(({ step }) => step),
      ]);
    }
    const counters = countersOf(heads);
    await session.prepared(COUNT, [
      this.#slot,
      counters.map(({ ownerId }) => ownerId),
      counters.map(({ agentId }) => agentId),
      counters.map(({ state }) => state),
      counters.map(({ n }) => n),
    ]);
    await session.prepared('delete from tasks where num = any($1::bigint[])', [locked]);
    return heads.length;
  }

  removeLogs(): Promise<boolean> {
    return this.#database.transaction(async (session) => {
      const [next] = await session.prepared<{ num: number; step: number }>(
        'select num, step from log_removals order by num limit 1 for update skip locked',
        [],
      );
      if (next === undefined) return false;
      const { num, step } = next;
      const rows = await session.prepared(`${removeLogSql('$1::bigint', '$2::integer')} returning 1`, [num, step]);
      if (rows.length < step) await session.prepared('delete from log_removals where num = $1', [num]);
      return true;
    });
  }
}
