/** The walk over all tasks that trims the logs of those that ended long ago: bounded work per call, on both databases. */
import { TERMINAL_STATES } from '../core/tasks/states.ts';

/** Events of all tasks trimmed in one call; a single task may have more. */
const MAX_EVENTS = 20_000;

export interface TrimCandidate {
  readonly num: number;
  readonly seq: number;
  /** 1: it ended before the time in question and is not trimmed yet. */
  readonly due: number;
}

/** Tasks after a position, in order. Those with something to push still need their events. Values: the time, the position, how many. */
export function trimSliceSql(time: string, after: string, limit: string): string {
  const ended = TERMINAL_STATES.map((state) => `'${state}'`).join(',');
  return `select num, seq, case when first_seq <= seq and status_at < ${time} and lease_replica is null
      and state in (${ended}) and (push_configs = 0 or not exists
        (select 1 from push_configs where push_configs.task_num = tasks.num)) then 1 else 0 end as due
    from tasks where num > ${after} order by num limit ${limit}`;
}

/**
 * @param slice at most `limit` tasks in the order of `num`.
 * @returns which of them to trim now, and the position to go on from; 0: all were seen, begin anew.
 */
export function chooseTrims(
  slice: readonly TrimCandidate[],
  limit: number,
): { readonly nums: readonly number[]; readonly after: number } {
  const nums: number[] = [];
  let events = 0;
  let seen = 0;
  for (const { num, seq, due } of slice) {
    if (events >= MAX_EVENTS) return { nums, after: seen };
    seen = num;
    if (due !== 1) continue;
    nums.push(num);
    events += seq;
  }
  return { nums, after: slice.length < limit ? 0 : seen };
}
