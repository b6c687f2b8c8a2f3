/**
 * The rows of a list, and what the live connection says about them. While nobody follows, a row that changes changes where
 * it stands, and what is new waits; while following, the list is kept in its order.
 */
import type { TaskConditions, TaskRow } from '../../api/tasks.ts';

/** As the live connection tells it: the title is null where it is as before. */
export type TaskChange = Omit<TaskRow, 'title'> & { readonly title: string | null };

/** Whether a task belongs into a list of these conditions. Words are looked for by the server only: `undefined`. */
export function fits(row: TaskChange, conditions: TaskConditions): boolean | undefined {
  const { state, agent, owner, context, from, before, text } = conditions;
  if (state !== undefined && !state.split(',').includes(row.state)) return false;
  if (agent !== undefined && !agent.split(',').includes(row.agentId)) return false;
  if (owner !== undefined && owner !== row.ownerId) return false;
  if (context !== undefined && context !== row.contextId) return false;
  if (from !== undefined && Date.parse(row.statusAt) < Date.parse(from)) return false;
  if (before !== undefined && Date.parse(row.statusAt) >= Date.parse(before)) return false;
  if (text === undefined) return true;
  return row.title?.toLowerCase().includes(text.toLowerCase()) === true ? true : undefined;
}

interface Page {
  readonly tasks: readonly TaskRow[];
}

/** The pages that were read, as one list. */
export interface ListedRows {
  readonly pages: readonly Page[];
  readonly rows: readonly TaskRow[];
  /** Where a task stands in `rows`. Lists that go on from one another share it. */
  readonly places: Map<string, number>;
}

export const NO_ROWS: ListedRows = { pages: [], rows: [], places: new Map() };

/**
 * With one page more only that page is looked at, however long the list is. Pages are read at different times: a task that
 * moved between them is in both, the first is the newer.
 */
export function listedRows(before: ListedRows, pages: readonly Page[]): ListedRows {
  const isContinued = before.pages.length > 0 && before.pages.every((page, index) => page === pages[index]);
  if (isContinued && before.pages.length === pages.length) return before;
  const rows = isContinued ? [...before.rows] : [];
  const places = isContinued ? before.places : new Map<string, number>();
  for (const { tasks } of isContinued ? pages.slice(before.pages.length) : pages) {
    for (const task of tasks) {
      if (places.has(task.id)) continue;
      places.set(task.id, rows.length);
      rows.push(task);
    }
  }
  return { pages, rows, places };
}

/** What has come since the pages were read. */
export interface LiveRows {
  /** Latest of each changed task, by id. */
  readonly changed: ReadonlyMap<string, TaskChange>;
  /** Tasks that belong into the list and are in none of its pages. */
  readonly fresh: ReadonlySet<string>;
}

export const NO_LIVE_ROWS: LiveRows = { changed: new Map(), fresh: new Set() };
/** More than these are not kept: "many new" is said, and the list is read again when asked for. */
const MAX_FRESH = 1000;

export function withChanges(
  live: LiveRows,
  changes: readonly TaskChange[],
  conditions: TaskConditions,
  isListed: (id: string) => boolean,
): LiveRows {
  const changed = new Map(live.changed);
  const fresh = new Set(live.fresh);
  for (const change of changes) {
    const isKnown = isListed(change.id) || fresh.has(change.id);
    if (isKnown) changed.set(change.id, newer(changed.get(change.id), change));
    else if (fits(change, conditions) !== false && fresh.size < MAX_FRESH) {
      fresh.add(change.id);
      changed.set(change.id, newer(changed.get(change.id), change));
    }
  }
  return { changed, fresh };
}

function newer(before: TaskChange | undefined, change: TaskChange): TaskChange {
  return before === undefined || change.seq >= before.seq
    ? { ...change, title: change.title ?? before?.title ?? null }
    : before;
}

/** How a list is looked at. */
export interface Looking {
  /** What is new on top, what fits no more is gone, all in the order of the list. */
  readonly isFollowing: boolean;
  /** Tasks that were sent from this tab: who sends one looks for it, and is shown it at once. */
  readonly sentIds: ReadonlySet<string>;
}

/** Rows as shown, and how many new ones wait until they are asked for. */
export function mergeRows(
  { rows, places }: ListedRows,
  { changed, fresh }: LiveRows,
  conditions: TaskConditions,
  { isFollowing, sentIds }: Looking,
): { readonly rows: readonly TaskRow[]; readonly waiting: number } {
  if (changed.size === 0) return { rows, waiting: 0 };
  const current = [...rows];
  for (const [id, change] of changed) {
    const place = places.get(id);
    const row = place === undefined ? undefined : rows[place];
    if (place !== undefined && row !== undefined) current[place] = merge(row, change);
  }
  // A list read again may have in its pages what came before it was read.
  const unlisted = [...fresh].filter((id) => !places.has(id)).flatMap((id) => changed.get(id) ?? []);
  const arrived = unlisted
    // In an empty list there is nothing that could jump.
    .filter((row) => isFollowing || sentIds.has(row.id) || (rows.length === 0 && fits(row, conditions) === true))
    .map((row) => ({ ...row, title: row.title ?? '' }));
  const waiting = unlisted.length - arrived.length;
  if (!isFollowing) return { rows: [...arrived.toSorted(latestFirst), ...current], waiting };
  const shown = [...arrived, ...current].filter((row) => fits(row, conditions) !== false);
  return { rows: shown.toSorted(latestFirst), waiting: 0 };
}

function latestFirst(a: TaskRow, b: TaskRow): number {
  return a.statusAt === b.statusAt ? 0 : a.statusAt < b.statusAt ? 1 : -1;
}

function merge(row: TaskRow, change: TaskChange): TaskRow {
  return change.seq < row.seq ? row : { ...change, title: change.title ?? row.title };
}
