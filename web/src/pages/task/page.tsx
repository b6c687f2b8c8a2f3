/** One task: what was said, when, what came out of it, and what went over the wire. */
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { Tabs } from 'radix-ui';
import { useMemo } from 'react';
import { Failure, Loading } from '../../components/notices.tsx';
import { artifactsOf, conversationOf } from '../../lib/events.ts';
import { useShortcuts } from '../../lib/shortcuts.ts';
import { TASK_TABS, type TaskTab } from '../../lib/task-search.ts';
import { DeliveryList } from '../deliveries/list.tsx';
import { Section } from '../page.tsx';
import { Artifacts } from './artifacts.tsx';
import { Conversation } from './conversation.tsx';
import { Frames } from './frames.tsx';
import { TaskHeader } from './header.tsx';
import { PushConfigs } from './push-configs.tsx';
import { RawTask } from './raw.tsx';
import { Related } from './related.tsx';
import { Reply, useReply } from './reply.tsx';
import { Timeline } from './timeline.tsx';
import { type TaskView, useTask } from './use-task.ts';

const NAMES: Readonly<Record<TaskTab, string>> = {
  conversation: 'Conversation',
  timeline: 'Timeline',
  artifacts: 'Artifacts',
  frames: 'Frames',
  deliveries: 'Deliveries',
  related: 'Related',
  raw: 'Raw',
};

export function TaskPage() {
  const { taskId } = useParams({ from: '/tasks/$taskId' });
  // Nothing of one task is shown with another
  return <OneTask key={taskId} taskId={taskId} />;
}

function OneTask({ taskId }: { taskId: string }) {
  const { view, error, retry } = useTask(taskId);
  const navigate = useNavigate();
  useShortcuts([
    { keys: 'Escape', what: 'Back to the list', run: () => void navigate({ to: '/tasks', search: true }) },
  ]);
  if (view !== null) return <Task view={view} />;
  return (
    <div className="min-h-0 flex-1 overflow-y-auto">
      {error === null ? (
        <Loading rows={10} label="Loading the task" />
      ) : (
        <>
          <h1 className="sr-only">Task {taskId}</h1>
          <Failure what="Reading the task" error={error} onRetry={retry} />
        </>
      )}
    </div>
  );
}

function Task({ view }: { view: TaskView }) {
  const { tab = 'conversation', seq } = useSearch({ from: '/tasks/$taskId' });
  const navigate = useNavigate({ from: '/tasks/$taskId' });
  const { task } = view.detail;
  const reply = useReply(task.id);
  const items = useMemo(() => conversationOf(view.events), [view.events]);
  const artifacts = useMemo(() => artifactsOf(items), [items]);
  const go = (next: { tab?: TaskTab; seq?: number }) =>
    void navigate({ search: (before) => ({ ...before, ...next }), replace: true });
  const select = (selected: number) => go({ seq: selected });
  useShortcuts(
    TASK_TABS.map((name, index) => ({
      keys: String(index + 1),
      what: `${NAMES[name]} of the task`,
      run: () => go({ tab: name }),
    })),
  );
  const counts: Partial<Record<TaskTab, number>> = { timeline: view.events.length, artifacts: artifacts.length };
  return (
    <article className="@container flex min-h-0 flex-1 flex-col">
      <TaskHeader view={view} />
      <Tabs.Root
        value={tab}
        onValueChange={(name) => go({ tab: TASK_TABS.find((one) => one === name) ?? 'conversation' })}
        activationMode="manual"
        className="flex min-h-0 flex-1 flex-col"
      >
        <Tabs.List
          aria-label="Views of the task"
          className="flex shrink-0 overflow-x-auto border-b border-line px-2 md:px-3"
        >
          {TASK_TABS.map((name) => (
            <Tabs.Trigger
              key={name}
              value={name}
              className="h-8 border-b-2 border-transparent px-2 whitespace-nowrap text-quiet hover:text-ink data-[state=active]:border-ink data-[state=active]:font-medium data-[state=active]:text-ink"
            >
              {NAMES[name]}{' '}
              {counts[name] !== undefined && counts[name] > 0 && (
                <span className="ml-1 text-xs text-quiet">{counts[name]}</span>
              )}
            </Tabs.Trigger>
          ))}
        </Tabs.List>
        <Tabs.Content value="conversation" className="flex min-h-0 flex-1 flex-col outline-offset-[-2px]">
          <Conversation items={items} view={view} selected={seq} onSelect={select} />
          <Reply state={view.state} reply={reply} />
        </Tabs.Content>
        <Tabs.Content value="timeline" className="flex min-h-0 flex-1 flex-col">
          <Timeline view={view} selected={seq} onSelect={select} />
        </Tabs.Content>
        <Tabs.Content value="artifacts" className="min-h-0 flex-1 overflow-y-auto">
          <Artifacts artifacts={artifacts} />
        </Tabs.Content>
        <Tabs.Content value="frames" className="min-h-0 flex-1 overflow-y-auto">
          <Frames
            agentId={view.detail.row.agentId}
            taskId={task.id}
            lastSeq={view.events.at(-1)?.seq ?? 0}
            selected={seq}
            onSelect={select}
          />
        </Tabs.Content>
        <Tabs.Content value="deliveries" className="min-h-0 flex-1 overflow-y-auto px-3 py-3 md:px-4">
          <div className="grid gap-6">
            <PushConfigs taskId={task.id} state={view.state} />
            <Section title="Deliveries">
              <DeliveryList
                conditions={{ taskId: task.id }}
                none={
                  <p className="text-quiet">None waits and none was given up. What has been delivered is not kept.</p>
                }
              />
            </Section>
          </div>
        </Tabs.Content>
        <Tabs.Content value="related" className="min-h-0 flex-1 overflow-y-auto">
          <Related taskId={task.id} />
        </Tabs.Content>
        <Tabs.Content value="raw" className="min-h-0 flex-1 overflow-y-auto">
          <RawTask detail={view.detail} />
        </Tabs.Content>
      </Tabs.Root>
    </article>
  );
}
