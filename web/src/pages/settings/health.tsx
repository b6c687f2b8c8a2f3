/** Is it healthy: what it is, what it listens on, what it carries, its database. */
import { useQuery } from '@tanstack/react-query';
import { CircleCheck, TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import { healthQuery, type ServerHealth } from '../../api/server.ts';
import { Failure, Loading } from '../../components/notices.tsx';
import { ReplicaStatus } from '../../components/replica-status.tsx';
import { Age, Exact } from '../../components/time.tsx';
import { formatBytes, formatCount, formatDuration, plural } from '../../lib/format.ts';
import { Section } from '../page.tsx';

export function Health() {
  const { data, error, refetch } = useQuery(healthQuery);
  if (data === undefined) {
    return error === null ? (
      <Loading />
    ) : (
      <Failure what="Reading the health" error={error} onRetry={() => void refetch()} />
    );
  }
  const { database, load } = data;
  const { applied, pending, unknown } = database.migrations;
  return (
    <div className="grid gap-8">
      <p className={`flex items-center gap-2 text-base font-medium ${data.isReady ? 'text-completed' : 'text-failed'}`}>
        {data.isReady ? <CircleCheck className="size-4" /> : <TriangleAlert className="size-4" />}
        {data.isReady ? 'Ready' : `Not ready: ${data.down.join(', ')}`}
      </p>
      <Section title="Server">
        <Facts>
          <Fact name="Version">
            Parley {data.version}, Node {data.node}
          </Fact>
          <Fact name="Started">
            <Exact at={data.startedAt} />{' '}
            <span className="text-quiet">(up {formatDuration(data.uptimeSeconds * 1000)})</span>
          </Fact>
          <Fact name="Replica">
            <code className="font-mono text-xs">{data.replicaId}</code>
          </Fact>
          {data.listeners.map(({ name, url }) => (
            <Fact key={name} name={`Listener: ${name}`}>
              <code className="font-mono text-xs">{url}</code>
            </Fact>
          ))}
        </Facts>
      </Section>
      <Section title="Replicas">
        <Replicas replicas={data.replicas} />
      </Section>
      <Section title="Load of this replica">
        <Facts>
          <Fact name="Running tasks">{formatCount(load.runningTasks)}</Fact>
          <Fact name="Tasks in the queue">
            {formatCount(load.queuedTasks)} <span className="text-quiet">(of all replicas)</span>
          </Fact>
          <Fact name="Queued writes">{formatCount(load.queuedWrites)}</Fact>
          <Fact name="Open streams">{formatCount(load.openStreams)}</Fact>
          <Fact name="Live consoles">{formatCount(load.liveConnections)}</Fact>
          <Fact name="Memory">
            {formatBytes(load.residentBytes)} resident, {formatBytes(load.heapUsedBytes)} heap
          </Fact>
        </Facts>
      </Section>
      <Section title="Database">
        <Facts>
          <Fact name="Where">
            <code className="font-mono text-xs break-all">{database.description}</code>
          </Fact>
          <Fact name="Answers in">
            {database.pingMs === null ? (
              <span className="text-failed">does not answer</span>
            ) : (
              formatDuration(database.pingMs)
            )}
          </Fact>
          <Fact name="Migrations">
            {plural(applied.length, 'migration')} applied
            {pending.length > 0 && <span className="text-failed">, {pending.length} pending</span>}
            {unknown.length > 0 && <span className="text-input">, {unknown.length} of a newer version</span>}
          </Fact>
        </Facts>
        <ul className="mt-2 border-t border-line">
          {applied.map(({ version, name, appliedAt }) => (
            <li key={version} className="flex gap-3 border-b border-line py-1">
              <span className="w-8 text-right text-quiet">{version}</span>
              <span className="flex-1">{name}</span>
              <Age at={appliedAt} className="text-quiet" />
            </li>
          ))}
        </ul>
      </Section>
    </div>
  );
}

const REPLICA_COLUMNS = '@2xl:grid-cols-[minmax(0,2fr)_5rem_4rem_6rem_5rem_5rem_8rem]';

/** Those that run first; within each kind the latest start. */
function Replicas({ replicas }: { replicas: ServerHealth['replicas'] }) {
  const order = ['alive', 'late', 'gone', 'stopped'];
  const sorted = replicas.toSorted((a, b) => order.indexOf(a.status) - order.indexOf(b.status));
  return (
    <div role="table" aria-label="Replicas" className="border-t border-line">
      <div
        role="row"
        className={`hidden gap-3 border-b border-line py-1 text-xs text-quiet @2xl:grid ${REPLICA_COLUMNS}`}
      >
        {['Replica', 'Status', 'Version', 'Started', 'Running', 'Writes', 'Lease'].map((name) => (
          <span key={name} role="columnheader">
            {name}
          </span>
        ))}
      </div>
      {sorted.map((replica) => {
        const { id, name, status, version, startedAt, endedAt, seenAt, isThis, runningTasks, queuedWrites } = replica;
        const isHere = status === 'alive' || status === 'late';
        return (
          <div
            key={id}
            role="row"
            className={`grid grid-cols-2 items-baseline gap-x-3 gap-y-0.5 border-b border-line py-1.5 ${REPLICA_COLUMNS}`}
          >
            <span role="cell" className="col-span-2 min-w-0 @2xl:col-span-1">
              <span className="block truncate">
                {name}
                {isThis && <span className="text-quiet"> (answers now)</span>}
              </span>
              <code className="block truncate font-mono text-xs text-quiet" title={id}>
                {id}
              </code>
            </span>
            <span role="cell">
              <ReplicaStatus status={status} />
            </span>
            <span role="cell">{version}</span>
            <span role="cell" className="text-quiet">
              <Age at={startedAt} /> ago
            </span>
            <span role="cell">{isHere ? `${formatCount(runningTasks)} tasks` : '–'}</span>
            <span role="cell">{isHere ? `${formatCount(queuedWrites)} queued` : '–'}</span>
            <span role="cell" className="text-quiet">
              {isHere ? (
                <>
                  <span className="@2xl:sr-only">lease </span>
                  {leaseText(replica)}
                </>
              ) : (
                <>
                  {status === 'stopped' ? 'stopped' : 'last seen'} <Age at={endedAt ?? seenAt} /> ago
                </>
              )}
            </span>
          </div>
        );
      })}
    </div>
  );
}

function leaseText({ leaseLeftMs }: ServerHealth['replicas'][number]): string {
  if (leaseLeftMs === null) return 'none';
  return leaseLeftMs > 0 ? `holds for ${formatDuration(leaseLeftMs)}` : `over for ${formatDuration(-leaseLeftMs)}`;
}

function Facts({ children }: { children: ReactNode }) {
  return <dl className="grid gap-y-1.5 @xl:grid-cols-[11rem_minmax(0,1fr)]">{children}</dl>;
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="contents">
      <dt className="text-quiet">{name}</dt>
      <dd className="min-w-0 break-words">{children}</dd>
    </div>
  );
}
