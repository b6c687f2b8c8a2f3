/** All live streams of this process: the limits on them, what they are told of the list of tasks, and their end. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '../../core/access/principal.ts';
import type { Clock } from '../../core/clock.ts';
import type { Ids } from '../../core/ids.ts';
import type { Logger } from '../../core/logger.ts';
import type { BrowsedTask, TaskBrowser } from '../../core/tasks/browser.ts';
import { FIRST_CHARS } from '../../core/tasks/browser.ts';
import type { TaskBrowsing } from '../../core/tasks/browsing.ts';
import type { TaskFeed } from '../../core/tasks/feed.ts';
import { firstText } from '../../core/tasks/first-text.ts';
import type { SubscriptionHub } from '../../core/tasks/hub.ts';
import type { LogRow } from '../../core/tasks/log.ts';
import type { TaskHead, TaskStore } from '../../core/tasks/store.ts';
import { AppError } from '../../protocol/errors.ts';
import { LiveConnection, type LiveHost, type StreamBudget } from './live-connection.ts';
import type { TaskChange } from './live-contract.ts';
import { rowOf, TITLE_CHARS, toTime } from './task-json.ts';

export interface LiveLimits {
  readonly maxOpen: number;
  readonly maxPerOwner: number;
  readonly maxTasks: number;
  readonly heartbeatMs: number;
  readonly maxBufferBytes: number;
  readonly stalledTimeoutMs: number;
}

export interface LiveStreamsOptions {
  readonly browsing: TaskBrowsing;
  readonly browser: TaskBrowser;
  readonly store: TaskStore;
  readonly hub: SubscriptionHub;
  readonly feed: TaskFeed;
  /** Other replicas write to the store: their changes are looked for. */
  readonly isShared: boolean;
  readonly limits: LiveLimits;
  readonly budget: StreamBudget;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  /** Whether who opened a stream may still do so; never rejects. */
  readonly mayStay: (request: FastifyRequest) => Promise<boolean>;
  readonly limitReached: (limit: string) => void;
}

/** Changes of the list are told so often at most. */
const FLUSH_MS = 250;
/** How often other replicas' changes are looked for, while somebody wants to know, and how many at once. */
const POLL_MS = 1000;
const POLL_LIMIT = 200;
/** Clocks of replicas may differ by so much, and a commit may take as long. */
const SKEW_MS = 5000;
const MAX_KNOWN = 5000;

export class LiveStreams implements LiveHost {
  readonly browsing: TaskBrowsing;
  readonly store: TaskStore;
  readonly hub: SubscriptionHub;
  readonly limits: LiveLimits;
  readonly logger: Logger;
  readonly budget: StreamBudget;
  readonly #options: LiveStreamsOptions;
  readonly #open = new Map<string, LiveConnection>();
  /** When rows were committed by this process; others have no time but that of their status. */
  readonly #times = new WeakMap<LogRow, number>();
  /** The last event told of tasks that changed lately, where replicas share the store. */
  readonly #known = new Map<string, number>();
  #stopTimers: (() => void)[] = [];
  #cancelFlush: (() => void) | null = null;
  #isPolling = false;

