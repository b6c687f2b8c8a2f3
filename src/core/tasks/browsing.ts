/**
 * Looking at tasks through the management API: one's own, and for who has the scope `admin` those of everybody, which is
 * noted in the log. What may not be seen is not there.
 */
import { AppError } from '../../protocol/errors.ts';
import { TASK_STATES, type TaskState } from '../../protocol/v1/types.ts';
import { authorize } from '../access/authorize.ts';
import type { Principal } from '../access/principal.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../logger.ts';
import type { BrowsedTask, BrowseQuery, GlancedTask, TaskBrowser, TimedRow, WaitingTask } from './browser.ts';
import { taskNotFound } from './errors.ts';
import type { PagePosition } from './page-token.ts';
import { snapshotJson } from './snapshot.ts';
import type { TaskHead, TaskStore } from './store.ts';

export interface TaskFilter {
  readonly states?: readonly TaskState[] | undefined;
  readonly agentIds?: readonly string[] | undefined;
  readonly contextId?: string | undefined;
  /** Absent: for the admin all, else one's own. */
  readonly ownerId?: string | undefined;
  readonly statusFromMs?: number | undefined;
  readonly statusBeforeMs?: number | undefined;
}

export interface BrowsedPage {
  readonly tasks: readonly BrowsedTask[];
  /** Where the next page begins; null: this is the last. */
  readonly next: PagePosition | null;
  /** At how many tasks a search has looked; null: it was none. */
  readonly searched: number | null;
}

export type StateCounts = Record<TaskState, number>;

/** A search looks at so many tasks for one page, however few of them match. */
const SEARCH_WINDOW = 1000;
const ID_PREFIX = /^[0-9a-f][0-9a-f-]{7,35}$/i;
/** Events of one page: so many are read first, and no more begun once they have so much text (UTF-16 code units). */
const FIRST_EVENTS = 8;
const EVENTS_CHARS = 4 * 1024 * 1024;
/** So many tasks of the queue are looked at. */
const MAX_WAITING = 1000;
const WHOLE = { historyLength: undefined, artifacts: true } as const;

/** What a principal may see. */
interface Sight {
  readonly ownerId: string | null;
  readonly agentIds: readonly string[] | null;
}

export interface TaskBrowsingOptions {
  readonly browser: TaskBrowser;
  readonly store: TaskStore;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A page that somebody keeps looking at is noted this often, not at each look. */
const NOTE_EVERY_MS = 60_000;
const MAX_NOTED = 1000;

export class TaskBrowsing {
  readonly #browser: TaskBrowser;
  readonly #store: TaskStore;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #notedAtMs = new Map<string, number>();

  constructor({ browser, store, clock, log }: TaskBrowsingOptions) {
    this.#browser = browser;
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
  }

  async list(
    principal: Principal,
    filter: TaskFilter,
    after: PagePosition | null,
    limit: number,
  ): Promise<BrowsedPage> {
    const query = this.#queryOf(principal, filter, after, limit + 1);
    const found = await this.#browser.list(query);
    const tasks = found.slice(0, limit);
    return { tasks, next: found.length > limit ? positionOf(tasks.at(-1)) : null, searched: null };
  }

  /** Tasks whose first text has `text` in it, or whose id begins with it. One page looks at SEARCH_WINDOW tasks at most. */
  async search(
    principal: Principal,
    filter: TaskFilter,
    text: string,
    after: PagePosition | null,
    limit: number,
  ): Promise<BrowsedPage> {
    const query = this.#queryOf(principal, filter, after, SEARCH_WINDOW + 1);
    if (after === null && ID_PREFIX.test(text)) {
      const byId = await this.#browser.byIdPrefix(text.toLowerCase(), limit);
      const tasks = byId.filter((task) => isSeen(task, query)).sort(newestFirst);
      if (tasks.length > 0) return { tasks, next: null, searched: byId.length };
    }
    const candidates = await this.#browser.list(query);
    const wanted = text.toLowerCase();
    const tasks: BrowsedTask[] = [];
    let searched = 0;
    for (const task of candidates.slice(0, SEARCH_WINDOW)) {
      searched++;
      if (task.firstText.toLowerCase().includes(wanted)) tasks.push(task);
      if (tasks.length === limit) break;
    }
    return { tasks, next: searched < candidates.length ? positionOf(candidates[searched - 1]) : null, searched };
  }

