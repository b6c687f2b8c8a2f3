/**
 * The task engine: the only writer of tasks. It admits messages, runs executors under a lease, takes over what dead
 * replicas left behind, and publishes events once they are committed. It knows owners, but decides no permissions.
 */
import { AppError } from '../../protocol/errors.ts';
import type { Task } from '../../protocol/v1/types.ts';
import type { AgentRegistry } from '../agents/registry.ts';
import type { Clock } from '../clock.ts';
import type { Ids } from '../ids.ts';
import type { Logger } from '../logger.ts';
import { CommitQueue, commitOne } from './commit-queue.ts';
import type { DeduplicationWindows } from './deduplication.ts';
import type { EngineHost } from './engine-host.ts';
import { notStored, shuttingDown, taskNotFound } from './errors.ts';
import { type Step, statusStep } from './events.ts';
import { TaskFeed } from './feed.ts';
import { type HubLimits, SubscriptionHub } from './hub.ts';
import type { TaskLimits } from './limits.ts';
import type { LogRow } from './log.ts';
import type { TaskMetrics } from './metrics.ts';
import { Recoverer } from './recovery.ts';
import { type RunHost, TaskRun } from './run.ts';
import type { RunStart } from './run-start.ts';
import { snapshotJson } from './snapshot.ts';
import { isTerminal } from './states.ts';
import type { CommitResult, TaskHead, TaskScope, TaskStore } from './store.ts';
import { type Submission, type Submitted, Submitter } from './submissions.ts';

export interface EngineOptions {
  readonly store: TaskStore;
  readonly agents: AgentRegistry;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  readonly metrics: TaskMetrics;
  readonly limits: TaskLimits;
  readonly streams: HubLimits;
  readonly deduplication: DeduplicationWindows;
  readonly commitMaxWrites: number;
  readonly commitMaxConcurrent: number;
  /** Other processes may write to the same store. */
  readonly isShared: boolean;
  /** Unique per process start. */
  readonly replicaId: string;
  /** Called after a commit with events that are to be pushed. */
  readonly onDeliveries?: () => void;
}

/** How often time limits, other replicas' events and orphans are looked at. */
const SWEEP_MS = 1000;
/** How often a cancel looks again when the task changes under it. */
const CANCEL_ATTEMPTS = 4;

export class TaskEngine implements RunHost, EngineHost {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly limits: TaskLimits;
  readonly queue: CommitQueue;
  readonly logger: Logger;
  readonly metrics: TaskMetrics;
  readonly hub: SubscriptionHub;
  readonly feed = new TaskFeed();
  readonly store: TaskStore;
  readonly replicaId: string;
  readonly #isShared: boolean;
  readonly #runs = new Map<string, TaskRun>();
  readonly #runningByOwner = new Map<string, number>();
  readonly #recoverer: Recoverer;
  readonly #submitter: Submitter;
  #stopTimers: (() => void)[] = [];
  #onIdle: (() => void) | null = null;
  #isOpen = false;
  #isStoring = true;
  #renewedAtMs = 0;

  constructor(options: EngineOptions) {
    this.clock = options.clock;
    this.ids = options.ids;
    this.limits = options.limits;
    this.logger = options.logger;
    this.metrics = options.metrics;
    this.store = options.store;
    this.replicaId = options.replicaId;
    this.#isShared = options.isShared;
    this.hub = new SubscriptionHub(options.store, options.streams, (limit) => options.metrics.limitReached(limit));
    this.queue = new CommitQueue({
      store: options.store,
      maxWrites: options.commitMaxWrites,
      maxConcurrent: options.commitMaxConcurrent,
      onCommit: (writes) => options.metrics.groupCommitted(writes),
      onDeliveries: options.onDeliveries,
    });
    this.#recoverer = new Recoverer(this, options.agents);
    this.#submitter = new Submitter(this, options.deduplication);
  }

  /** Whether the last heartbeat, which is a small write, was stored: not so with a full disk, or a database without a primary. */
  get isStoring(): boolean {
    return this.#isStoring;
  }

  /** Other processes may write to the same store. */
  get isShared(): boolean {
    return this.#isShared;
  }

  get runningCount(): number {
    return this.#runs.size;
  }

