/** The table of tasks: only the rows that are seen are there, so that 100,000 scroll as 10 do. */

import { useLocation, useNavigate } from '@tanstack/react-router';
import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { usePrincipal } from '../../api/session.ts';
import type { TaskConditions } from '../../api/tasks.ts';
import { Failure, Loading } from '../../components/notices.tsx';
import { useShortcuts } from '../../lib/shortcuts.ts';
import type { TasksSearch } from '../../lib/task-search.ts';
import { useRowsInView } from '../../lib/use-rows-in-view.ts';
import { useWidth } from '../../lib/use-width.ts';
import { COLUMN_IDS, COLUMNS, columnsAt, type Facts } from './columns.tsx';
import { NoTasks } from './empty.tsx';
import { type ChangeSearch, type Counts, FollowButton } from './filters.tsx';
import { Row } from './row.tsx';
import { Summary } from './summary.tsx';
import { useGlances } from './use-glances.ts';
import { useTaskList } from './use-task-list.ts';

const ROW_PX = 32;
/** Two lines each, where there is no room for columns. */
const NARROW_ROW_PX = 52;
const NARROW_PX = 620;
/** So many rows before the end the next page is asked for. */
const AHEAD = 30;

interface Props {
  readonly conditions: TaskConditions;
  readonly search: TasksSearch;
  readonly openId: string | null;
  readonly change: ChangeSearch;
  readonly filters: (counts: Counts) => ReactNode;
}

