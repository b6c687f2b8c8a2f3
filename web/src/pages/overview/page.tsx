/** One screen that answers: is it healthy, is someone waiting for me, what changed. */
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { lazy, Suspense, useMemo } from 'react';
import { type Overview, type OverviewWindow, overviewQuery, type Replica } from '../../api/server.ts';
import type { TaskRow } from '../../api/tasks.ts';
import { Segments } from '../../components/field.tsx';
import { Failure, Loading } from '../../components/notices.tsx';
import { ReplicaStatus } from '../../components/replica-status.tsx';
import { StateIcon } from '../../components/state.tsx';
import { Age, Duration } from '../../components/time.tsx';
import { formatCount, formatExact, plural } from '../../lib/format.ts';
import { zone } from '../../lib/preferences.ts';
import { STATES, slugOf, TASK_STATES } from '../../lib/states.ts';
import { useStore } from '../../lib/store.ts';
import { Page, Section } from '../page.tsx';
import { type Mark, marksOf } from './marks.ts';

const Charts = lazy(async () => ({ default: (await import('./charts.tsx')).Charts }));
/** Starts and ends of replicas that are listed. */
const MAX_MARKS = 6;
const LAST_WORDS = { '15m': '15 minutes', '1h': 'hour', '24h': '24 hours' } as const;
const RANGE_WORDS = { '15m': '15 min', '1h': '1 hour', '24h': '24 hours' } as const;

export function OverviewPage() {
  const { window = '1h' } = useSearch({ from: '/' });
  const navigate = useNavigate({ from: '/' });
  const { data, error, refetch } = useQuery(overviewQuery(window));
  const isUtc = useStore(zone) === 'utc';
  return (
    <Page
      isWide
      title="Overview"
      lead={
        data === undefined
          ? ''
          : `As of ${formatExact(Date.parse(data.now), isUtc).slice(11, 19)}; read again every 10 seconds`
      }
      actions={
        <Segments<OverviewWindow>
          label="Span of time"
          value={window}
          choices={[
            ['15m', RANGE_WORDS['15m']],
            ['1h', RANGE_WORDS['1h']],
            ['24h', RANGE_WORDS['24h']],
          ]}
          onChange={(value) => void navigate({ search: value === '1h' ? {} : { window: value }, replace: true })}
        />
      }
    >
      {data === undefined && error !== null && (
        <Failure what="Reading the overview" error={error} onRetry={() => void refetch()} />
      )}
      {data === undefined && error === null && <Loading rows={12} />}
      {data !== undefined && <Facts overview={data} />}
    </Page>
  );
}

function Facts({ overview }: { overview: Overview }) {
  const { counts, waiting, failing, isFailingComplete, deadLetters, queue, series, replicas, window } = overview;
  const marks = useMemo(() => marksOf(replicas ?? []), [replicas]);
  return (
    <div className="grid gap-6">
      <StateCounts counts={counts} />
      <div className="grid gap-x-10 gap-y-6 @4xl:grid-cols-[minmax(20rem,2fr)_3fr] @7xl:grid-cols-[26rem_minmax(0,1fr)]">
        <div className="grid content-start gap-6">
          <Section title="Waiting for a person">
            {waiting.length === 0 ? <p className="text-quiet">Nobody is waited for.</p> : <Rows rows={waiting} />}
          </Section>
          <Section title={`Failed in the last ${LAST_WORDS[window]}`}>
            {failing.length === 0 && <p className="text-quiet">No task failed or was rejected.</p>}
            <ul>
              {failing.map(({ agentId, count, last }) => (
                <li key={agentId} className="border-b border-line py-1.5 last:border-0">
                  <div className="flex items-baseline justify-between gap-3">
                    <Link
                      to="/tasks"
                      search={{ agent: agentId, state: 'failed,rejected', range: window }}
                      className="inline-flex min-h-6 items-center font-medium hover:underline"
                    >
                      {agentId}: {count}
                      {isFailingComplete ? '' : '+'} failed or rejected
                    </Link>
                    <Age at={last.statusAt} className="text-xs text-quiet" />
                  </div>
                  <Link
                    to="/tasks/$taskId"
                    params={{ taskId: last.id }}
                    className={`block min-h-6 truncate leading-6 hover:underline ${STATES[last.state].color}`}
                  >
                    {last.statusText === '' ? STATES[last.state].word : last.statusText}
                  </Link>
                </li>
              ))}
            </ul>
          </Section>
          {queue !== null && <Queue queue={queue} />}
          {deadLetters !== null && (
            <Section title="Deliveries">
              <Link
                to="/deliveries"
                search={deadLetters > 0 ? { state: 'dead' } : {}}
                className={`inline-flex min-h-6 items-center hover:underline ${deadLetters > 0 ? 'text-failed' : 'text-quiet'}`}
              >
                {deadLetters === 0
                  ? 'No push delivery was given up.'
                  : `Push deliveries given up: ${formatCount(deadLetters)}`}
              </Link>
            </Section>
          )}
          {replicas !== null && <Replicas replicas={replicas} marks={marks} />}
        </div>
        {series !== null && (
          <Suspense fallback={<Loading />}>
            <Charts series={series} window={window} now={overview.now} marks={marks} />
          </Suspense>
        )}
      </div>
    </div>
  );
}

