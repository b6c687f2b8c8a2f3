/** The A2A Console: the list of tasks, live; beside it, where there is room, the one that is looked at. */
import { Outlet, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useCallback, useMemo, useRef, useState } from 'react';
import { type AnySearch, conditionsOf, type TasksSearch } from '../../lib/task-search.ts';
import { useWidth } from '../../lib/use-width.ts';
import { TaskFilters } from './filters.tsx';
import { Splitter } from './splitter.tsx';
import { TaskTable } from './table.tsx';

/** From this width of the page on, list and task are side by side. */
const SIDE_BY_SIDE_PX = 1040;

export function TasksPage() {
  const frame = useRef<HTMLDivElement>(null);
  const isWide = useWidth(frame) >= SIDE_BY_SIDE_PX;
  const { taskId } = useParams({ strict: false });
  const isOpen = taskId !== undefined;
  return (
    <div ref={frame} className="flex min-h-0 flex-1">
      {isOpen && isWide && (
        <Splitter>
          <List openId={taskId} />
        </Splitter>
      )}
      {!isOpen && <List openId={null} />}
      {isOpen && (
        <div className="flex min-w-0 flex-1 flex-col">
          <Outlet />
        </div>
      )}
    </div>
  );
}

function List({ openId }: { openId: string | null }) {
  const search = useSearch({ from: '/tasks' });
  const navigate = useNavigate();
  // A span of time ends when it was chosen: the list grows from there and is not read again each second.
  const [openedAt, setOpenedAt] = useState(() => Date.now());
  const { state, agent, owner, context, range, from, before, q } = search;
  // Whatever else changes in the address, it is the same list.
  const conditions = useMemo(
    () => conditionsOf({ state, agent, owner, context, range, from, before, q }, openedAt),
    [state, agent, owner, context, range, from, before, q, openedAt],
  );
  const change = useCallback(
    (changes: AnySearch) => {
      if ('range' in changes) setOpenedAt(Date.now());
      void navigate({
        to: '.',
        replace: 'q' in changes,
        search: (before: TasksSearch) =>
          Object.fromEntries(Object.entries({ ...before, ...changes }).filter(([, value]) => value !== undefined)),
      });
    },
    [navigate],
  );
  return (
    <section aria-label="Tasks" className="@container flex min-h-0 min-w-0 flex-1 flex-col">
      {openId === null && <h1 className="sr-only">Tasks</h1>}
      <TaskTable
        conditions={conditions}
        search={search}
        openId={openId}
        change={change}
        filters={(counts) => <TaskFilters search={search} change={change} counts={counts} />}
      />
    </section>
  );
}
