/**
 * The task engine: the only writer of tasks. It admits messages, runs executors under a lease, takes over what dead
 * replicas left behind, and publishes events once they are committed. It knows owners, but decides no permissions.
 */
import { AppError } from '../../protocol/errors.ts';
import type { Task } from '../../protocol/v1/types.ts';
import type { AgentRegistry } from '../agents/registry.ts';
import { atMost, type Clock } from '../clock.ts';
import type { Ids } from '../ids.ts';
import type { Logger } from '../logger.ts';
import { TasksElsewhere } from '../replicas/elsewhere.ts';
import { type LinkHost, ReplicaLink, type ReplicaLinkOptions } from '../replicas/link.ts';
import { TransitMap } from '../transit-map.ts';
import { CommitQueue, commitOne } from './commit-queue.ts';
import type { DeduplicationWindows } from './deduplication.ts';
import type { EngineHost } from './engine-host.ts';
import { notStored, shuttingDown, taskGoesOn, taskNotFound } from './errors.ts';
import { type Step, statusStep } from './events.ts';
import { TaskFeed } from './feed.ts';
import { type HubLimits, SubscriptionHub } from './hub.ts';
import type { TaskLimits } from './limits.ts';
import type { LogRow } from './log.ts';
import type { TaskMetrics } from './metrics.ts';
import { Recoverer } from './recovery.ts';
import { type Full, Room } from './room.ts';
import { type RunHost, TaskRun } from './run.ts';
import type { RunStart } from './run-start.ts';
import { snapshotJson } from './snapshot.ts';
import { isTerminal } from './states.ts';
import type { CommitResult, TaskHead, TaskScope, TaskStore, TaskWrite } from './store.ts';
import { type Submission, type Submitted, Submitter } from './submissions.ts';
import { Waiters } from './waiters.ts';
import { WorkQueue } from './work-queue.ts';

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
  /** From 0 to 1. */
  readonly random: () => number;
  /** Called after a commit with events that are to be pushed. */
  readonly onDeliveries?: () => void;
  /** Called once for all tasks that were queued, or given back, in one turn of the event loop: others may have room. */
  readonly onWorkQueued?: () => void;
  /** How replicas reach each other; absent: by the database alone. */
  readonly link?: ReplicaLinkOptions | null;
}

/** How often time limits, other replicas' events and orphans are looked at. */
const SWEEP_MS = 1000;
/** A server that stops waits so long for the store to say whether there are others. */
const LOOK_MS = 1000;
/** How often a cancel looks again when the task changes under it. */
const CANCEL_ATTEMPTS = 5;

export class TaskEngine implements RunHost, EngineHost, LinkHost {
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
  /** To the other replicas; null: there is no bus. */
  readonly link: ReplicaLink | null;
  readonly #elsewhere: TasksElsewhere;
  readonly #isShared: boolean;
  readonly #runs = new TransitMap<string, TaskRun>();
  readonly #room: Room;
  readonly #work: WorkQueue;
  readonly #submitter: Submitter;
  #stopRenewing: () => void = () => {};
  #stopSweeping: () => void = () => {};
  readonly #untilIdle = new Waiters();
  /** Messages that are being stored, or refused. */
  #submitting = 0;
  readonly #untilNoneSubmitting = new Waiters();
  #isOpen = false;
  /** Stopping: what comes is queued for other replicas, and what runs may end. */
  #isLeaving = false;
  #isStoring = true;
  #renewedAtMs = 0;
  #renewing: Promise<void> | null = null;