/** What waits for a replica with room. */
function Queue({ queue: { tasks, longestSince } }: { queue: NonNullable<Overview['queue']> }) {
  return (
    <Section title="Queue">
      {longestSince === null ? (
        <p className="text-quiet">No task waits for a place.</p>
      ) : (
        <Link
          to="/tasks"
          search={{ state: 'submitted,working' }}
          className="inline-block min-h-6 leading-6 hover:underline"
        >
          {plural(tasks, 'task')} in the queue, the longest for <Duration since={longestSince} until={null} />
        </Link>
      )}
    </Section>
  );
}

/** Those that are there, and the last that came or went. */
function Replicas({ replicas, marks }: { replicas: readonly Replica[]; marks: readonly Mark[] }) {
  const shown = replicas.filter(({ status }) => status === 'alive' || status === 'late');
  return (
    <Section title="Replicas">
      <ul>
        {shown.map(({ id, name, status, startedAt }) => (
          <li key={id} className="border-b border-line last:border-0">
            <Link
              to="/settings"
              className="grid min-h-8 grid-cols-[minmax(0,1fr)_3.5rem_5.5rem] items-center gap-3 hover:bg-hover"
            >
              <span className="truncate">{name}</span>
              <ReplicaStatus status={status} />
              <span className="text-right text-xs text-quiet">
                since <Age at={startedAt} />
              </span>
            </Link>
          </li>
        ))}
      </ul>
      <ul className="mt-2 text-xs text-quiet">
        {marks
          .slice(-MAX_MARKS)
          .toReversed()
          .map(({ at, text, isBad }) => (
            <li key={`${at} ${text}`} className="flex min-h-6 items-center justify-between gap-3">
              <span className={`truncate ${isBad ? 'text-failed' : ''}`}>{text}</span>
              <Age at={at * 1000} />
            </li>
          ))}
      </ul>
    </Section>
  );
}

/** Every number leads to its tasks. */
function StateCounts({ counts }: { counts: Overview['counts'] }) {
  return (
    <ul
      aria-label="Tasks by state"
      className="grid grid-cols-2 gap-px overflow-hidden rounded-md border border-line bg-line @lg:grid-cols-4 @4xl:grid-cols-8"
    >
      {TASK_STATES.map((state) => (
        <li key={state} className="bg-bg">
          <Link to="/tasks" search={{ state: slugOf(state) }} className="grid h-full gap-0.5 px-3 py-2 hover:bg-hover">
            <span className="text-xl font-medium">{formatCount(counts[state] ?? 0)}</span>
            <span className="flex items-center gap-1.5 text-xs whitespace-nowrap text-quiet">
              <StateIcon state={state} />
              {STATES[state].word}
            </span>
          </Link>
        </li>
      ))}
    </ul>
  );
}

function Rows({ rows }: { rows: readonly TaskRow[] }) {
  return (
    <ul>
      {rows.map(({ id, state, title, statusText, agentId, statusAt }) => (
        <li key={id} className="border-b border-line last:border-0">
          <Link
            to="/tasks/$taskId"
            params={{ taskId: id }}
            className="grid min-h-8 grid-cols-[auto_minmax(0,1fr)_auto_auto] items-center gap-2.5 py-1 hover:bg-hover"
          >
            <StateIcon state={state} />
            <span className="min-w-0">
              <span className="block truncate">{statusText === '' ? title : statusText}</span>
            </span>
            <span className="text-xs text-quiet">{agentId}</span>
            <Age at={statusAt} className="text-xs text-quiet" />
          </Link>
        </li>
      ))}
    </ul>
  );
}
