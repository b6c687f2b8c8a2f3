/** The columns of the table, and which of them there is room for. */
import type { ReactNode } from 'react';
import type { Glance, Queued, TaskRow } from '../../api/tasks.ts';
import { QueuedText } from '../../components/queued.tsx';
import { Sparkline } from '../../components/sparkline.tsx';
import { StateLabel } from '../../components/state.tsx';
import { Age, Duration } from '../../components/time.tsx';
import { formatCount, shortId } from '../../lib/format.ts';
import { STATES } from '../../lib/states.ts';
import type { ChangeSearch } from './filters.tsx';

/** What a cell may need besides its task. */
export interface Facts {
  readonly isNarrow: boolean;
  readonly change: ChangeSearch;
  readonly hrefOf: (taskId: string) => string;
  readonly open: (taskId: string) => void;
}

interface Column {
  readonly header: string;
  /** Of a CSS grid. */
  readonly width: string;
  readonly isNumber: boolean;
  /** The width of the table from which on it is shown. */
  readonly from: number;
  /** `glance` comes a moment after the row. */
  readonly cell: (row: TaskRow, facts: Facts, glance: Glance | undefined) => ReactNode;
}

export const COLUMNS = {
  state: {
    header: 'State',
    width: '7.75rem',
    isNumber: false,
    from: 0,
    cell: ({ state }) => <StateLabel state={state} />,
  },
  title: {
    header: 'Task',
    width: 'minmax(0,1fr)',
    isNumber: false,
    from: 0,
    cell: (row, _facts, glance) => <Title row={row} glance={glance} />,
  },
  agent: {
    header: 'Agent',
    width: '7rem',
    isNumber: false,
    from: 700,
    cell: ({ agentId }, { change }) => (
      <Narrow text={agentId} title={agentId} onClick={() => change({ agent: agentId })} />
    ),
  },
  context: {
    header: 'Context',
    width: '6.75rem',
    isNumber: false,
    from: 860,
    cell: ({ contextId }, { change }) => (
      <Narrow isMono text={shortId(contextId)} title={contextId} onClick={() => change({ context: contextId })} />
    ),
  },
  owner: {
    header: 'Owner',
    width: '6.75rem',
    isNumber: false,
    from: 1000,
    cell: ({ ownerId }, { change }) => (
      <Narrow text={shortId(ownerId)} title={ownerId} onClick={() => change({ owner: ownerId })} />
    ),
  },
  rate: {
    header: 'Rate',
    width: '4rem',
    isNumber: false,
    from: 900,
    cell: (_row, _facts, glance) => <Sparkline rate={glance?.rate ?? ''} />,
  },
  events: {
    header: 'Events',
    width: '3.5rem',
    isNumber: true,
    from: 760,
    cell: ({ seq }) => formatCount(seq),
  },
  duration: {
    header: 'Took',
    width: '3.75rem',
    isNumber: true,
    from: 620,
    cell: ({ createdAt, statusAt, state }) => (
      <Duration since={createdAt} until={STATES[state].isTerminal ? statusAt : null} />
    ),
  },
  age: {
    header: 'Last',
    width: '3rem',
    isNumber: true,
    from: 0,
    cell: (row, _facts, glance) => <Age at={lastAtOf(row, glance)} />,
  },
} as const satisfies Readonly<Record<string, Column>>;

export type ColumnId = keyof typeof COLUMNS;
export const COLUMN_IDS = Object.keys(COLUMNS) as ColumnId[];

/** Those that there is room for. */
export function columnsAt(width: number, isAdmin: boolean): readonly ColumnId[] {
  return COLUMN_IDS.filter((id) => COLUMNS[id].from <= width && (id !== 'owner' || isAdmin));
}

/** The time of its last event, which need not be one of its status. */
export function lastAtOf({ statusAt }: TaskRow, glance: Glance | undefined): string {
  return glance !== undefined && glance.lastAt > statusAt ? glance.lastAt : statusAt;
}

/** What it is about; of a failure, why; of what is queued, since when and why. */
export function Title({ row, glance }: { row: TaskRow; glance: Glance | undefined }) {
  const { title, state } = row;
  const note = noteOf(row, glance);
  return (
    <span className="flex min-w-0 items-baseline gap-2">
      <span className={`truncate ${note === null ? '' : 'max-w-[55%] shrink-0'}`}>
        {title === '' ? <span className="text-quiet">without text</span> : title}
      </span>
      {note !== null && <span className={`min-w-0 flex-1 truncate text-xs ${STATES[state].color}`}>{note}</span>}
    </span>
  );
}

/** Where it waits, as of the row: who has moved on since waits no more. */
export function queuedOf({ seq }: TaskRow, glance: Glance | undefined): Queued | null {
  return glance !== undefined && glance.seq === seq ? glance.queued : null;
}

function noteOf(row: TaskRow, glance: Glance | undefined): ReactNode {
  const { state, statusText } = row;
  const isBad = state === 'TASK_STATE_FAILED' || state === 'TASK_STATE_REJECTED';
  if (statusText !== '' && (isBad || STATES[state].waitsForPerson)) return statusText;
  const queued = queuedOf(row, glance);
  return queued === null ? null : <QueuedText queued={queued} />;
}

/** A value that narrows the list to itself. */
function Narrow({
  text,
  title,
  isMono = false,
  onClick,
}: {
  text: string;
  title: string;
  isMono?: boolean;
  onClick: () => void;
}) {
  return (
    <button
      type="button"
      title={`Only ${title}`}
      onClick={onClick}
      className={`relative z-10 -mx-1 max-w-full truncate rounded-sm px-1 text-left text-quiet hover:bg-selected hover:text-ink ${isMono ? 'font-mono text-xs' : ''}`}
    >
      <span className="sr-only">Only </span>
      {text}
    </button>
  );
}