  constructor(options: LiveStreamsOptions) {
    this.#options = options;
    this.browsing = options.browsing;
    this.store = options.store;
    this.hub = options.hub;
    this.limits = options.limits;
    this.logger = options.logger;
    this.budget = options.budget;
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** Throws LIMIT_EXCEEDED. */
  create(reply: FastifyReply, wantsList: boolean): LiveConnection {
    this.budget.checkRoom();
    const { maxOpen, maxPerOwner } = this.limits;
    const { ownerId } = reply.request.principal;
    if (this.#open.size >= maxOpen) throw this.refusal('live.maxOpen', maxOpen);
    const owned = [...this.#open.values()].filter(({ request }) => request.principal.ownerId === ownerId);
    if (owned.length >= maxPerOwner) throw this.refusal('live.maxPerOwner', maxPerOwner);
    const connection = new LiveConnection(this, this.#options.ids.next(), reply, wantsList);
    if (wantsList) this.browsing.noteWatching(reply.request.principal);
    if (this.#open.size === 0) this.#listen();
    this.#open.set(connection.id, connection);
    connection.open();
    return connection;
  }

  refusal(key: string, limit: number): AppError {
    this.#options.limitReached(key);
    const what = key === 'live.maxTasks' ? 'followed tasks' : 'live connections';
    return new AppError('LIMIT_EXCEEDED', `Too many ${what} (${key} is ${limit})`, { retryAfterSeconds: 5 });
  }

  /** An open stream of the same caller. Throws NOT_FOUND, as if another's were not there. */
  find(liveId: string, principal: Principal, sessionId: string | undefined): LiveConnection {
    const connection = this.#open.get(liveId);
    const { principal: opener, session } = connection?.request ?? {};
    const isOwn =
      opener?.ownerId === principal.ownerId && opener.keyId === principal.keyId && session?.id === sessionId;
    if (connection === undefined || !isOwn) throw new AppError('NOT_FOUND', `There is no live stream ${liveId}`);
    return connection;
  }

  remove(connection: LiveConnection): void {
    this.#open.delete(connection.id);
    if (this.#open.size === 0) this.#unlisten();
  }

  // ---- what is told of the list ----

  #listen(): void {
    const { clock, feed, isShared, limits } = this.#options;
    this.#stopTimers = [
      feed.listen((head, rows) => this.#onCommitted(head, rows)),
      clock.every(limits.heartbeatMs, () => this.#beat()),
      ...(isShared ? [clock.every(POLL_MS, () => void this.#poll())] : []),
    ];
  }

  #unlisten(): void {
    for (const stop of this.#stopTimers) stop();
    this.#stopTimers = [];
    this.#cancelFlush?.();
    this.#cancelFlush = null;
    this.#known.clear();
  }

  timeOf(row: LogRow): number | null {
    return this.#times.get(row) ?? null;
  }

  #onCommitted(head: TaskHead, rows: readonly LogRow[]): void {
    const nowMs = this.#options.clock.now();
    for (const row of rows) this.#times.set(row, nowMs);
    if (this.#options.isShared) this.#know(head.id, head.seq);
    this.#tell(head, () => changeOf(head, rows));
  }

  #tell(task: { readonly ownerId: string; readonly agentId: string }, make: () => TaskChange): void {
    let change: TaskChange | null = null;
    for (const connection of this.#open.values()) {
      if (!connection.wantsList || !this.browsing.isSeen(connection.request.principal, task)) continue;
      connection.change((change ??= make()));
    }
    if (change !== null) this.#scheduleFlush();
  }

  #scheduleFlush(): void {
    this.#cancelFlush ??= this.#options.clock.after(FLUSH_MS, () => {
      this.#cancelFlush = null;
      for (const connection of this.#open.values()) connection.flush();
    });
  }

  #know(taskId: string, seq: number): void {
    this.#known.delete(taskId);
    if (this.#known.size >= MAX_KNOWN) {
      const oldest = this.#known.keys().next();
      if (oldest.done !== true) this.#known.delete(oldest.value);
    }
    this.#known.set(taskId, seq);
  }

  /** Looks for tasks whose status other replicas have changed. Never rejects. */
  async #poll(): Promise<void> {
    const { browser, clock, logger } = this.#options;
    if (this.#isPolling || ![...this.#open.values()].some(({ wantsList }) => wantsList)) return;
    this.#isPolling = true;
    try {
      const all = { ownerId: null, agentIds: null, states: null, contextId: null, statusBeforeMs: null, after: null };
      const statusFromMs = clock.now() - POLL_MS - SKEW_MS;
      const found = await browser.list({ ...all, statusFromMs, limit: POLL_LIMIT });
      const isNews = ({ id, seq }: BrowsedTask): boolean => (this.#known.get(id) ?? 0) < seq;
      for (const task of found.filter(isNews)) {
        this.#know(task.id, task.seq);
        this.#tell(task, () => rowOf(task));
      }
      if (found.length === POLL_LIMIT && found.every(isNews)) {
        for (const connection of this.#open.values()) if (connection.wantsList) connection.incomplete();
        this.#scheduleFlush();
      }
    } catch (err) {
      logger.warn({ err }, 'changes of other replicas could not be looked for');
    } finally {
      this.#isPolling = false;
    }
  }

  // ---- their end ----

  #beat(): void {
    for (const connection of this.#open.values()) {
      connection.beat();
      void this.#recheck(connection);
    }
  }

  async #recheck(connection: LiveConnection): Promise<void> {
    if (!(await this.#options.mayStay(connection.request))) connection.finish('signed-out');
  }

  /** A key was changed, or a session ended: what they opened ends at once where they open nothing any more. */
  recheck({ keyId, sessionId }: { readonly keyId?: string; readonly sessionId?: string }): void {
    for (const connection of this.#open.values()) {
      const { principal, session } = connection.request;
      const isMeant =
        (keyId !== undefined && principal.keyId === keyId) || (sessionId !== undefined && session?.id === sessionId);
      if (isMeant) void this.#recheck(connection);
    }
  }

  /** May be called twice. */
  stop(): void {
    for (const connection of this.#open.values()) connection.finish('shutting-down');
    this.#unlisten();
  }
}

function changeOf(head: TaskHead, rows: readonly LogRow[]): TaskChange {
  const begin = rows.find(({ kind }) => kind === 'task' || kind === 'input');
  const message = begin === undefined ? null : (begin.userMessage ?? begin.body).slice(0, FIRST_CHARS);
  return {
    id: head.id,
    agentId: head.agentId,
    contextId: head.contextId,
    ownerId: head.ownerId,
    state: head.state,
    seq: head.seq,
    createdAt: toTime(head.createdAtMs),
    statusAt: toTime(head.statusAtMs),
    title: message === null ? null : firstText(message, TITLE_CHARS),
    statusText: firstText(head.status.slice(0, FIRST_CHARS), TITLE_CHARS),
  };
}
