/** Deleting tasks on SQLite, with all that belongs to them. */
import type { DeletedTasks } from '../../core/tasks/store.ts';
import {
  chooseDeletions,
  countersOf,
  type DeletedHead,
  type DeletionCandidate,
  deletionSliceSql,
  removalStep,
  removeLogSql,
} from '../task-deletion.ts';
import { SEQ_SPAN } from '../task-rows.ts';
import type { SqliteDatabase } from './database.ts';

const ALL_ROWS = SEQ_SPAN;

export class SqliteTaskDeletion {
  readonly #database: SqliteDatabase;
  #after = 0;

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  deleteTasks(endedBeforeMs: number, limit: number): Promise<DeletedTasks> {
    return this.#database.whenFree(() => {
      const slice = this.#database
        .prepare(deletionSliceSql('?', '?', '?'))
        .all(endedBeforeMs, this.#after, limit) as DeletionCandidate[];
      const { nums, after } = chooseDeletions(slice, limit);
      const deleted = nums.length === 0 ? 0 : this.#database.transaction(() => this.#delete(nums));
      this.#after = after;
      return { deleted, isDone: after === 0 };
    });
  }

  #delete(nums: readonly number[]): number {
    const database = this.#database;
    const { newest } = database.prepare('select max(num) as newest from tasks').get() as { newest: number };
    const isLeft = database.prepare('select 1 from log_removals limit 1').get() !== undefined;
    const heads: DeletedHead[] = [];
    for (const num of nums) {
      // The number of the newest task is given anew when it is gone: then no row of any log may be left behind it.
      const isNewest = num === newest;
      if (isNewest && (isLeft || heads.length > 0)) continue;
      heads.push(this.#deleteOne(num, isNewest));
    }
    const count = database.prepare(`insert into task_counters (owner_id, agent_id, state, slot, n) values (?,?,?,0,?)
      on conflict (owner_id, agent_id, state, slot) do update set n = n + excluded.n`);
    for (const { ownerId, agentId, state, n } of countersOf(heads)) count.run(ownerId, agentId, state, n);
    return heads.length;
  }

  #deleteOne(num: number, isNewest: boolean): DeletedHead {
    const database = this.#database;
    const head = database
      .prepare('delete from tasks where num = ? returning num, id, owner_id, agent_id, state, listed, seq, size_chars')
      .get(num) as unknown as DeletedHead;
    database
      .prepare('delete from push_deliveries where config_num in (select num from push_configs where task_num = ?)')
      .run(num);
    database.prepare('delete from push_configs where task_num = ?').run(num);
    database.prepare('delete from captured_frames where task_id = ?').run(head.id);
    const step = isNewest ? null : removalStep(head);
    if (step !== null) database.prepare('insert into log_removals (num, step) values (?,?)').run(num, step);
    else this.#removeRows(num, ALL_ROWS);
    return head;
  }

  removeLogs(): Promise<boolean> {
    return this.#database.whenFree(() => {
      const next = this.#database.prepare('select num, step from log_removals order by num limit 1').get() as
        | { num: number; step: number }
        | undefined;
      if (next === undefined) return false;
      this.#database.transaction(() => {
        if (this.#removeRows(next.num, next.step) < next.step) {
          this.#database.prepare('delete from log_removals where num = ?').run(next.num);
        }
      });
      return true;
    });
  }

  #removeRows(num: number, step: number): number {
    return Number(this.#database.prepare(removeLogSql('?1', '?2')).run(num, step).changes);
  }
}