export function TaskTable({ conditions, search, openId, change, filters }: Props) {
  const navigate = useNavigate();
  const isAdmin = usePrincipal()?.isAdmin === true;
  const isFollowing = search.follow === true;
  const { list, rows, live, counts, reload, newCount, isOutdated } = useTaskList(conditions, isFollowing);
  const scroller = useRef<HTMLDivElement>(null);
  const width = useWidth(scroller);
  const isNarrow = width > 0 && width < NARROW_PX;
  const [activeId, setActiveId] = useState<string | null>(openId);

  // The same list as long as the same columns are shown: rows that stay are not rendered again.
  const shown = columnsAt(width, isAdmin).join(' ');
  const visible = useMemo(() => COLUMN_IDS.filter((id) => shown.split(' ').includes(id)), [shown]);
  const template = visible.map((id) => COLUMNS[id].width).join(' ');
  const rowPx = isNarrow ? NARROW_ROW_PX : ROW_PX;
  const { first, end, isQuick, reveal } = useRowsInView(scroller, rows.length, rowPx);
  const inView = useMemo(() => rows.slice(first, end), [rows, first, end]);
  const glances = useGlances(inView, isQuick);
  const { hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage } = list;
  useEffect(() => {
    // A search may find nothing in what one page looked through: then the next one is asked for as well.
    const isNearEnd = end >= rows.length - AHEAD;
    if (isNearEnd && hasNextPage && !isFetchingNextPage && !isFetchNextPageError) void fetchNextPage();
  }, [end, rows.length, hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage]);
  useEffect(() => {
    if (isFollowing) scroller.current?.scrollTo({ top: 0 });
  }, [isFollowing]);

  // What is looked at is in sight when the list comes up beside it; later the person scrolls.
  const sought = useRef(openId);
  useEffect(() => {
    const index = rows.findIndex(({ id }) => id === sought.current);
    if (index < 0) return;
    sought.current = null;
    reveal(index);
  }, [rows, reveal]);

  const open = useCallback(
    (id: string) => void navigate({ to: '/tasks/$taskId', params: { taskId: id }, search: true }),
    [navigate],
  );
  const step = (by: 1 | -1) => {
    const at = rows.findIndex(({ id }) => id === (openId ?? activeId));
    const index = at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + by));
    const row = rows[index];
    if (row === undefined) return;
    setActiveId(row.id);
    reveal(index);
    if (openId !== null) open(row.id);
  };
  useShortcuts([
    { keys: 'j', what: 'Next task', run: () => step(1) },
    { keys: 'k', what: 'Previous task', run: () => step(-1) },
    { keys: 'Enter', what: 'Open the task', run: () => activeId !== null && open(activeId) },
  ]);
  // What is no row has no place in a table.
  const hasRows = rows.length > 0;
  // There before the rows are: they do not push one another down.
  const headerLook = isNarrow ? 'sr-only' : hasRows || list.isPending ? 'border-b border-line' : 'hidden';
  const group = hasRows ? ({ role: 'rowgroup' } as const) : {};
  // With the conditions of the list, as the address has them.
  const conditionsText = useLocation({ select: ({ searchStr }) => searchStr });
  const facts = useMemo(
    (): Facts => ({
      isNarrow,
      change,
      hrefOf: (id) => `/ui/tasks/${encodeURIComponent(id)}${conditionsText}`,
      open,
    }),
    [isNarrow, change, open, conditionsText],
  );
  const showNew = async () => {
    await reload();
    scroller.current?.scrollTo({ top: 0 });
  };

  return (
    <>
      <div className="grid gap-2 border-b border-line px-3 py-2 md:px-4">
        {filters(counts)}
        <div className="flex min-h-7 flex-wrap items-center justify-between gap-2">
          <Summary counts={counts} search={search} change={change} shown={rows.length} isComplete={!hasNextPage} />
          <FollowButton isFollowing={isFollowing} change={change} />
        </div>
      </div>
      <div
        {...(hasRows && { role: 'table', 'aria-label': 'Tasks', 'aria-rowcount': hasNextPage ? -1 : rows.length + 1 })}
        className="relative flex min-h-0 flex-1 flex-col"
      >
        <div {...group} className={headerLook} aria-hidden={!hasRows}>
          <div role="row" className="grid gap-3 px-3 md:px-4" style={{ gridTemplateColumns: template }}>
            {visible.map((id) => (
              <div
                key={id}
                role="columnheader"
                className={`truncate py-1 text-xs text-quiet ${COLUMNS[id].isNumber ? 'text-right' : ''}`}
              >
                {COLUMNS[id].header}
              </div>
            ))}
          </div>
        </div>
        {(newCount > 0 || isOutdated) && (
          <button
            type="button"
            onClick={() => void showNew()}
            className={`absolute ${isNarrow ? 'top-2' : 'top-9'} left-1/2 z-20 -translate-x-1/2 animate-arrive rounded-full bg-fill px-3 py-1 text-xs font-medium text-on-fill shadow-sm`}
          >
            {newCount > 0 ? `${newCount} new` : 'Changed meanwhile: read again'}
          </button>
        )}
        <div ref={scroller} {...group} className="min-h-0 flex-1 overflow-y-auto">
          {list.isPending && <Loading rows={14} label="Loading tasks" />}
          {list.isError && rows.length === 0 && (
            <Failure what="Reading the tasks" error={list.error} onRetry={() => void list.refetch()} />
          )}
          {list.isSuccess && rows.length === 0 && !hasNextPage && <NoTasks search={search} change={change} />}
          <div role="presentation" className="relative" style={{ height: rows.length * rowPx }}>
            {inView.map((row, offset) => (
              <Row
                key={row.id}
                row={row}
                glance={glances.get(row.id)}
                cells={isNarrow ? null : visible}
                template={template}
                top={(first + offset) * rowPx}
                height={rowPx}
                index={first + offset}
                news={live.changed.get(row.id)?.seq ?? 0}
                isFresh={live.fresh.has(row.id)}
                isOpen={row.id === openId}
                isActive={row.id === activeId}
                isQuick={isQuick}
                facts={facts}
              />
            ))}
          </div>
          {isFetchNextPageError && (
            <Failure what="Reading more tasks" error={list.error} onRetry={() => void fetchNextPage()} />
          )}
        </div>
      </div>
    </>
  );
}
