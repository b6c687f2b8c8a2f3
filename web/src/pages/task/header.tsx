/** The head of a task: its state, its facts, what can be done to it, whether it is live. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { ArrowLeft, Ban, Copy, Ellipsis, RotateCw, Terminal } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { useMayWrite, usePrincipal } from '../../api/session.ts';
import { cancelTask, queuedQuery, taskQuery } from '../../api/tasks.ts';
import { Button, IconButton } from '../../components/button.tsx';
import { CopyButton, copyText } from '../../components/copy.tsx';
import { Confirm } from '../../components/dialog.tsx';
import { Menu, MenuItem } from '../../components/menu.tsx';
import { QueuedText } from '../../components/queued.tsx';
import { StateLabel } from '../../components/state.tsx';
import { Age, Duration } from '../../components/time.tsx';
import { toast } from '../../components/toasts.tsx';
import { useAction } from '../../components/use-action.ts';
import { Badge } from '../../frame/live-badge.tsx';
import { curlOf } from '../../lib/curl.ts';
import { formatCount, shortId } from '../../lib/format.ts';
import { useShortcuts } from '../../lib/shortcuts.ts';
import { STATES } from '../../lib/states.ts';
import { sendDraft } from '../send/open.tsx';
import type { TaskView } from './use-task.ts';

export function TaskHeader({ view }: { view: TaskView }) {
  const { detail, state, badge } = view;
  const { row, task, diagnostics } = detail;
  const { isTerminal } = STATES[state];
  const isQueued = diagnostics.leaseReplica === 'queued' && !isTerminal;
  const mayWrite = useMayWrite();
  const lastAt = view.events.at(-1)?.at ?? row.statusAt;
  const [isAsking, setAsking] = useState(false);
  const parts =
    view.events[0]?.event !== undefined && 'task' in view.events[0].event
      ? view.events[0].event.task.history?.[0]?.parts
      : task.history?.[0]?.parts;
  useShortcuts([{ keys: 'c', what: 'Copy the id of the task', run: () => void copyText(task.id, 'Task id') }]);
  const curl = (version: '1.0' | '0.3', isStreaming: boolean) =>
    void copyText(
      curlOf({ url: `${location.origin}/a2a/agents/${row.agentId}`, parts: parts ?? [], version, isStreaming }),
      'Command',
    );
  return (
    <header className="grid grid-cols-[minmax(0,1fr)] gap-1 border-b border-line px-3 pt-2 pb-2 md:px-4">
      <div className="flex items-center gap-1">
        <Link
          to="/tasks"
          search={true}
          aria-label="Back to the list"
          className="-ml-1 flex size-7 items-center justify-center rounded-md text-quiet hover:bg-hover hover:text-ink"
        >
          <ArrowLeft className="size-4" />
        </Link>
        <h1 className="min-w-0 flex-1 truncate text-base font-semibold">
          {row.title === '' ? 'Task without text' : row.title}
        </h1>
        <Badge status={badge} what="Stream of the task" />
        {!isTerminal && mayWrite && (
          <Button onClick={() => setAsking(true)}>
            <Ban className="size-3.5" />
            Cancel
          </Button>
        )}
        {parts !== undefined && mayWrite && (
          <IconButton label="Send again" onClick={() => sendDraft.set({ agentId: row.agentId, parts })}>
            <RotateCw className="size-4" />
          </IconButton>
        )}
        <Menu
          trigger={
            <Button look="quiet" aria-label="More" className="w-7 px-0!">
              <Ellipsis className="size-4" />
            </Button>
          }
        >
          <MenuItem onSelect={() => void copyText(location.href, 'Address')}>
            <Copy className="size-3.5" /> Copy the address of this view
          </MenuItem>
          {parts !== undefined && (
            <>
              <MenuItem onSelect={() => curl('1.0', false)}>
                <Terminal className="size-3.5" /> Copy as curl, A2A 1.0
              </MenuItem>
              <MenuItem onSelect={() => curl('1.0', true)}>
                <Terminal className="size-3.5" /> Copy as curl, A2A 1.0, streaming
              </MenuItem>
              <MenuItem onSelect={() => curl('0.3', false)}>
                <Terminal className="size-3.5" /> Copy as curl, A2A 0.3
              </MenuItem>
            </>
          )}
        </Menu>
      </div>
      <div className="flex flex-wrap items-center gap-x-2.5 gap-y-0.5 text-quiet">
        <StateLabel state={state} className="font-medium" />
        <Fact>
          <Link to="/agents/$agentId" params={{ agentId: row.agentId }} className="hover:text-ink hover:underline">
            {row.agentId}
          </Link>
        </Fact>
        <Fact>
          <Age at={lastAt} />
        </Fact>
        <Fact>
          {isTerminal ? 'took' : 'for'} <Duration since={row.createdAt} until={isTerminal ? lastAt : null} />
        </Fact>
        <Fact>
          <Link
            to="/tasks"
            search={{ owner: row.ownerId }}
            title={row.ownerId}
            className="hover:text-ink hover:underline"
          >
            owner {shortId(row.ownerId)}
          </Link>
        </Fact>
        <Fact>
          <Link
            to="/tasks"
            search={{ context: row.contextId }}
            title={row.contextId}
            className="hover:text-ink hover:underline"
          >
            context <span className="font-mono text-xs">{shortId(row.contextId)}</span>
          </Link>
        </Fact>
        {isQueued && <QueueFact id={task.id} />}
        {diagnostics.leaseReplica !== null && !isQueued && !isTerminal && (
          <Fact>
            replica {shortId(diagnostics.leaseReplica)}
            {diagnostics.isLeaseHere && ' (this one)'}
          </Fact>
        )}
        {diagnostics.attempt > 1 && <Fact>attempt {diagnostics.attempt}</Fact>}
        <span className="inline-flex items-center font-mono text-xs" title={task.id}>
          {shortId(task.id)}
          <CopyButton text={task.id} label="task id" />
        </span>
      </div>
      {view.problem !== null && (
        <p role="alert" className="text-failed">
          {view.problem}
        </p>
      )}
      {isAsking && <CancelDialog id={task.id} name={row.title} onClose={() => setAsking(false)} />}
    </header>
  );
}

/** Why it waits, and what waits before it: of its owner, as owners take turns. */
function QueueFact({ id }: { id: string }) {
  const { data } = useQuery(queuedQuery(id));
  const whose = usePrincipal()?.isAdmin === true ? 'of this owner' : 'of yours';
  if (!data) return null;
  const { before } = data;
  return (
    <span className="text-ink">
      <QueuedText queued={data} />
      {before !== null && `, ${before === 0 ? `the next ${whose}` : `${formatCount(before)} ${whose} before it`}`}
    </span>
  );
}

function Fact({ children }: { children: ReactNode }) {
  return <span className="whitespace-nowrap">{children}</span>;
}

function CancelDialog({ id, name, onClose }: { id: string; name: string; onClose: () => void }) {
  const client = useQueryClient();
  const { act, isPending } = useAction({
    run: () => cancelTask(id),
    what: 'Canceling',
    onDone: () => toast({ title: 'Task canceled' }),
    onSettled: () => {
      onClose();
      return client.invalidateQueries({ queryKey: taskQuery(id).queryKey });
    },
  });
  return (
    <Confirm
      title="Cancel this task?"
      consequence={`“${name === '' ? shortId(id) : name}” is told to stop and ends as canceled. It cannot be taken up again; what it made so far is kept.`}
      action="Cancel the task"
      isBusy={isPending}
      onConfirm={() => act()}
      onClose={onClose}
    />
  );
}
