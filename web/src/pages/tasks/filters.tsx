/** What narrows the list: each condition is a chip, and all are in the address. */
import { useQuery } from '@tanstack/react-query';
import { ChevronDown, Pause, Play, Search, X } from 'lucide-react';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { agentsQuery } from '../../api/server.ts';
import { Button } from '../../components/button.tsx';
import { Menu, MenuCheck, MenuChoices } from '../../components/menu.tsx';
import { StateIcon } from '../../components/state.tsx';
import { formatCount, formatExact, shortId } from '../../lib/format.ts';
import { zone } from '../../lib/preferences.ts';
import { useShortcuts } from '../../lib/shortcuts.ts';
import { STATES, slugOf, TASK_STATES, type TaskState } from '../../lib/states.ts';
import { useStore } from '../../lib/store.ts';
import {
  type AnySearch,
  agentsOf,
  isNarrowed,
  NO_CONDITIONS,
  RANGES,
  type Range,
  statesOf,
  type TasksSearch,
} from '../../lib/task-search.ts';

export type ChangeSearch = (changes: AnySearch) => void;
export type Counts = Readonly<Record<string, number>> | null;

interface Props {
  readonly search: TasksSearch;
  readonly change: ChangeSearch;
  readonly counts: Counts;
}

export function TaskFilters({ search, change, counts }: Props) {
  const states = statesOf(search);
  const agents = agentsOf(search);
  return (
    <div role="toolbar" aria-label="Filters" className="flex flex-wrap items-center gap-1.5">
      <StateFilter states={states} change={change} counts={counts} />
      <AgentFilter agents={agents} change={change} />
      <RangeFilter range={search.range} change={change} />
      {search.context !== undefined && (
        <Chip
          name="context"
          value={shortId(search.context)}
          title={search.context}
          onClear={() => change({ context: undefined })}
        />
      )}
      {search.owner !== undefined && (
        <Chip
          name="owner"
          value={shortId(search.owner)}
          title={search.owner}
          onClear={() => change({ owner: undefined })}
        />
      )}
      {(search.from !== undefined || search.before !== undefined) && (
        <TimeChip from={search.from} before={search.before} change={change} />
      )}
      <SearchField value={search.q ?? ''} change={change} />
      {isNarrowed(search) && (
        <Button look="quiet" onClick={() => change(NO_CONDITIONS)}>
          Clear
        </Button>
      )}
    </div>
  );
}

function StateFilter({
  states,
  change,
  counts,
}: {
  states: readonly TaskState[];
  change: ChangeSearch;
  counts: Counts;
}) {
  const [only] = states;
  const toggle = (state: TaskState, isChosen: boolean) => {
    const next = TASK_STATES.filter((one) => (one === state ? isChosen : states.includes(one)));
    change({ state: next.length === 0 ? undefined : next.map(slugOf).join(',') });
  };
  return (
    <Menu
      trigger={
        <Trigger isSet={states.length > 0}>
          {states.length === 1 && only !== undefined ? (
            <>
              <StateIcon state={only} /> {STATES[only].word}
            </>
          ) : states.length > 1 ? (
            `${states.length} states`
          ) : (
            'State'
          )}
        </Trigger>
      }
    >
      {TASK_STATES.map((state) => (
        <MenuCheck key={state} checked={states.includes(state)} onChange={(isChosen) => toggle(state, isChosen)}>
          <span className="flex items-center gap-2">
            <StateIcon state={state} />
            <span className="flex-1">{STATES[state].word}</span>
            {counts !== null && <span className="pl-4 text-quiet">{formatCount(counts[state] ?? 0)}</span>}
          </span>
        </MenuCheck>
      ))}
    </Menu>
  );
}

function AgentFilter({ agents, change }: { agents: readonly string[]; change: ChangeSearch }) {
  const { data } = useQuery(agentsQuery);
  const ids = [...new Set([...(data?.agents.map(({ id }) => id) ?? []), ...agents])];
  const toggle = (id: string, isChosen: boolean) => {
    const next = ids.filter((one) => (one === id ? isChosen : agents.includes(one)));
    change({ agent: next.length === 0 ? undefined : next.join(',') });
  };
  return (
    <Menu
      trigger={
        <Trigger isSet={agents.length > 0}>
          {agents.length === 0 ? 'Agent' : agents.length === 1 ? agents[0] : `${agents.length} agents`}
        </Trigger>
      }
    >
      {ids.map((id) => (
        <MenuCheck key={id} checked={agents.includes(id)} onChange={(isChosen) => toggle(id, isChosen)}>
          {id}
        </MenuCheck>
      ))}
    </Menu>
  );
}

