/**
 * Tasks that are followed here and run elsewhere, looked up in the database now and then: what the bus does not tell, or has
 * lost, is found by this. One statement for all of them, whatever their number.
 */
import type { Logger } from '../logger.ts';
import type { SubscriptionHub } from '../tasks/hub.ts';
import type { TaskStore } from '../tasks/store.ts';

/** Without a bus; and with one that is trusted, which has told of nearly everything already. */
const LOOK_MS = 1000;
const LOOK_WITH_BUS_MS = 5000;
/** Timers fire a little early by the clock; else every other look would be left out. */
const EARLY_MS = 100;
/** Tasks per statement. */
const CHUNK = 5000;

export interface ElsewhereOptions {
  readonly store: TaskStore;
  readonly hub: SubscriptionHub;
  readonly logger: Logger;
  readonly isRunHere: (taskId: string) => boolean;
  readonly mayTrustBus: () => boolean;
  /** The bus had not told of the events of this task. */
  readonly onMissed: (taskId: string) => void;
}

export class TasksElsewhere {
  readonly #options: ElsewhereOptions;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #isLooking = false;

  constructor(options: ElsewhereOptions) {
    this.#options = options;
  }

  /** Looks where it is time to. Never rejects: what fails is logged and tried again. */
  async look(nowMs: number): Promise<void> {
    const { hub, logger, isRunHere, mayTrustBus } = this.#options;
    const everyMs = mayTrustBus() ? LOOK_WITH_BUS_MS : LOOK_MS;
    const sinceMs = nowMs - this.#lookedAtMs;
    // A clock that was set back says nothing of how long ago it was.
    if (this.#isLooking || (sinceMs >= 0 && sinceMs < everyMs - EARLY_MS)) return;
    this.#lookedAtMs = nowMs;
    this.#isLooking = true;
    try {
      const ids = [...hub.followedIds()].filter((taskId) => !isRunHere(taskId));
      for (let begin = 0; begin < ids.length; begin += CHUNK) await this.#lookAt(ids.slice(begin, begin + CHUNK));
    } catch (err) {
      logger.error({ err }, 'tasks that other replicas run could not be looked up');
    } finally {
      this.#isLooking = false;
    }
  }

  async #lookAt(ids: readonly string[]): Promise<void> {
    const { store, hub, onMissed } = this.#options;
    for (const [taskId, seq] of await store.readSeqs(ids)) {
      if (hub.poke(taskId, seq)) onMissed(taskId);
    }
  }
}
