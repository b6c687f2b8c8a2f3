/** Stores what this replica does and how it is, a moment after each span of time, so that every replica can tell of all. */
import type { Clock } from '../clock.ts';
import type { Logger } from '../logger.ts';
import type { Activity } from './activity.ts';
import type { ActivityStore, ReplicaReport } from './activity-store.ts';

export interface ReplicaLoad {
  readonly runningTasks: number;
  readonly queuedTasks: number;
  readonly queuedWrites: number;
}

export interface ActivityReporterOptions {
  readonly activity: Activity;
  readonly store: ActivityStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly load: () => ReplicaLoad;
}

export type ReplicaFacts = Pick<ReplicaReport, 'id' | 'name' | 'version' | 'startedAtMs'>;

export class ActivityReporter {
  readonly #options: ActivityReporterOptions;
  #facts: ReplicaFacts | null = null;
  #saving: Promise<void> | null = null;
  #isFailing = false;

  constructor(options: ActivityReporterOptions) {
    this.#options = options;
  }

  /** Says that the replica is there, and begins to count what runs in it. */
  start(facts: ReplicaFacts): void {
    this.#facts = facts;
    const { activity, load } = this.#options;
    activity.start({ running: () => load().runningTasks, queued: () => load().queuedTasks }, () => void this.#report());
    void this.#report();
  }

  /** Stores the rest, and that the replica stopped in good order. May be called twice, and without a start. */
  async stop(): Promise<void> {
    const { activity, clock } = this.#options;
    activity.stop();
    await this.#saving;
    if (this.#facts === null) return;
    await this.#save(this.#facts, clock.now());
    this.#facts = null;
  }

  async #report(): Promise<void> {
    if (this.#saving !== null || this.#facts === null) return;
    this.#saving = this.#save(this.#facts, null);
    await this.#saving;
    this.#saving = null;
  }

  /** Never rejects: what could not be stored is stored the next time. */
  async #save(facts: ReplicaFacts, endedAtMs: number | null): Promise<void> {
    const { activity, store, logger, load } = this.#options;
    const { runningTasks, queuedWrites } = load();
    const spans = activity.unsaved(endedAtMs !== null);
    try {
      await store.save({ ...facts, endedAtMs, runningTasks, queuedWrites }, spans);
      activity.saved(spans);
      this.#isFailing = false;
    } catch (err) {
      // Said once: as long as it lasts, other parts have more to say of it.
      if (!this.#isFailing) logger.warn({ err }, 'the activity of this replica could not be stored');
      this.#isFailing = true;
    }
  }
}