function RangeFilter({ range, change }: { range: Range | undefined; change: ChangeSearch }) {
  return (
    <Menu
      trigger={<Trigger isSet={range !== undefined}>{range === undefined ? 'Any time' : RANGES[range].word}</Trigger>}
    >
      <MenuChoices<Range | 'any'>
        value={range ?? 'any'}
        choices={[
          ['any', 'any time'],
          ['15m', RANGES['15m'].word],
          ['1h', RANGES['1h'].word],
          ['24h', RANGES['24h'].word],
          ['7d', RANGES['7d'].word],
        ]}
        onChange={(value) => change({ range: value === 'any' ? undefined : value, from: undefined, before: undefined })}
      />
    </Menu>
  );
}

/** Radix gives the trigger its properties and its reference. */
function Trigger({
  isSet,
  children,
  ...rest
}: { isSet: boolean; children: ReactNode } & React.ComponentProps<'button'>) {
  return (
    <Button {...rest} className={isSet ? 'bg-selected!' : 'text-quiet'}>
      {children}
      <ChevronDown className="size-3.5 text-quiet" />
    </Button>
  );
}

function TimeChip(props: { from: string | undefined; before: string | undefined; change: ChangeSearch }) {
  const { from, before, change } = props;
  const isUtc = useStore(zone) === 'utc';
  const exact = (time: string | undefined) => (time === undefined ? '' : formatExact(Date.parse(time), isUtc));
  const [since, until] = [exact(from), exact(before)];
  const end = since.slice(0, 16) === until.slice(0, 16) ? 19 : 16;
  return (
    <Chip
      name="time"
      // As exact as it takes to tell them apart; the hint has the rest.
      value={`${since.slice(11, end)} – ${until.slice(11, end)}`}
      title={`from ${since} until ${until}`}
      onClear={() => change({ from: undefined, before: undefined })}
    />
  );
}

function Chip(props: { name: string; value: string; title: string; onClear: () => void }) {
  const { name, value, title, onClear } = props;
  return (
    <span
      title={title}
      className="inline-flex h-7 items-center gap-1.5 rounded-md border border-line bg-selected pl-2.5"
    >
      <span className="text-quiet">{name}</span>
      <span className="font-mono text-xs">{value}</span>
      <button
        type="button"
        aria-label={`Any ${name}`}
        onClick={onClear}
        className="flex h-full w-6 items-center justify-center rounded-md text-quiet hover:text-ink"
      >
        <X className="size-3.5" />
      </button>
    </span>
  );
}

const TYPING_MS = 250;

function SearchField({ value, change }: { value: string; change: ChangeSearch }) {
  const field = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(value);
  const timer = useRef(0);
  // Another address, another text: not while somebody types it.
  useEffect(() => {
    if (document.activeElement !== field.current) setText(value);
  }, [value]);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  useShortcuts([{ keys: '/', what: 'Search the tasks', run: () => field.current?.focus() }]);
  const type = (next: string) => {
    setText(next);
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => change({ q: next.trim() === '' ? undefined : next.trim() }), TYPING_MS);
  };
  return (
    <label className="relative min-w-36 flex-1 @3xl:max-w-72">
      <span className="sr-only">Search in first messages and ids</span>
      <Search aria-hidden="true" className="absolute top-1.5 left-2 size-3.5 translate-y-px text-quiet" />
      <input
        ref={field}
        type="search"
        value={text}
        placeholder="First message or id"
        spellCheck={false}
        onChange={(event) => type(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return;
          event.preventDefault();
          if (text === '') field.current?.blur();
          else type('');
        }}
        className="h-7 w-full rounded-md border border-line bg-bg pr-2 pl-7 placeholder:text-quiet [&::-webkit-search-cancel-button]:hidden"
      />
    </label>
  );
}

export function FollowButton({ isFollowing, change }: { isFollowing: boolean; change: ChangeSearch }) {
  useShortcuts([
    {
      keys: 'f',
      what: 'Follow: keep the newest on top',
      run: () => change({ follow: isFollowing ? undefined : true }),
    },
  ]);
  return (
    <Button
      look="plain"
      aria-pressed={isFollowing}
      onClick={() => change({ follow: isFollowing ? undefined : true })}
      className={isFollowing ? 'bg-selected!' : 'text-quiet'}
    >
      {isFollowing ? <Pause className="size-3.5" /> : <Play className="size-3.5" />}
      {isFollowing ? 'Following' : 'Follow'}
    </Button>
  );
}
