/** Ctrl/Cmd-K: every place, every action, and tasks by id or by what they are about. */
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Command } from 'cmdk';
import { BookOpen, Bot, Clock, Moon, Send } from 'lucide-react';
import { Dialog } from 'radix-ui';
import { type ReactNode, useDeferredValue, useRef, useState } from 'react';
import { agentsQuery } from '../api/server.ts';
import { useMayWrite } from '../api/session.ts';
import { listTasks } from '../api/tasks.ts';
import { Keys } from '../components/keys.tsx';
import { StateIcon } from '../components/state.tsx';
import { Age } from '../components/time.tsx';
import { useFocusReturn } from '../lib/focus.ts';
import { shortId } from '../lib/format.ts';
import { isDark, theme, zone } from '../lib/preferences.ts';
import { STATES, slugOf, TASK_STATES } from '../lib/states.ts';
import { sendDraft } from '../pages/send/open.tsx';
import type { Place } from './navigation.ts';

const MIN_SEARCH = 2;
const MAX_FOUND = 8;

export function Palette({ places, onClose }: { places: readonly Place[]; onClose: () => void }) {
  const navigate = useNavigate();
  const [text, setText] = useState('');
  const sought = useDeferredValue(text.trim());
  const { data: agents } = useQuery(agentsQuery);
  const { data: found } = useQuery({
    queryKey: ['tasks', 'find', sought],
    queryFn: ({ signal }) => listTasks({ text: sought, pageSize: String(MAX_FOUND) }, signal),
    enabled: sought.length >= MIN_SEARCH,
  });
  const mayWrite = useMayWrite();
  const giveFocusBack = useFocusReturn();
  const hasLeft = useRef(false);
  const act =
    (run: () => unknown, isLeaving = true) =>
    () => {
      hasLeft.current = isLeaving;
      onClose();
      void run();
    };
  return (
    <Dialog.Root open onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <div aria-hidden="true" className="fixed inset-0 z-40 bg-[oklch(15%_0.01_255)]/45" />
        <Dialog.Content
          aria-describedby={undefined}
          // At another place, a field that had the focus would take the keys meant for that.
          onCloseAutoFocus={(event) => giveFocusBack(event, hasLeft.current)}
          className="fixed top-[max(1rem,14vh)] left-1/2 z-50 w-[calc(100vw-2rem)] max-w-xl -translate-x-1/2 animate-arrive overflow-hidden rounded-lg border border-line bg-raised outline-none"
        >
          <Dialog.Title className="sr-only">Search or run a command</Dialog.Title>
          <Command label="Commands" loop>
            <Command.Input
              value={text}
              onValueChange={setText}
              placeholder="A task id, words of a message, a place, an action"
              className="h-11 w-full border-b border-line bg-transparent px-4 text-base outline-none placeholder:text-quiet"
            />
            <Command.List className="max-h-[min(26rem,60vh)] overflow-y-auto p-1.5">
              <Command.Empty className="px-3 py-6 text-center text-quiet">Nothing found.</Command.Empty>
              {found !== undefined && found.tasks.length > 0 && (
                <Group heading="Tasks">
                  {found.tasks.map(({ id, state, title, statusAt }) => (
                    <Item
                      key={id}
                      // What the server found is shown, whatever the palette's own matching would say.
                      value={`${id} ${title} ${sought}`}
                      icon={<StateIcon state={state} />}
                      onSelect={act(() => navigate({ to: '/tasks/$taskId', params: { taskId: id } }))}
                      end={<Age at={statusAt} className="text-xs text-quiet" />}
                    >
                      <span className="truncate">{title === '' ? 'without text' : title}</span>
                      <span className="font-mono text-xs text-quiet">{shortId(id)}</span>
                    </Item>
                  ))}
                </Group>
              )}
              <Group heading="Go to">
                {places.map(({ to, name, letter, icon: Icon }) => (
                  <Item
                    key={to}
                    icon={<Icon className="size-3.5" />}
                    onSelect={act(() => navigate({ to }))}
                    end={<Keys keys={`g ${letter}`} />}
                  >
                    {name}
                  </Item>
                ))}
                <Item icon={<BookOpen className="size-3.5" />} onSelect={act(() => location.assign('/docs'))}>
                  API documentation
                </Item>
              </Group>
              <Group heading="Do">
                {mayWrite && (
                  <Item
                    icon={<Send className="size-3.5" />}
                    onSelect={act(() => sendDraft.set({}))}
                    end={<Keys keys="n" />}
                  >
                    Send a message
                  </Item>
                )}
                <Item
                  icon={<Moon className="size-3.5" />}
                  onSelect={act(() => theme.set(isDark() ? 'light' : 'dark'), false)}
                >
                  Switch theme
                </Item>
                <Item
                  icon={<Clock className="size-3.5" />}
                  onSelect={act(() => zone.set(zone.get() === 'utc' ? 'local' : 'utc'), false)}
                >
                  Switch exact times between local and UTC
                </Item>
              </Group>
              <Group heading="Agents">
                {agents?.agents.map(({ id, name }) => (
                  <Item
                    key={id}
                    icon={<Bot className="size-3.5" />}
                    onSelect={act(() => navigate({ to: '/agents/$agentId', params: { agentId: id } }))}
                  >
                    {name}
                  </Item>
                ))}
              </Group>
              <Group heading="Tasks by state">
                {TASK_STATES.map((state) => (
                  <Item
                    key={state}
                    icon={<StateIcon state={state} />}
                    onSelect={act(() => navigate({ to: '/tasks', search: { state: slugOf(state) } }))}
                  >
                    {STATES[state].word}
                  </Item>
                ))}
              </Group>
            </Command.List>
          </Command>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Group({ heading, children }: { heading: string; children: ReactNode }) {
  return (
    <Command.Group
      heading={heading}
      className="[&_[cmdk-group-heading]]:px-2.5 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-xs [&_[cmdk-group-heading]]:text-quiet"
    >
      {children}
    </Command.Group>
  );
}

function Item(props: { icon: ReactNode; onSelect: () => void; children: ReactNode; end?: ReactNode; value?: string }) {
  const { icon, onSelect, children, end, value } = props;
  return (
    <Command.Item
      onSelect={onSelect}
      {...(value !== undefined && { value })}
      className="flex min-h-8 cursor-pointer items-center gap-2.5 rounded-md px-2.5 data-[selected=true]:bg-selected"
    >
      <span className="text-quiet">{icon}</span>
      <span className="flex min-w-0 flex-1 items-center gap-2">{children}</span>
      {end}
    </Command.Item>
  );
}
