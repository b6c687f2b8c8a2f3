/** Forgetting what need not be kept: tasks that ended long ago, or their logs only, and rows past their time. */
import type { Clock } from '../clock.ts';
import type { Logger } from '../logger.ts';
import type { TaskStore } from './store.ts';

/** Forgets at most `limit` of what is past its time; returns how many. */
export type Prune = (nowMs: number, limit: number) => Promise<number>;

export interface RetentionOptions {
  readonly store: TaskStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Days that the events of ended tasks are kept; 0: for ever. Their content is kept in any case. */
  readonly logDays: number;
  /** Days that ended tasks are kept; 0: for ever. */
  readonly taskDays: number;
  /** What else is pruned, by its name in the log. */
  readonly prunes: Readonly<Record<string, Prune>>;
  readonly metrics: { tasksDeleted(count: number): void };
}

const EVERY_MS = 10_000;
/** Rows looked at per round, so that no round holds up the server. */
const SLICE = 10_000;
/** The same of a step of deleting, which follow each other as long as there is something to delete. */
const STEP = 500;
/** How long a round goes on so, and how much longer than a step it rests after each: there is other work to do. */
const DELETE_MS = 5000;
const REST_FACTOR = 2;
const DAY_MS = 86_400_000;

export class Retention {
  readonly #options: RetentionOptions;
  #stopTimer: (() => void) | null = null;
  #round: Promise<void> | null = null;
  #isStopped = false;
  #endRest: (() => void) | null = null;

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  start(): void {
    this.#stopTimer ??= this.#options.clock.every(EVERY_MS, () => void this.sweep());
  }

  /** Resolves when the step under way is done. May be called twice. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#stopTimer?.();
    this.#stopTimer = null;
    this.#endRest?.();
    await this.#round;
  }

  /** One round. Never rejects: what fails is logged and tried again. */
  async sweep(): Promise<void> {
    if (this.#round !== null || this.#isStopped) return;
    this.#round = this.#sweep();
    await this.#round;
    this.#round = null;
  }

  async #sweep(): Promise<void> {
    const { store, clock, logDays, taskDays, prunes } = this.#options;
    const nowMs = clock.now();
    for (const [what, prune] of Object.entries(prunes)) await this.#try(what, () => prune(nowMs, SLICE));
    await this.#try('keys of repeated sends', () => store.pruneDeduplication(nowMs, SLICE));
    if (logDays > 0) await this.#try('old events', () => store.trimLogs(nowMs - logDays * DAY_MS, SLICE));
    if (taskDays > 0) await this.#try('old tasks', () => this.#deleteTasks(nowMs - taskDays * DAY_MS));
    // Also where nothing is deleted any more: what is left of tasks that were.
    await this.#try('logs of deleted tasks', () => this.#inSteps(async () => !(await store.removeLogs())));
  }

  async #deleteTasks(endedBeforeMs: number): Promise<void> {
    const { store, metrics } = this.#options;
    let looksLeft = SLICE / STEP;
    await this.#inSteps(async () => {
      const { deleted, isDone } = await store.deleteTasks(endedBeforeMs, STEP);
      if (deleted > 0) metrics.tasksDeleted(deleted);
      else looksLeft--;
      return isDone || looksLeft === 0;
    });
  }

  /** @param step answers whether it was the last one. */
  async #inSteps(step: () => Promise<boolean>): Promise<void> {
    const { clock } = this.#options;
    const untilMs = clock.now() + DELETE_MS;
    while (!this.#isStopped) {
      const beganMs = clock.now();
      if ((await step()) || clock.now() >= untilMs) return;
      await this.#rest(REST_FACTOR * (clock.now() - beganMs));
    }
  }

  #rest(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(Math.max(1, ms), resolve);
      this.#endRest = () => {
        cancel();
        resolve();
      };
    });
  }

  async #try(what: string, work: () => Promise<unknown>): Promise<void> {
    if (this.#isStopped) return;
    try {
      await work();
    } catch (err) {
      this.#options.logger.error({ err }, `${what} could not be removed`);
    }
  }
}
