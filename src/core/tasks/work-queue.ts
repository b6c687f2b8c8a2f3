/**
 * The queue of tasks that wait for a replica with room. It lies in the store, as tasks whose lease nobody's replica holds;
 * this class knows how many there are, and claims them for this replica: at most one claim is under way at a time.
 */
import { AppError } from '../../protocol/errors.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../logger.ts';
import type { TaskLimits } from './limits.ts';
import type { TaskMetrics } from './metrics.ts';
import { QueueCounts } from './queue-counts.ts';
import type { Full, Room } from './room.ts';
import { type Backlog, type ClaimedTask, QUEUED, RELEASED, type TaskScope, type TaskStore } from './store.ts';

export interface WorkQueueOptions {
  readonly store: TaskStore;
  readonly replicaId: string;
  readonly room: Room;
  readonly limits: Pick<TaskLimits, 'maxQueued' | 'maxQueuedPerOwner'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: TaskMetrics;
  /** The agents that this replica has. */
  readonly agentIds: readonly string[];
  /** From 0 to 1. */
  readonly random: () => number;
  /** Begins what was claimed. Rejects where it could not, because of the store: it is tried again. */
  readonly begin: (claimed: ClaimedTask) => Promise<void>;
  /** Looks for tasks that this replica holds and does not run, besides those that `isHeld` names. Never rejects. */
  readonly recoverOwn: (isHeld: (taskId: string) => boolean) => Promise<void>;
  /** Called once for all that was queued, or given back, in one turn of the event loop: other replicas may have room. */
  readonly onWorkQueued: () => void;
}

/** Tasks per claim at most: each costs a look at its message. */
const BATCH = 100;
/** A replica that has nothing to do claims at once, one that is nearly full so much later. */
const MAX_DELAY_MS = 20;
/**
 * A replica that does not have the agent of a task leaves it so long to one that has: while a new version with another agent is
 * rolled out, replicas of both take work from one queue.
 */
const STRANGER_MS = 600_000;
/** Sweeps between two looks at this replica's own leases. */
const OWN_LEASES_EVERY = 10;
/** Tasks that were given back are counted together with those that are queued. */
const COUNT_MARGIN = 1000;

