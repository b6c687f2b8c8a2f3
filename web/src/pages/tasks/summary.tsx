/** How many there are, and whether somebody is waited for. Each number leads to its tasks. */
import { Hand } from 'lucide-react';
import { formatCount, plural } from '../../lib/format.ts';
import { STATES, slugOf, TASK_STATES } from '../../lib/states.ts';
import { statesOf, type TasksSearch } from '../../lib/task-search.ts';
import type { ChangeSearch, Counts } from './filters.tsx';

interface Props {
  readonly counts: Counts;
  readonly search: TasksSearch;
  readonly change: ChangeSearch;
  /** Rows that are loaded. */
  readonly shown: number;
  readonly isComplete: boolean;
}

const WAITING = TASK_STATES.filter((state) => STATES[state].waitsForPerson);

export function Summary({ counts, search, change, shown, isComplete }: Props) {
  const chosen = statesOf(search);
  // Counters know states, agents and owners. Under other conditions only what is loaded can be counted.
  const isCounted =
    search.q === undefined &&
    search.context === undefined &&
    search.range === undefined &&
    search.from === undefined &&
    search.before === undefined;
  const of = (states: readonly string[]) => states.reduce((sum, state) => sum + (counts?.[state] ?? 0), 0);
  const waiting = of(WAITING);
  const total = of(chosen.length === 0 ? TASK_STATES : chosen);
  return (
    <p className="flex items-center gap-3 text-quiet">
      {isCounted ? plural(total, 'task') : `${formatCount(shown)}${isComplete ? '' : '+'} found`}
      {waiting > 0 && (
        <button
          type="button"
          onClick={() => change({ state: WAITING.map(slugOf).join(',') })}
          className="inline-flex items-center gap-1 rounded-sm text-input underline-offset-3 hover:underline"
        >
          <Hand className="size-3.5" />
          {formatCount(waiting)} waiting for a person
        </button>
      )}
    </p>
  );
}
