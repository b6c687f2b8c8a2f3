/** Who follows which task in this process, with the limits on how many may. */
import { AppError } from '../../protocol/errors.ts';
import type { LogRow } from './log.ts';
import type { TaskStore } from './store.ts';
import { type EventSink, TaskSubscription } from './subscription.ts';

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
  readonly #byTask = new Map<string, Set<TaskSubscription>>();
  readonly #openByOwner = new Map<string, number>();
  #open = 0;

  constructor(store: TaskStore, limits: HubLimits, onLimit: (limit: string) => void) {
    this.#store = store;
    this.#limits = limits;
    this.#onLimit = onLimit;
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
    if (followers === undefined) this.#byTask.set(taskId, new Set([subscription]));
    else followers.add(subscription);
    this.#openByOwner.set(ownerId, owned + 1);
    this.#open++;
    return subscription;
  }

  #check(open: number, limit: number, key: string): void {
    if (open < limit) return;
    this.#onLimit(key);
    throw new AppError('LIMIT_EXCEEDED', `Too many open streams (${key} is ${limit}); close one, or poll GetTask`, {
      retryAfterSeconds: 5,
    });
  }

  #detach(ownerId: string, subscription: TaskSubscription): void {
    const followers = this.#byTask.get(subscription.taskId);
    if (!followers?.delete(subscription)) return;
    if (followers.size === 0) this.#byTask.delete(subscription.taskId);
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

  /** Tells the followers of every task for which `isElsewhere` holds to look at the log. */
  pokeWhere(isElsewhere: (taskId: string) => boolean): void {
    for (const [taskId, followers] of this.#byTask) {
      if (isElsewhere(taskId)) for (const follower of followers) follower.poke();
    }
  }
}