export class WorkQueue {
  readonly #options: WorkQueueOptions;
  /** Claimed, and not begun yet: by and by, or again, where that failed. */
  readonly #held = new Map<string, ClaimedTask>();
  readonly #counts: QueueCounts;
  /** Something waits, perhaps only for an owner or agent that is at its limit here. */
  #hasWaiting = false;
  /** Something may wait that this replica has room for: newer work goes behind it. */
  #isDue = false;
  /** Another look is wanted, after the one under way. */
  #isWanted = false;
  #hasDead = false;
  #isOwnDue = false;
  #sweeps = 0;
  #isSweeping = false;
  #isOpen = true;
  #claiming: Promise<void> | null = null;
  #cancelDelay: (() => void) | null = null;
  #isAnnouncing = false;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
    this.#counts = new QueueCounts(options.limits);
  }

  /** Queued tasks of all replicas: as of the last look, with what this replica has done since. */
  get queuedCount(): number {
    return this.#counts.total;
  }

  /** Whether another replica was alive at the last look. */
  get hasOtherReplicas(): boolean {
    return this.otherReplicas > 0;
  }

  get otherReplicas(): number {
    return this.#counts.otherReplicas;
  }

  /** Whether a new message has to wait behind older work. */
  get isDue(): boolean {
    return this.#isDue;
  }

  // ---- taking work in ----

  /** Whether one more task of the owner may wait. */
  hasRoom(ownerId: string): boolean {
    const { maxQueued, maxQueuedPerOwner } = this.#options.limits;
    return this.#counts.total < maxQueued && this.#counts.of(ownerId) < maxQueuedPerOwner;
  }

  /** Throws LIMIT_EXCEEDED where no more may wait. `full`: why it cannot run at once, if that is so. */
  checkRoom(ownerId: string, full: Full | null): void {
    const { maxQueued, maxQueuedPerOwner } = this.#options.limits;
    if (maxQueued === 0 && full !== null) throw this.#refusal('are running', full);
    if (this.#counts.total >= maxQueued) throw this.#refusal('wait', { key: 'tasks.maxQueued', limit: maxQueued });
    if (this.#counts.of(ownerId) >= maxQueuedPerOwner) {
      throw this.#refusal('wait', { key: 'tasks.maxQueuedPerOwner', limit: maxQueuedPerOwner });
    }
  }

  #refusal(what: string, { key, limit }: Pick<Full, 'key' | 'limit'>): AppError {
    this.#options.metrics.limitReached(key);
    const message = `Too many tasks ${what} (${key} is ${limit}); try again in a moment`;
    return new AppError('LIMIT_EXCEEDED', message, { retryAfterSeconds: 1 });
  }

  /** Whether one more task of the owner may be queued only after a look at the queue. Whoever is refused causes none. */
  isLookDue(ownerId: string): boolean {
    return this.hasRoom(ownerId) && this.#counts.isLookDue(ownerId);
  }

  /** Rejects where the store does. */
  async lookAtQueue(): Promise<void> {
    await this.#counts.someAdded();
    await this.#readBacklog();
  }

  /** Whether there are other replicas, as of now. Never rejects: where the store does, what was known stays. */
  async lookForOthers(): Promise<void> {
    try {
      await this.#readBacklog();
    } catch (err) {
      this.#options.logger.warn({ err }, 'other replicas could not be looked for');
    }
  }

  #readBacklog(): Promise<Backlog> {
    const { store, replicaId, limits } = this.#options;
    return this.#counts.look(() => store.readBacklog(replicaId, limits.maxQueued + COUNT_MARGIN));
  }

  /** A task is about to be queued. */
  adding(ownerId: string): void {
    this.#counts.adding(ownerId);
  }

  /** It was not queued after all. */
  notAdded(ownerId: string): void {
    this.#counts.added(ownerId, false);
  }

  /** A task was queued. */
  added(scope: TaskScope): void {
    this.#counts.added(scope.ownerId, true);
    this.#hasWaiting = true;
    // Where it cannot begin here, others are told; a server that stops begins nothing.
    if (!this.#isOpen || (this.#options.room.fullFor(scope) !== null && !this.#isDue)) this.announce();
    // A look that waits for its moment will find it.
    else if (this.#cancelDelay === null) void this.look();
  }

  /** Tells other replicas that there is work. */
  announce(): void {
    if (this.#isAnnouncing) return;
    this.#isAnnouncing = true;
    setImmediate(() => {
      this.#isAnnouncing = false;
      this.#options.onWorkQueued();
    });
  }

  // ---- claims ----

  /** A place became free for somebody who had none. */
  placeFreed(): void {
    if (this.#hasWaiting || this.#hasDead || this.#claiming !== null) void this.look();
  }

  /** Another replica says that there is work. Whoever has less to do looks earlier, and so gets more of it. */
  noticed(): void {
    if (!this.#isOpen) return;
    const { room, clock, random } = this.#options;
    const delayMs = room.load * MAX_DELAY_MS * (0.5 + random() / 2);
    this.#hasWaiting = true;
    this.#isDue = true;
    if (delayMs < 1 || this.#claiming !== null) void this.look();
    else {
      this.#cancelDelay ??= clock.after(delayMs, () => {
        this.#cancelDelay = null;
        void this.look();
      });
    }
  }

  /** There may be work for this replica. Said while a claim is under way, it causes exactly one more. Never rejects. */
  look(): Promise<void> {
    if (!this.#isOpen) return Promise.resolve();
    this.#isWanted = true;
    this.#isDue ||= this.#hasWaiting;
    this.#claiming ??= this.#claimWhileWanted().finally(() => {
      this.#claiming = null;
    });
    return this.#claiming;
  }

  /** Looks at what waits, and at what dead replicas have left. Resolves when what can be claimed is begun; never rejects. */
  async sweep(): Promise<void> {
    if (this.#isSweeping || !this.#isOpen) return;
    this.#isSweeping = true;
    try {
      const backlog = await this.#readBacklog();
      // What was queued here, or heard of, while the store was read is newer than its answer.
      this.#hasWaiting = backlog.hasWaiting || this.#counts.total > 0 || this.#isDue;
      this.#hasDead = backlog.hasDead;
      this.#isOwnDue ||= this.#sweeps++ % OWN_LEASES_EVERY === 0;
      if (backlog.hasWaiting || backlog.hasDead || this.#isOwnDue || this.#held.size > 0) await this.look();
    } catch (err) {
      this.#options.logger.error({ err }, 'work that waits could not be looked at');
    } finally {
      this.#isSweeping = false;
    }
  }

  /** No more claims. Resolves when the one under way is over. */
  async stop(): Promise<void> {
    this.#isOpen = false;
    this.#cancelDelay?.();
    await this.#claiming;
  }

  async #claimWhileWanted(): Promise<void> {
    // Not in the caller's tick: who gives a place back is in the middle of it.
    await Promise.resolve();
    while (this.#isWanted && this.#isOpen) {
      this.#isWanted = false;
      try {
        await this.#claimOnce();
      } catch (err) {
        // The next sweep tries again.
        this.#options.logger.error({ err }, 'work that waits could not be claimed');
      }
    }
    this.#isDue = false;
  }

  async #claimOnce(): Promise<void> {
    if (this.#held.size > 0) await this.#beginAll([...this.#held.values()]);
    if (this.#isOwnDue) {
      this.#isOwnDue = false;
      await this.#options.recoverOwn((taskId) => this.#held.has(taskId));
    }
    if (this.#hasDead) {
      this.#hasDead = false;
      if (await this.#claim('dead')) {
        this.#hasDead = true;
        this.#isWanted = true;
      }
    }
    if (this.#hasWaiting && (await this.#claim('waiting'))) this.#isWanted = true;
  }

  /** Answers whether there may be more of it that could run here now. */
  async #claim(from: 'waiting' | 'dead'): Promise<boolean> {
    const { store, room, replicaId, metrics, clock, agentIds } = this.#options;
    const { isPassingOver, ...claimable } = room.claimable(this.hasOtherReplicas ? 0.5 : 1);
    const limit = Math.min(claimable.limit, BATCH);
    if (limit === 0) {
      // What a dead replica has left was begun already: the next place is for that, not for what waits.
      if (from === 'dead') this.#hasDead = true;
      return false;
    }
    const hadWaiting = this.#hasWaiting;
    // What is queued from now on may be missed by this claim.
    if (from === 'waiting') this.#hasWaiting = false;
    let isAnyLeft = hadWaiting;
    room.reserve(limit);
    try {
      const overdueBeforeMs = this.hasOtherReplicas ? clock.now() - STRANGER_MS : Number.MAX_SAFE_INTEGER;
      const claimed = await store.claimTasks({
        ...claimable,
        agents: agentIds,
        overdueBeforeMs,
        replicaId,
        from,
        limit,
      });
      if (from === 'waiting') isAnyLeft = claimed.length > 0 || isPassingOver;
      for (const one of claimed) {
        metrics.taskClaimed(kindOf(one.from));
        if (one.from === QUEUED) this.#dequeued(one);
      }
      await this.#beginAll(claimed);
      return claimed.length > 0;
    } finally {
      this.#hasWaiting ||= isAnyLeft;
      room.reserve(0);
    }
  }

  #dequeued({ head }: ClaimedTask): void {
    const { metrics, clock } = this.#options;
    this.#counts.removed(head.ownerId);
    metrics.taskDequeued(head.agentId, Math.max(0, clock.now() - head.statusAtMs));
  }

  async #beginAll(claimed: readonly ClaimedTask[]): Promise<void> {
    const { begin, logger } = this.#options;
    for (const one of claimed) this.#held.set(one.head.id, one);
    const beginOne = async (one: ClaimedTask): Promise<void> => {
      try {
        await begin(one);
        this.#held.delete(one.head.id);
      } catch (err) {
        logger.error({ err, taskId: one.head.id, agentId: one.head.agentId }, 'claimed task could not be begun yet');
      }
    };
    await Promise.all(claimed.map(beginOne));
  }
}

function kindOf(from: string): 'queued' | 'released' | 'dead' {
  if (from === QUEUED) return 'queued';
  return from === RELEASED ? 'released' : 'dead';
}
