/** Whether the server can do its work: it has started, and its database answers in good time. */
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';

export interface ReadinessOptions {
  /** Started, and not stopping. */
  readonly isOpen: () => boolean;
  /** Rejects when the database does not answer. */
  readonly ping: () => Promise<void>;
  /** `false`: the database answers and takes no writes, as with a full disk. */
  readonly isStoring: () => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A database that takes longer than this counts as down: balancers do not wait either. */
const PING_LIMIT_MS = 2000;
/** Anyone may ask: the database is asked once for all who do within this time. */
const REMEMBERED_MS = 1000;

export class ReadinessCheck {
  readonly #options: ReadinessOptions;
  #wasDown = false;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #answer: Promise<readonly string[]> = Promise.resolve([]);

  constructor(options: ReadinessOptions) {
    this.#options = options;
  }

  /** Names of what is down; empty when all is well. A change of the database's state is worth a line in the log. */
  async check(): Promise<readonly string[]> {
    const { isOpen, clock } = this.#options;
    if (!isOpen()) return ['server'];
    const nowMs = clock.now();
    if (nowMs - this.#askedAtMs >= REMEMBERED_MS) {
      this.#askedAtMs = nowMs;
      this.#answer = this.#ask();
    }
    return this.#answer;
  }

  async #ask(): Promise<readonly string[]> {
    const { logger, isStoring } = this.#options;
    try {
      await this.#pingInTime();
      if (!isStoring()) throw new Error('it answers, but takes no writes');
      if (this.#wasDown) logger.info('the database works again');
      this.#wasDown = false;
      return [];
    } catch (err) {
      if (!this.#wasDown) logger.error({ err }, 'the database does not work');
      this.#wasDown = true;
      return ['database'];
    }
  }

  #pingInTime(): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = this.#options.clock.after(PING_LIMIT_MS, () => {
        reject(new Error(`no answer within ${PING_LIMIT_MS} ms`));
      });
      this.#options.ping().then(resolve, reject).finally(cancel);
    });
  }
}
