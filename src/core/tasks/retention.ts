/** Forgetting what need not be kept: logs of tasks that ended long ago, and deduplication rows past their time. */
import type { Clock } from '../clock.ts';
import type { Logger } from '../logger.ts';
import type { TaskStore } from './store.ts';

export interface RetentionOptions {
  readonly store: TaskStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Days that the events of ended tasks are kept; 0: for ever. Their content is kept in any case. */
  readonly logDays: number;
}

const EVERY_MS = 10_000;
/** Rows looked at per round, so that no round holds up the server. */
const SLICE = 10_000;
const DAY_MS = 86_400_000;

export class Retention {
  readonly #options: RetentionOptions;
  #stopTimer: (() => void) | null = null;
  #isWorking = false;

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  start(): void {
    this.#stopTimer ??= this.#options.clock.every(EVERY_MS, () => void this.sweep());
  }

  /** May be called twice. */
  stop(): void {
    this.#stopTimer?.();
    this.#stopTimer = null;
  }

  /** One round. Never rejects: what fails is logged and tried again. */
  async sweep(): Promise<void> {
    if (this.#isWorking) return;
    this.#isWorking = true;
    const { store, clock, logger, logDays } = this.#options;
    const nowMs = clock.now();
    try {
      await store.pruneDeduplication(nowMs, SLICE);
      if (logDays > 0) await store.trimLogs(nowMs - logDays * DAY_MS, SLICE);
    } catch (err) {
      logger.error({ err }, 'old rows could not be removed');
    } finally {
      this.#isWorking = false;
    }
  }
}
