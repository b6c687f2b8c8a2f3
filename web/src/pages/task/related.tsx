/** The other tasks of its context: the conversation that it belongs to. */
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { relatedQuery } from '../../api/tasks.ts';
import { Failure, Loading } from '../../components/notices.tsx';
import { StateLabel } from '../../components/state.tsx';
import { Age } from '../../components/time.tsx';
import { shortId } from '../../lib/format.ts';

export function Related({ taskId }: { taskId: string }) {
  const { data, error, refetch } = useQuery(relatedQuery(taskId));
  if (error !== null) return <Failure what="Reading the related tasks" error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <Loading />;
  return (
    <div className="py-2">
      <p className="px-3 py-1 text-quiet md:px-4">
        Tasks of the context{' '}
        <Link to="/tasks" search={{ context: data.contextId }} className="font-mono text-xs text-ink hover:underline">
          {shortId(data.contextId)}
        </Link>
      </p>
      <ul>
        {data.tasks.map(({ id, state, title, statusAt, agentId }) => (
          <li key={id}>
            <Link
              to="/tasks/$taskId"
              params={{ taskId: id }}
              search={({ tab: _tab, seq: _seq, ...rest }) => rest}
              {...(id === taskId && { 'aria-current': 'true' as const })}
              className={`grid h-8 grid-cols-[7.75rem_minmax(0,1fr)_auto_auto] items-center gap-3 px-3 hover:bg-hover md:px-4 ${id === taskId ? 'bg-selected' : ''}`}
            >
              <StateLabel state={state} />
              <span className="truncate">{title === '' ? 'without text' : title}</span>
              <span className="text-quiet">{agentId}</span>
              <Age at={statusAt} className="text-quiet" />
            </Link>
          </li>
        ))}
      </ul>
    </div>
  );
}
