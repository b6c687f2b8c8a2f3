/** Who follows which task in this process, with the limits on how many may. */
import { AppError } from '../../protocol/errors.ts';
import { TransitMap } from '../transit-map.ts';
import type { LogRow } from './log.ts';
import type { TaskStore } from './store.ts';
import { type EventSink, TaskSubscription } from './subscription.ts';
import { Waiters } from './waiters.ts';

export interface HubLimits {
  /** Open subscriptions in this process. */
  readonly maxOpen: number;
  readonly maxPerOwner: number;
  readonly maxPerTask: number;
}

export class SubscriptionHub {
  readonly #store: TaskStore;
  readonly #limits: HubLimits;
  readonly #onLimit: (limit: string) => void;
  readonly #onFollowed: (taskId: string) => void;
  readonly #byTask = new TransitMap<string, Set<TaskSubscription>>();
  readonly #openByOwner = new Map<string, number>();
  readonly #waiting = new Set<TaskSubscription>();
  readonly #untilNoneWaiting = new Waiters();
  #isWaitingOver = false;
  #open = 0;

  /** @param onFollowed called when a task gets its first follower. */
  constructor(
    store: TaskStore,
    limits: HubLimits,
    onLimit: (limit: string) => void,
    onFollowed: (taskId: string) => void = () => {},
  ) {
    this.#store = store;
    this.#limits = limits;
    this.#onLimit = onLimit;
    this.#onFollowed = onFollowed;
  }

  get openCount(): number {
    return this.#open;
  }

  /** Registers a follower, not started yet. Throws LIMIT_EXCEEDED where one of the limits is reached. */
  attach(ownerId: string, taskId: string, sink: EventSink): TaskSubscription {
    const owned = this.#openByOwner.get(ownerId) ?? 0;
    const followers = this.#byTask.get(taskId);
    this.#check(this.#open, this.#limits.maxOpen, 'streams.maxOpen');
    this.#check(owned, this.#limits.maxPerOwner, 'streams.maxPerOwner');
    this.#check(followers?.size ?? 0, this.#limits.maxPerTask, 'streams.maxPerTask');

    const subscription = new TaskSubscription(taskId, this.#store, sink, (closed) => this.#detach(ownerId, closed));
    this.#openByOwner.set(ownerId, owned + 1);
    this.#open++;
    this.#add(subscription);
    return subscription;
  }

  /**
   * Registers a sender that waits for its answer, not started yet. Its message is stored already, so that none of the limits
   * on streams may refuse it: there are no more of these than requests.
   */
  wait(taskId: string, sink: EventSink): TaskSubscription {
    const subscription = new TaskSubscription(taskId, this.#store, sink, (closed) => {
      this.#waiting.delete(closed);
      this.#remove(closed);
      if (this.#waiting.size === 0) this.#untilNoneWaiting.release();
    });
    this.#waiting.add(subscription);
    this.#add(subscription);
    return subscription;
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** Resolves when no sender waits any more. */
  noneWaiting(): Promise<void> {
    return this.#waiting.size === 0 ? Promise.resolve() : this.#untilNoneWaiting.wait();
  }

  /** For good. Senders that still wait get what `causeOf` makes for their task as their answer; who comes later asks `isWaitingOver`. */
  endWaiting(causeOf: (taskId: string) => Error): void {
    this.#isWaitingOver = true;
    for (const waiting of this.#waiting) waiting.breakOff(causeOf(waiting.taskId));
  }

  /** Nobody is told any more of what happens elsewhere. */
  get isWaitingOver(): boolean {
    return this.#isWaitingOver;
  }

  #add(subscription: TaskSubscription): void {
    const followers = this.#byTask.get(subscription.taskId);
    if (followers === undefined) {
      this.#byTask.set(subscription.taskId, new Set([subscription]));
      this.#onFollowed(subscription.taskId);
    } else followers.add(subscription);
  }

  #remove(subscription: TaskSubscription): boolean {
    const followers = this.#byTask.get(subscription.taskId);
    if (!followers?.delete(subscription)) return false;
    if (followers.size === 0) this.#byTask.delete(subscription.taskId);
    return true;
  }

  #check(open: number, limit: number, key: string): void {
    if (open < limit) return;
    this.#onLimit(key);
    throw new AppError('LIMIT_EXCEEDED', `Too many open streams (${key} is ${limit}); close one, or poll GetTask`, {
      retryAfterSeconds: 5,
    });
  }

  #detach(ownerId: string, subscription: TaskSubscription): void {
    if (!this.#remove(subscription)) return;
    const owned = (this.#openByOwner.get(ownerId) ?? 1) - 1;
    if (owned === 0) this.#openByOwner.delete(ownerId);
    else this.#openByOwner.set(ownerId, owned);
    this.#open--;
  }

  /** Passes on events that were just committed. */
  publish(taskId: string, rows: readonly LogRow[]): void {
    const followers = this.#byTask.get(taskId);
    if (followers === undefined) return;
    for (const follower of followers) follower.onCommitted(rows);
  }

  /** Whether anybody follows this task. */
  has(taskId: string): boolean {
    return this.#byTask.has(taskId);
  }

  /** The tasks that somebody follows. */
  followedIds(): Iterable<string> {
    return this.#byTask.keys();
  }

  /** Up to where all followers of a task have its events. */
  positionOf(taskId: string): number {
    let position = Number.MAX_SAFE_INTEGER;
    for (const follower of this.#byTask.get(taskId) ?? []) position = Math.min(position, follower.position);
    return position;
  }

  /** The log of this task has reached `seq`: followers that do not have all of it look. Answers whether there are any. */
  poke(taskId: string, seq: number): boolean {
    let isAnyBehind = false;
    for (const follower of this.#byTask.get(taskId) ?? []) {
      if (follower.position >= seq) continue;
      isAnyBehind = true;
      follower.poke();
    }
    return isAnyBehind;
  }
}