  constructor(options: EngineOptions) {
    this.clock = options.clock;
    this.ids = options.ids;
    this.limits = options.limits;
    this.logger = options.logger;
    this.metrics = options.metrics;
    this.store = options.store;
    this.replicaId = options.replicaId;
    this.#isShared = options.isShared;
    this.hub = new SubscriptionHub(
      options.store,
      options.streams,
      (limit) => options.metrics.limitReached(limit),
      (taskId) => this.link?.followed(taskId),
    );
    this.link = options.link ? new ReplicaLink(this, options.link) : null;
    this.#elsewhere = new TasksElsewhere({
      store: options.store,
      hub: this.hub,
      logger: options.logger,
      isRunHere: (taskId) => this.#runs.has(taskId),
      // While it stops, senders that wait have no time to lose.
      mayTrustBus: () => this.link?.isUp === true && !this.#isLeaving,
      onMissed: (taskId) => this.link?.followed(taskId),
    });
    this.queue = new CommitQueue({
      store: options.store,
      clock: options.clock,
      maxWrites: options.commitMaxWrites,
      maxConcurrent: options.commitMaxConcurrent,
      onCommit: (writes) => options.metrics.groupCommitted(writes),
      onDeliveries: options.onDeliveries,
    });
    this.#room = new Room(options.limits, options.agents);
    const recoverer = new Recoverer(this, options.agents);
    this.#work = new WorkQueue({
      ...options,
      room: this.#room,
      agentIds: options.agents.all().map(({ id }) => id),
      begin: (claimed) => recoverer.begin(claimed),
      recoverOwn: (isHeld) => recoverer.recoverOwn(isHeld),
      onWorkQueued: () => options.onWorkQueued?.(),
    });
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

  /** Replicas that were alive a second ago, this one included; where the store does not answer, when it last did. */
  get replicaCount(): number {
    return this.#work.otherReplicas + 1;
  }

  /** Tasks that wait for room at any replica, as known here: a second old at most. */
  get queuedCount(): number {
    return this.#work.queuedCount;
  }

  /** Which limit of this replica keeps one more of these tasks from running; null: none. */
  fullFor(scope: TaskScope): Full | null {
    return this.#room.fullFor(scope);
  }

  runOf(taskId: string): TaskRun | undefined {
    return this.#runs.get(taskId);
  }

  runs(): Iterable<TaskRun> {
    return this.#runs.values();
  }

  // ---- lifecycle ----

  /** Announces this replica, takes over orphaned tasks, and begins to accept messages. */
  async start(): Promise<void> {
    const { leaseTtlMs } = this.limits;
    this.#renewedAtMs = this.clock.now();
    this.link?.start();
    const others = await this.store.heartbeat(this.replicaId, leaseTtlMs);
    this.link?.noteOthers(others);
    this.#isOpen = true;
    this.#stopRenewing = this.clock.every(Math.max(250, Math.floor(leaseTtlMs / 3)), () => {
      this.#renewing = this.#renew();
    });
    this.#stopSweeping = this.clock.every(SWEEP_MS, () => this.#sweep());
    await this.#work.sweep();
  }

  /** Before stopping: a replica that has come since the last look can take over as well. */
  async lookForOthers(): Promise<void> {
    if (!this.#isOpen || !this.#isShared) return;
    await atMost(this.clock, LOOK_MS, this.#work.lookForOthers());
    this.link?.noteOthers(this.#work.otherReplicas);
  }

  /**
   * The first half of stopping: takes no more work, and lets what runs end for at most `drainMs`. Messages that still come
   * are queued for other replicas; where there is none they are refused. May be called twice.
   */
  async leave(drainMs: number): Promise<void> {
    this.#isLeaving ||= this.#isOpen && this.#isShared && this.#work.hasOtherReplicas;
    this.#isOpen = false;
    await this.#work.stop();
    if (this.#runs.size > 0 && drainMs > 0) await atMost(this.clock, drainMs, this.#untilIdle.wait());
  }

  /**
   * Lets go of what still runs without a word in its log and gives the leases back, so that another replica, or the next
   * start, takes over. Senders that wait for it go on waiting for at most `lingerMs`, where there is another replica. May
   * be called twice.
   */
  async stop(drainMs: number, lingerMs = 0): Promise<void> {
    await this.leave(drainMs);
    this.#stopRenewing();
    // It would bring the replica back to life.
    await this.#renewing;
    const isTakenOver = this.#isLeaving;
    // A message that is being stored right now is one that another replica can take over a moment later.
    if (isTakenOver) await Promise.allSettled([...this.#runs.values()].map((run) => run.admission()));
    for (const run of this.#runs.values()) {
      const reason = run.isAdmitted ? taskGoesOn(run.taskId) : shuttingDown();
      if (isTakenOver) run.handOver(reason);
      else run.abandon(reason);
    }
    try {
      await this.store.retireReplica(this.replicaId);
      this.#work.announce();
      // What senders wait for goes on elsewhere, and is found in the log.
      if (isTakenOver && lingerMs > 0) await atMost(this.clock, lingerMs, this.#noSenders());
    } finally {
      this.#isLeaving = false;
      this.#stopSweeping();
      const { waitingCount: senders } = this.hub;
      if (senders > 0) this.logger.warn({ senders }, 'senders whose tasks have not ended yet are told that they go on');
      this.hub.endWaiting(taskGoesOn);
      await this.link?.stop();
    }
  }

  /** Nobody waits for an answer, or is about to. */
  async #noSenders(): Promise<void> {
    for (;;) {
      // Those whose runs were handed over, or whose messages were stored, just now begin to wait in the next turn of the event loop.
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#submitting > 0) await this.#untilNoneSubmitting.wait();
      else if (this.hub.waitingCount > 0) await this.hub.noneWaiting();
      else return;
    }
  }

  async #renew(): Promise<void> {
    const { leaseTtlMs } = this.limits;
    const nowMs = this.clock.now();
    try {
      const others = await this.store.heartbeat(this.replicaId, leaseTtlMs);
      this.link?.noteOthers(others);
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
    if (this.#isShared) void this.#elsewhere.look(nowMs);
    void this.#work.sweep();
  }

  // ---- runs ----

  /** Takes a message: a new task, or the next turn of the one that it names. Work goes on whoever listens. */
  async submit(submission: Submission): Promise<Submitted> {
    if (!this.#isOpen && !this.#isLeaving) throw shuttingDown();
    this.#submitting++;
    try {
      return await this.#submitter.submit(submission);
    } finally {
      if (--this.#submitting === 0) this.#untilNoneSubmitting.release();
    }
  }

  newRun(start: RunStart): TaskRun {
    const run = new TaskRun(this, start);
    this.#runs.set(run.taskId, run);
    this.#room.add(run);
    return run;
  }

  isQueueLookDue(scope: TaskScope): boolean {
    return !this.#isRoomHere(scope) && this.#work.isLookDue(scope.ownerId);
  }

  lookAtQueue(): Promise<void> {
    return this.#work.lookAtQueue();
  }

  placeFor(scope: TaskScope): 'here' | 'queue' {
    // Asked right before a turn begins: the server may have been stopped since the message came.
    if (!this.#isOpen && !this.#isLeaving) throw shuttingDown();
    if (this.#isRoomHere(scope)) return 'here';
    this.#work.checkRoom(scope.ownerId, this.#room.fullFor(scope));
    return 'queue';
  }

  #isRoomHere(scope: TaskScope): boolean {
    if (this.#isLeaving || this.#room.fullFor(scope) !== null) return false;
    return !this.#work.isDue || !this.#work.hasRoom(scope.ownerId);
  }

  async enqueue(write: TaskWrite): Promise<CommitResult> {
    const { head, rows } = write;
    this.#work.adding(head.ownerId);
    let result: CommitResult;
    try {
      result = await this.#commit(write);
    } catch (error) {
      this.#work.notAdded(head.ownerId);
      throw error;
    }
    if (result.status !== 'written') {
      this.#work.notAdded(head.ownerId);
      return result;
    }
    this.#publish(head, rows);
    // Whoever follows the task elsewhere was told by its last holder until now.
    if (write.before !== null) this.link?.took(head);
    this.#work.added(head);
    return result;
  }

  /** Another replica has queued work, or given some back. */
  lookForWork(): void {
    this.#work.noticed();
  }

  took(head: TaskHead): void {
    this.link?.took(head);
  }

  committed(run: TaskRun, rows: readonly LogRow[]): void {
    if (run.stored !== null) this.#publish(run.stored, rows);
  }

  #publish(head: TaskHead, rows: readonly LogRow[]): void {
    this.feed.publish(head, rows);
    const events = rows[0]?.kind === 'input' ? rows.slice(1) : rows;
    if (events.length === 0) return;
    this.metrics.eventsCommitted(events.length);
    this.hub.publish(head.id, events);
    this.link?.committed(head.id, events);
  }

  ended(run: TaskRun, isDone: boolean): void {
    if (this.#runs.get(run.taskId) === run) this.#runs.delete(run.taskId);
    this.link?.ended(run);
    const wasFull = this.#room.fullFor(run) !== null;
    this.#room.remove(run);
    if (wasFull) this.#work.placeFreed();
    const { stored, taskId, agentId, requestId } = run;
    if (isDone && stored !== null) {
      const durationMs = this.clock.now() - run.startedAtMs;
      this.metrics.turnEnded(agentId, stored.state, durationMs);
      const { ownerId, state, seq } = stored;
      this.logger.info({ taskId, agentId, ownerId, requestId, state, seq, durationMs }, 'turn ended');
    }
    if (this.#runs.size === 0) this.#untilIdle.release();
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
    let hasAsked = false;
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
      } else if (!hasAsked && this.link?.canAsk(head) === true) {
        hasAsked = true;
        await this.link.cancel(head);
      } else await this.#cancelIdle(head);
    }
    throw new AppError('UNAVAILABLE', 'The task is changing too fast to be canceled; try again');
  }

  /**
   * Ends a task that nobody runs in this process: it waits for a person, or another replica has it, could not be asked to
   * end it, and loses it by this write. Where the task has changed meanwhile nothing is written.
   */
  async #cancelIdle(before: TaskHead): Promise<void> {
    await this.writeEnd(before, [statusStep(before, { state: 'TASK_STATE_CANCELED', nowMs: this.clock.now() })]);
  }

  async writeEnd(before: TaskHead, steps: readonly Step[]): Promise<boolean> {
    const last = steps.at(-1)?.head ?? before;
    const head = { ...last, leaseReplica: null, leaseEpoch: before.leaseEpoch + 1 };
    const rows = steps.map((step) => step.row);
    const result = await this.#commit({ before, head, rows, discard: null, dedup: null });
    if (result.status !== 'written') return false;
    this.metrics.turnEnded(head.agentId, head.state, 0);
    this.#publish(head, rows);
    this.link?.took(head);
    return true;
  }

  /** Commits a write of no run. Throws UNAVAILABLE when that failed. */
  async #commit(write: TaskWrite): Promise<CommitResult> {
    let result: CommitResult;
    try {
      result = await commitOne(this.queue, write);
    } catch (cause) {
      result = { status: 'failed', cause };
    }
    if (result.status !== 'failed') return result;
    this.metrics.commitFailed(1);
    throw notStored(result.cause);
  }
}