  runOf(taskId: string): TaskRun | undefined {
    return this.#runs.get(taskId);
  }

  // ---- lifecycle ----

  /** Announces this replica, takes over orphaned tasks, and begins to accept messages. */
  async start(): Promise<void> {
    const { leaseTtlMs } = this.limits;
    this.#renewedAtMs = this.clock.now();
    await this.store.heartbeat(this.replicaId, leaseTtlMs);
    this.#isOpen = true;
    this.#stopTimers = [
      this.clock.every(Math.max(250, Math.floor(leaseTtlMs / 3)), () => void this.#renew()),
      this.clock.every(SWEEP_MS, () => this.#sweep()),
    ];
    await this.#recoverer.sweep();
  }

  /**
   * Stops accepting, lets running turns end for at most `drainMs`, then lets go of the rest without a word in their
   * logs and gives their leases back, so that another replica, or the next start, takes over. May be called twice.
   */
  async stop(drainMs: number): Promise<void> {
    this.#isOpen = false;
    for (const stop of this.#stopTimers) stop();
    this.#stopTimers = [];
    await this.#drain(drainMs);
    const reason = new AppError('UNAVAILABLE', 'The server is shutting down; the task goes on after its restart');
    for (const run of this.#runs.values()) run.abandon(reason);
    await this.store.retireReplica(this.replicaId);
  }

  #drain(drainMs: number): Promise<void> {
    if (this.#runs.size === 0 || drainMs === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.clock.after(drainMs, () => {
        this.#onIdle = null;
        resolve();
      });
      this.#onIdle = () => {
        cancel();
        this.#onIdle = null;
        resolve();
      };
    });
  }

  async #renew(): Promise<void> {
    const { leaseTtlMs } = this.limits;
    const nowMs = this.clock.now();
    try {
      await this.store.heartbeat(this.replicaId, leaseTtlMs);
      this.#isStoring = true;
      const isLate = nowMs - this.#renewedAtMs >= leaseTtlMs;
      this.#renewedAtMs = nowMs;
      if (isLate) await this.#dropLost();
    } catch (err) {
      this.#isStoring = false;
      this.logger.error({ err }, 'lease could not be renewed');
    }
  }

  /** This process was paused, or cut off, for longer than its lease: others may have taken its tasks meanwhile. */
  async #dropLost(): Promise<void> {
    for (const run of this.#runs.values()) {
      const { stored } = run;
      if (!run.isAdmitted || stored === null) continue;
      const head = await this.store.readHead(stored, stored.id);
      if (head?.leaseEpoch !== stored.leaseEpoch) run.lost();
    }
  }

  #sweep(): void {
    const nowMs = this.clock.now();
    for (const run of this.#runs.values()) run.checkTime(nowMs);
    // What other replicas commit is found in the log.
    if (this.#isShared) this.hub.pokeWhere((taskId) => !this.#runs.has(taskId));
    void this.#recoverer.sweep();
  }

  // ---- runs ----

  /** Takes a message: a new task, or the next turn of the one that it names. Work goes on whoever listens. */
  async submit(submission: Submission): Promise<Submitted> {
    if (!this.#isOpen) throw shuttingDown();
    return this.#submitter.submit(submission);
  }

  newRun(start: RunStart): TaskRun {
    const run = new TaskRun(this, start);
    this.#runs.set(run.taskId, run);
    this.#runningByOwner.set(run.ownerId, (this.#runningByOwner.get(run.ownerId) ?? 0) + 1);
    return run;
  }

  checkRoom(ownerId: string): void {
    // Asked right before a run begins: the server may have been stopped since the message came.
    if (!this.#isOpen) throw shuttingDown();
    const { maxRunning, maxRunningPerOwner } = this.limits;
    if (this.#runs.size >= maxRunning) throw this.#noRoom('tasks.maxRunning', maxRunning);
    if ((this.#runningByOwner.get(ownerId) ?? 0) >= maxRunningPerOwner) {
      throw this.#noRoom('tasks.maxRunningPerOwner', maxRunningPerOwner);
    }
  }

  #noRoom(key: string, limit: number): AppError {
    this.metrics.limitReached(key);
    return new AppError('LIMIT_EXCEEDED', `Too many tasks are running (${key} is ${limit}); try again in a moment`, {
      retryAfterSeconds: 1,
    });
  }

  committed(run: TaskRun, rows: readonly LogRow[]): void {
    if (run.stored !== null) this.feed.publish(run.stored, rows);
    const events = rows[0]?.kind === 'input' ? rows.slice(1) : rows;
    if (events.length === 0) return;
    this.metrics.eventsCommitted(events.length);
    this.hub.publish(run.taskId, events);
  }

  ended(run: TaskRun, isDone: boolean): void {
    if (this.#runs.get(run.taskId) === run) this.#runs.delete(run.taskId);
    const left = (this.#runningByOwner.get(run.ownerId) ?? 1) - 1;
    if (left === 0) this.#runningByOwner.delete(run.ownerId);
    else this.#runningByOwner.set(run.ownerId, left);
    const { stored, taskId, agentId, requestId } = run;
    if (isDone && stored !== null) {
      const durationMs = this.clock.now() - run.startedAtMs;
      this.metrics.turnEnded(agentId, stored.state, durationMs);
      const { ownerId, state, seq } = stored;
      this.logger.info({ taskId, agentId, ownerId, requestId, state, seq, durationMs }, 'turn ended');
    }
    if (this.#runs.size === 0) this.#onIdle?.();
  }

  async loadTask(head: TaskHead): Promise<Task> {
    const stored = await this.store.readTask(head, head.id, { historyLength: undefined, artifacts: true });
    if (stored === undefined) throw new AppError('INTERNAL', 'Internal error', { detail: `task ${head.id} is gone` });
    // Parley's own text.
    return JSON.parse(snapshotJson(stored.head, stored.rows, { historyLength: undefined, artifacts: true })) as Task;
  }

  // ---- cancel ----

  /**
   * Cancels a task and returns when that is committed. Throws TASK_NOT_FOUND, or TASK_NOT_CANCELABLE when the task has
   * ended already or ends in another way first (A2A 1.0 section 3.1.5).
   */
  async cancel(scope: TaskScope, taskId: string): Promise<void> {
    for (let attempt = 1; attempt <= CANCEL_ATTEMPTS; attempt++) {
      const head = await this.store.readHead(scope, taskId);
      if (!head?.listed) throw taskNotFound(taskId);
      if (head.state === 'TASK_STATE_CANCELED' && attempt > 1) return;
      if (isTerminal(head.state)) {
        throw new AppError('TASK_NOT_CANCELABLE', `The task has ended already: ${head.state}`, {
          metadata: { taskId },
        });
      }
      const run = this.#runs.get(taskId);
      if (run !== undefined) {
        run.cancel();
        // Lost to another replica or a failed commit: look again.
        await run.over().catch(() => undefined);
      } else await this.#cancelIdle(head);
    }
    throw new AppError('UNAVAILABLE', 'The task is changing too fast to be canceled; try again');
  }

  /**
   * Ends a task that nobody runs in this process: it waits for a person, or another replica has it and loses it by this
   * write. Where the task has changed meanwhile nothing is written.
   */
  async #cancelIdle(before: TaskHead): Promise<void> {
    await this.writeEnd(before, [statusStep(before, { state: 'TASK_STATE_CANCELED', nowMs: this.clock.now() })]);
  }

  async writeEnd(before: TaskHead, steps: readonly Step[]): Promise<boolean> {
    const last = steps.at(-1)?.head ?? before;
    const head = { ...last, leaseReplica: null, leaseEpoch: before.leaseEpoch + 1 };
    const rows = steps.map((step) => step.row);
    let result: CommitResult;
    try {
      result = await commitOne(this.queue, { before, head, rows, discard: null, dedup: null });
    } catch (cause) {
      result = { status: 'failed', cause };
    }
    if (result.status === 'failed') {
      this.metrics.commitFailed(1);
      throw notStored(result.cause);
    }
    if (result.status !== 'written') return false;
    this.metrics.eventsCommitted(rows.length);
    this.metrics.turnEnded(head.agentId, head.state, 0);
    this.hub.publish(head.id, rows);
    this.feed.publish(head, rows);
    return true;
  }
}
