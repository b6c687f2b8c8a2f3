/** One task in the table. All of the row leads to it; what is in it may narrow the list instead. */
import { memo } from 'react';
import type { Glance, TaskRow } from '../../api/tasks.ts';
import { QueuedText } from '../../components/queued.tsx';
import { StateIcon } from '../../components/state.tsx';
import { Age } from '../../components/time.tsx';
import { plural } from '../../lib/format.ts';
import { STATES } from '../../lib/states.ts';
import { COLUMNS, type ColumnId, type Facts, lastAtOf, queuedOf, Title } from './columns.tsx';

interface Props {
  readonly row: TaskRow;
  /** It comes a moment after the row. */
  readonly glance: Glance | undefined;
  /** null: no room for columns, two lines instead. */
  readonly cells: readonly ColumnId[] | null;
  readonly template: string;
  readonly top: number;
  readonly height: number;
  readonly index: number;
  /** The event that made it change while it was looked at; 0: it did not. */
  readonly news: number;
  readonly isFresh: boolean;
  readonly isOpen: boolean;
  readonly isActive: boolean;
  /** It passes too fast to be read. */
  readonly isQuick: boolean;
  readonly facts: Facts;
}

export const Row = memo(function Row(props: Props) {
  const { row, glance, cells, template, top, height, index, news, isFresh, isOpen, isActive, isQuick, facts } = props;
  const background = isOpen ? 'bg-selected' : isActive ? 'bg-hover' : 'hover:bg-hover';
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      data-task={row.id}
      {...(isActive && { 'data-active': '' })}
      className={`absolute inset-x-0 top-0 ${background} ${isActive ? 'shadow-[inset_2px_0_0_var(--color-accent)]' : ''}`}
      style={{ height, transform: `translateY(${top}px)` }}
    >
      <div
        // Another key, another element: the glow begins anew with each change.
        key={news}
        role="presentation"
        className={`grid h-full items-center gap-3 px-3 md:px-4 ${isFresh && news > 0 ? 'animate-arrive' : news > 0 ? 'animate-glow' : ''}`}
        style={{ gridTemplateColumns: cells === null ? 'minmax(0,1fr)' : template }}
      >
        {isQuick ? (
          <div role="cell" className="col-span-full min-w-0 truncate text-quiet">
            {row.title}
          </div>
        ) : cells === null ? (
          <div role="cell" className="min-w-0">
            <TwoLines row={row} glance={glance} facts={facts} />
          </div>
        ) : (
          cells.map((id) => (
            <div key={id} role="cell" className={`min-w-0 ${COLUMNS[id].isNumber ? 'text-right text-quiet' : ''}`}>
              {id === 'title' ? (
                <RowLink row={row} glance={glance} facts={facts} />
              ) : (
                COLUMNS[id].cell(row, facts, glance)
              )}
            </div>
          ))
        )}
      </div>
    </div>
  );
});

/** A plain link: the router's own works out an address for each row, which takes longer than all else in it. */
function RowLink({ row, glance, facts: { hrefOf, open } }: Pick<Props, 'row' | 'glance' | 'facts'>) {
  return (
    <a
      href={hrefOf(row.id)}
      onClick={(event) => {
        if (event.defaultPrevented || event.button !== 0) return;
        // Into another tab or window, or onto the disk: that is the browser's.
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        open(row.id);
      }}
      className="block min-w-0 after:absolute after:inset-0 focus-visible:outline-none focus-visible:after:outline-2 focus-visible:after:-outline-offset-2 focus-visible:after:outline-accent"
    >
      <Title row={row} glance={glance} />
    </a>
  );
}

function TwoLines({ row, glance, facts }: Pick<Props, 'row' | 'glance' | 'facts'>) {
  const { word, color } = STATES[row.state];
  const queued = queuedOf(row, glance);
  return (
    <>
      <span className="flex items-center gap-2">
        <StateIcon state={row.state} isMoving />
        <span className="min-w-0 flex-1">
          <RowLink row={row} glance={undefined} facts={facts} />
        </span>
        <Age at={lastAtOf(row, glance)} className="text-xs text-quiet" />
      </span>
      <span className="block truncate pl-5.5 text-xs text-quiet">
        <span className={color}>{word}</span> · {queued !== null && <QueuedText queued={queued} />}
        {queued === null && `${row.agentId} · ${plural(row.seq, 'event')}`}
      </span>
    </>
  );
}
