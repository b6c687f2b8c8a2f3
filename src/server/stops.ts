/** What is to be stopped at the end, gathered while a server starts. */
import type { Logger } from '../core/logger.ts';

export class Stops {
  readonly #logger: Logger;
  readonly #stops: (() => Promise<void> | void)[] = [];
  #stopping: Promise<void> | null = null;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Added before the part is started: what a failed start has begun is stopped too. */
  push(stop: () => Promise<void> | void): void {
    this.#stops.push(stop);
  }

  /** In the reverse order; a part that does not stop cleanly is logged and does not keep the others from it. May be called twice. */
  all(): Promise<void> {
    this.#stopping ??= this.#all();
    return this.#stopping;
  }

  async #all(): Promise<void> {
    for (const stop of this.#stops.reverse()) {
      try {
        await stop();
      } catch (err) {
        this.#logger.error({ err }, 'a part did not stop cleanly');
      }
    }
  }
}
