/** The task as A2A 1.0 has it, and what the server knows beside it. */
import type { TaskDetail } from '../../api/tasks.ts';
import { Code } from '../../components/code.tsx';
import { formatCount } from '../../lib/format.ts';

export function RawTask({ detail: { task, row, diagnostics } }: { detail: TaskDetail }) {
  const facts: readonly (readonly [string, string])[] = [
    ['Task', row.id],
    ['Context', row.contextId],
    ['Owner', row.ownerId],
    ['Events', `${formatCount(row.seq)}, the log holds them from ${diagnostics.firstSeq}`],
    ['Present turn', `began with event ${diagnostics.turnSeq}, attempt ${diagnostics.attempt}`],
    ['Messages', formatCount(diagnostics.messageCount)],
    ['Stored text', `${formatCount(diagnostics.sizeChars)} characters`],
    [
      'Lease',
      diagnostics.leaseReplica === null
        ? 'nobody runs it, nor need'
        : `${diagnostics.leaseReplica}${diagnostics.isLeaseHere ? ' (this process)' : ''}, epoch ${diagnostics.leaseEpoch}`,
    ],
  ];
  return (
    <div className="mx-auto grid max-w-4xl gap-4 px-3 py-4 md:px-5">
      <dl className="grid grid-cols-[7rem_minmax(0,1fr)] gap-x-4 gap-y-1">
        {facts.map(([name, value]) => (
          <div key={name} className="contents">
            <dt className="text-quiet">{name}</dt>
            <dd className="break-all">{value}</dd>
          </div>
        ))}
      </dl>
      <h2 className="font-semibold">Task, A2A 1.0</h2>
      <Code text={JSON.stringify(task, null, 2)} label="task as JSON" />
    </div>
  );
}
