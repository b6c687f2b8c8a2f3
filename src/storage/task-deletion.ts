/** What deleting tasks that ended long ago has in common on both databases: which go next, and how much goes in one step. */
import { TERMINAL_STATES } from '../core/tasks/states.ts';
import { SEQ_SPAN } from './task-rows.ts';

/** Log rows of one step, and their text: a step takes a few milliseconds. A longer log goes in several. */
const MAX_ROWS = 400;
const MAX_CHARS = 1024 * 1024;

export interface DeletionCandidate {
  readonly num: number;
  readonly seq: number;
  readonly size_chars: number;
  /** 1: it ended before the time in question. */
  readonly due: number;
}

export interface DeletedHead {
  readonly num: number;
  readonly id: string;
  readonly owner_id: string;
  readonly agent_id: string;
  readonly state: string;
  readonly listed: number;
  readonly seq: number;
  readonly size_chars: number;
}

/** Ended, held by nobody, and with no push notification that is still to be sent (given up ones go with it). Value: the time. */
export const isDueSql = (time: string): string =>
  `status_at < ${time} and lease_replica is null and state in (${TERMINAL_STATES.map((state) => `'${state}'`).join(',')})
    and not exists (select 1 from push_configs where task_num = tasks.num and pending > 0)`;

/** Tasks after a position, in order, as far as there are any. Values: the time, the position, how many. */
export function deletionSliceSql(time: string, after: string, limit: string): string {
  return `select num, seq, size_chars, case when ${isDueSql(time)} then 1 else 0 end as due
    from tasks where num > ${after} order by num limit ${limit}`;
}

/**
 * @param slice at most `limit` tasks in the order of `num`.
 * @returns which of them to delete now, and the position to go on from; 0: all were seen, begin anew.
 */
export function chooseDeletions(
  slice: readonly DeletionCandidate[],
  limit: number,
): { readonly nums: readonly number[]; readonly after: number } {
  const nums: number[] = [];
  let rows = 0;
  let chars = 0;
  let seen = 0;
  for (const task of slice) {
    if (task.due === 1) {
      rows += task.seq;
      chars += task.size_chars;
      if (nums.length > 0 && (rows > MAX_ROWS || chars > MAX_CHARS)) return { nums, after: seen };
      nums.push(task.num);
    }
    seen = task.num;
  }
  return { nums, after: slice.length < limit ? 0 : seen };
}

/** How many rows of this log go at once; null: all of them. */
export function removalStep({ seq, size_chars }: Pick<DeletedHead, 'seq' | 'size_chars'>): number | null {
  if (seq <= MAX_ROWS && size_chars <= MAX_CHARS) return null;
  return Math.max(1, Math.min(MAX_ROWS, Math.floor((MAX_CHARS * seq) / Math.max(1, size_chars))));
}

/** The next rows of a log, the input before its first event included. Values: the number of its task, how many. */
export const removeLogSql = (num: string, step: string): string =>
  `delete from task_log where id in (select id from task_log
    where id >= ${num} * ${SEQ_SPAN} and id < (${num} + 1) * ${SEQ_SPAN} order by id limit ${step})`;

/** What the counters of listed tasks lose, in the order in which their rows are locked. */
export function countersOf(
  heads: readonly DeletedHead[],
): { readonly ownerId: string; readonly agentId: string; readonly state: string; readonly n: number }[] {
  const counters = new Map<string, { ownerId: string; agentId: string; state: string; n: number }>();
  for (const { owner_id: ownerId, agent_id: agentId, state, listed } of heads) {
    if (listed !== 1) continue;
    const key = `${ownerId}\n${agentId}\n${state}`;
    const counter = counters.get(key) ?? { ownerId, agentId, state, n: 0 };
    counter.n--;
    counters.set(key, counter);
  }
  return [...counters.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, counter]) => counter);
}