  /** Those of these ids that may be seen, newest status first. */
  async byIds(principal: Principal, ids: readonly string[]): Promise<readonly BrowsedTask[]> {
    const sight = this.#sightOf(principal, {});
    return (await this.#browser.byIds(ids)).filter((task) => isSeen(task, sight)).sort(newestFirst);
  }

  /**
   * Those of these ids that may be seen. `before`: how many tasks of the same owner wait before it; null: it does not wait,
   * or there are more than are looked at. Owners take turns, so the tasks of others say nothing of when it begins.
   */
  async glances(
    principal: Principal,
    ids: readonly string[],
  ): Promise<readonly (GlancedTask & { readonly before: number | null })[]> {
    const sight = this.#sightOf(principal, {});
    const seen = (await this.#browser.glances(ids)).filter((task) => isSeen(task, sight));
    const owners = new Set(seen.filter(({ isQueued }) => isQueued).map(({ ownerId }) => ownerId));
    const limit = Math.ceil(MAX_WAITING / Math.max(1, owners.size));
    const queues = await Promise.all([...owners].map((ownerId) => this.#browser.waiting(ownerId, limit)));
    const before = new Map(queues.flatMap((queue) => queue.map(({ id }, index) => [id, index] as const)));
    return seen.map((task) => ({ ...task, before: task.isQueued ? (before.get(task.id) ?? null) : null }));
  }

  /** The tasks of everybody that wait for room, the oldest first, MAX_WAITING at most. For the admin. */
  waiting(): Promise<readonly WaitingTask[]> {
    return this.#browser.waiting(null, MAX_WAITING);
  }

  async counts(principal: Principal, filter: Pick<TaskFilter, 'ownerId' | 'agentIds'> = {}): Promise<StateCounts> {
    const { ownerId, agentIds } = this.#sightOf(principal, filter);
    const counts = noCounts();
    for (const { agentId, state, count } of await this.#browser.counts(ownerId)) {
      if (agentIds?.includes(agentId) !== false) counts[state] += count;
    }
    return counts;
  }

  async countsByAgent(principal: Principal): Promise<ReadonlyMap<string, StateCounts>> {
    const { ownerId } = this.#sightOf(principal, {});
    const byAgent = new Map<string, StateCounts>();
    for (const { agentId, state, count } of await this.#browser.counts(ownerId)) {
      const counts = byAgent.get(agentId) ?? noCounts();
      counts[state] += count;
      byAgent.set(agentId, counts);
    }
    return byAgent;
  }

  /** Throws TASK_NOT_FOUND for what is not there and for what may not be seen, alike. */
  async find(principal: Principal, taskId: string): Promise<TaskHead> {
    const sight = this.#sightOf(principal, {});
    const head = await this.#browser.find(taskId);
    if (!head?.listed || !isSeen(head, sight)) throw taskNotFound(taskId);
    if (head.ownerId !== principal.ownerId) this.#note(principal, { taskId, ownerId: head.ownerId });
    return head;
  }

  /** The whole Task as 1.0 JSON text, and its row in lists. */
  async whole(head: TaskHead): Promise<{ readonly taskJson: string; readonly row: BrowsedTask }> {
    const [stored, [row]] = await Promise.all([
      this.#store.readTask(head, head.id, WHOLE),
      this.#browser.byIds([head.id]),
    ]);
    if (stored === undefined || row === undefined) throw taskNotFound(head.id);
    return { taskJson: snapshotJson(stored.head, stored.rows, WHOLE), row };
  }

  /**
   * At most `limit` events, fewer where they are large. Whoever calls it has found the task before.
   * `isCut`: there may be more.
   */
  async events(
    taskId: string,
    afterSeq: number,
    limit: number,
  ): Promise<{ readonly rows: readonly TimedRow[]; readonly isCut: boolean }> {
    const rows: TimedRow[] = [];
    let chars = 0;
    // Few at first, then as many as their size allows: never all of a task's megabytes at once.
    for (let size = FIRST_EVENTS; rows.length < limit && chars < EVENTS_CHARS; ) {
      const wanted = Math.min(size, limit - rows.length);
      const page = await this.#browser.events(taskId, rows.at(-1)?.row.seq ?? afterSeq, wanted);
      for (const timed of page) {
        rows.push(timed);
        chars += timed.row.body.length;
      }
      if (page.length < wanted) return { rows, isCut: false };
      size = Math.max(1, Math.floor((rows.length * (EVENTS_CHARS - chars)) / Math.max(1, chars)));
    }
    return { rows, isCut: true };
  }

  /** Notes that somebody watches the list as it changes, where it is of everybody. */
  noteWatching(principal: Principal): void {
    const { ownerId } = this.#sightOf(principal, {});
    if (ownerId === null) this.#note(principal, { ownerId: 'all' });
  }

  /** The tasks of the context of a task, of its owner. */
  related(principal: Principal, head: TaskHead, limit: number): Promise<readonly BrowsedTask[]> {
    const { agentIds } = this.#sightOf(principal, {});
    const { ownerId, contextId } = head;
    const none = { states: null, statusFromMs: null, statusBeforeMs: null, after: null };
    return this.#browser.list({ ...none, ownerId, agentIds, contextId, limit });
  }

  /** Whether a listed task of this owner and agent is one that `principal`, who may list tasks, sees in its list. */
  isSeen(principal: Principal, task: { readonly ownerId: string; readonly agentId: string }): boolean {
    const isOwn = task.ownerId === principal.ownerId || principal.scopes.has('admin');
    return isOwn && principal.agents?.has(task.agentId) !== false;
  }

  #queryOf(principal: Principal, filter: TaskFilter, after: PagePosition | null, limit: number): BrowseQuery {
    const sight = this.#sightOf(principal, filter);
    if (sight.ownerId !== principal.ownerId) this.#note(principal, { ownerId: sight.ownerId ?? 'all' });
    return {
      ...sight,
      states: filter.states ?? null,
      contextId: filter.contextId ?? null,
      statusFromMs: filter.statusFromMs ?? null,
      statusBeforeMs: filter.statusBeforeMs ?? null,
      after,
      limit,
    };
  }

  /** Throws PERMISSION_DENIED for owners and agents that are not this principal's to look at. */
  #sightOf(principal: Principal, filter: Pick<TaskFilter, 'ownerId' | 'agentIds'>): Sight {
    authorize(principal, 'task.list', { kind: 'server' });
    for (const agentId of filter.agentIds ?? []) authorize(principal, 'task.list', { kind: 'agent', agentId });
    const agentIds = filter.agentIds ?? (principal.agents === null ? null : [...principal.agents]);
    if (principal.scopes.has('admin')) return { ownerId: filter.ownerId ?? null, agentIds };
    if (filter.ownerId !== undefined && filter.ownerId !== principal.ownerId) {
      throw new AppError('PERMISSION_DENIED', 'Only a key with the scope admin may look at the tasks of others', {
        metadata: { scope: 'admin' },
      });
    }
    return { ownerId: principal.ownerId, agentIds };
  }

  #note(principal: Principal, what: { readonly taskId?: string; readonly ownerId: string }): void {
    const { name, keyId } = principal;
    const look = JSON.stringify([name, keyId, what]);
    const nowMs = this.#clock.now();
    const notedAtMs = this.#notedAtMs.get(look);
    if (notedAtMs !== undefined && nowMs - notedAtMs < NOTE_EVERY_MS) return;
    if (this.#notedAtMs.size >= MAX_NOTED) this.#notedAtMs.clear();
    this.#notedAtMs.set(look, nowMs);
    this.#log.info({ audit: 'tasks-of-others-read', by: name, keyId, ...what }, 'tasks of other owners were read');
  }
}

function isSeen(task: { readonly ownerId: string; readonly agentId: string }, { ownerId, agentIds }: Sight): boolean {
  return (ownerId === null || task.ownerId === ownerId) && agentIds?.includes(task.agentId) !== false;
}

function newestFirst(a: BrowsedTask, b: BrowsedTask): number {
  return b.statusAtMs - a.statusAtMs || (a.id < b.id ? 1 : -1);
}

function positionOf(task: BrowsedTask | undefined): PagePosition | null {
  return task === undefined ? null : { statusAtMs: task.statusAtMs, id: task.id };
}

export function noCounts(): StateCounts {
  const counts: Partial<StateCounts> = {};
  for (const state of TASK_STATES) counts[state] = 0;
  return counts as StateCounts;
}
