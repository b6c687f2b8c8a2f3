/**
 * How many tasks are queued, in all and of each owner: as the store last said, with what this replica has queued since. What
 * other replicas queue is seen at the next look only, so each queues no more than an allowance between two looks: together
 * they pass a limit by a tenth at most, or by two tasks each where that is more. Alone nothing is passed.
 */
import type { Backlog } from './store.ts';

/** Of a limit, for all replicas together: half of a tenth, as two may look at the same moment. */
const ALLOWANCE = 0.05;

class OwnerCounts {
  total: number;
  readonly byOwner: Map<string, number>;

  constructor(total = 0, byOwner: Iterable<readonly [string, number]> = []) {
    this.total = total;
    this.byOwner = new Map(byOwner);
  }

  of(ownerId: string): number {
    return this.byOwner.get(ownerId) ?? 0;
  }

  add(ownerId: string, n: number): void {
    this.total = Math.max(0, this.total + n);
    const now = this.of(ownerId) + n;
    if (now > 0) this.byOwner.set(ownerId, now);
    else this.byOwner.delete(ownerId);
  }

  addAll(others: OwnerCounts): void {
    for (const [ownerId, n] of others.byOwner) this.add(ownerId, n);
  }
}

export class QueueCounts {
  readonly #limits: { readonly maxQueued: number; readonly maxQueuedPerOwner: number };
  #counted = new OwnerCounts();
  /** On their way into the store. */
  readonly #underWay = new OwnerCounts();
  /** Queued here, and perhaps not seen by the last look: under way then, or newer. */
  #unseen = new OwnerCounts();
  #onAdded: (() => void)[] = [];
  #otherReplicas = 0;
  #looking: Promise<Backlog> | null = null;

  constructor(limits: { readonly maxQueued: number; readonly maxQueuedPerOwner: number }) {
    this.#limits = limits;
  }

  get total(): number {
    return this.#counted.total;
  }

  /** Replicas that were alive at the last look, besides this one. */
  get otherReplicas(): number {
    return this.#otherReplicas;
  }

  of(ownerId: string): number {
    return this.#counted.of(ownerId);
  }

  /** Whether one more of the owner may be queued only after a look. */
  isLookDue(ownerId: string): boolean {
    const { maxQueued, maxQueuedPerOwner } = this.#limits;
    return (
      this.#otherReplicas > 0 &&
      (this.#unseen.total >= this.#allowance(maxQueued) ||
        this.#unseen.of(ownerId) >= this.#allowance(maxQueuedPerOwner))
    );
  }

  #allowance(limit: number): number {
    return Math.max(1, Math.floor((limit * ALLOWANCE) / (this.#otherReplicas + 1)));
  }

  /** A task is about to be queued. */
  adding(ownerId: string): void {
    for (const counts of [this.#counted, this.#underWay, this.#unseen]) counts.add(ownerId, 1);
  }

  /** It was queued, or not after all. */
  added(ownerId: string, isQueued: boolean): void {
    this.#underWay.add(ownerId, -1);
    for (const resolve of this.#onAdded.splice(0)) resolve();
    if (isQueued) return;
    for (const counts of [this.#counted, this.#unseen]) counts.add(ownerId, -1);
  }

  /** It is queued no more. */
  removed(ownerId: string): void {
    this.#counted.add(ownerId, -1);
  }

  /** Some of what is under way has ended; at once where nothing is: a look before that would not see it. */
  async someAdded(): Promise<void> {
    if (this.#underWay.total > 0) await new Promise<void>((resolve) => this.#onAdded.push(resolve));
  }

  /** Looks at the store; one look at a time, and who asks meanwhile gets the same. Rejects where the store does. */
  look(read: () => Promise<Backlog>): Promise<Backlog> {
    this.#looking ??= this.#look(read).finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  async #look(read: () => Promise<Backlog>): Promise<Backlog> {
    const before = this.#unseen;
    this.#unseen = new OwnerCounts(this.#underWay.total, this.#underWay.byOwner);
    let backlog: Backlog;
    try {
      backlog = await read();
    } catch (error) {
      this.#unseen.addAll(before);
      throw error;
    }
    this.#counted = new OwnerCounts(backlog.queued, backlog.queuedByOwner);
    this.#counted.addAll(this.#unseen);
    this.#otherReplicas = backlog.otherReplicas;
    return backlog;
  }
}
