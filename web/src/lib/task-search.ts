/** What of the task views is in the address: conditions of the list, and what is looked at of one task. */
import type { TaskConditions } from '../api/tasks.ts';
import { stateOfSlug, type TaskState } from './states.ts';

/** Spans of time that a list can be narrowed to. */
export const RANGES = {
  '15m': { word: 'last 15 minutes', ms: 15 * 60_000 },
  '1h': { word: 'last hour', ms: 3_600_000 },
  '24h': { word: 'last 24 hours', ms: 86_400_000 },
  '7d': { word: 'last 7 days', ms: 7 * 86_400_000 },
} as const;
export type Range = keyof typeof RANGES;

/** As it stands in the address; lists with commas. */
export interface TasksSearch {
  readonly state?: string;
  readonly agent?: string;
  readonly owner?: string;
  readonly context?: string;
  readonly range?: Range;
  /** A span of time that ends; RFC 3339. Instead of `range`. */
  readonly from?: string;
  readonly before?: string;
  readonly q?: string;
  readonly follow?: true;
}

export const TASK_TABS = ['conversation', 'timeline', 'artifacts', 'frames', 'deliveries', 'related', 'raw'] as const;
export type TaskTab = (typeof TASK_TABS)[number];
export interface TaskSearch {
  readonly tab?: TaskTab;
  /** The event that is looked at, in each of the renderings. */
  readonly seq?: number;
}

/** Anybody can write an address: what does not fit is left out. Numbers and such may have been read as JSON. */
export function readTasksSearch(search: Record<string, unknown>): TasksSearch {
  const text = (name: string) => {
    const value = search[name];
    const said = typeof value === 'number' ? String(value) : value;
    return typeof said === 'string' && said !== '' ? said.slice(0, 256) : undefined;
  };
  const states = text('state')
    ?.split(',')
    .filter((slug) => stateOfSlug(slug) !== undefined);
  const range = text('range');
  return clean({
    state: states === undefined || states.length === 0 ? undefined : states.join(','),
    agent: text('agent'),
    owner: text('owner'),
    context: text('context'),
    range: isRange(range) ? range : undefined,
    from: timeOf(text('from')),
    before: timeOf(text('before')),
    q: text('q'),
    follow: search['follow'] === true ? (true as const) : undefined,
  });
}

export function readTaskSearch(search: Record<string, unknown>): TaskSearch {
  const tab = TASK_TABS.find((name) => name === search['tab']);
  const seq = search['seq'];
  return clean({ tab, seq: typeof seq === 'number' && Number.isInteger(seq) && seq > 0 ? seq : undefined });
}

/** As the API takes it; anything else is no time. */
function timeOf(value: string | undefined): string | undefined {
  const ms = value === undefined ? Number.NaN : Date.parse(value);
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString();
}

function isRange(value: string | undefined): value is Range {
  return value !== undefined && Object.hasOwn(RANGES, value);
}

type Cleaned<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> };
function clean<T extends object>(value: T): Cleaned<T> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Cleaned<T>;
}

/** Whether anything keeps tasks out of the list. */
export function isNarrowed({ state, agent, owner, context, range, from, before, q }: TasksSearch): boolean {
  return [state, agent, owner, context, range, from, before, q].some((condition) => condition !== undefined);
}

export function statesOf(search: TasksSearch): readonly TaskState[] {
  const states = (search.state ?? '').split(',').map(stateOfSlug);
  return states.filter((state) => state !== undefined);
}

export function agentsOf(search: TasksSearch): readonly string[] {
  return (search.agent ?? '').split(',').filter((id) => id !== '');
}

/** No condition at all. */
export const NO_CONDITIONS = {
  state: undefined,
  agent: undefined,
  owner: undefined,
  context: undefined,
  range: undefined,
  from: undefined,
  before: undefined,
  q: undefined,
} as const satisfies AnySearch;

/** What is not there may also be undefined. */
export type AnySearch = { readonly [Key in keyof TasksSearch]?: TasksSearch[Key] | undefined };

/** The conditions for the API. `nowMs` is when the view was opened: a span of time ends then, and grows from there. */
export function conditionsOf(search: AnySearch, nowMs: number): TaskConditions {
  const { state, agent, owner, context, range, from, before, q } = search;
  const states = statesOf(clean({ state }));
  return clean({
    state: states.length === 0 ? undefined : states.join(','),
    agent,
    owner,
    context,
    from: from ?? (range === undefined ? undefined : new Date(nowMs - RANGES[range].ms).toISOString()),
    before,
    text: q,
  });
}
