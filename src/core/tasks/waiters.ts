/** Callers that wait for one moment. */

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class Waiters {
  /** Made when somebody waits: mostly nobody does. */
  #waiting: Set<Waiter> | null = null;

  /** Resolves at the moment, or as soon as `signal` is aborted; rejects when the moment will not come. */
  wait(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting?.delete(waiter);
        resolve();
      };
      const done = (): void => signal?.removeEventListener('abort', leave);
      const waiter: Waiter = {
        resolve: () => {
          done();
          resolve();
        },
        reject: (error) => {
          done();
          reject(error);
        },
      };
      signal?.addEventListener('abort', leave, { once: true });
      this.#waiting ??= new Set();
      this.#waiting.add(waiter);
    });
  }

  /** The moment is here. */
  release(): void {
    for (const waiter of this.#take()) waiter.resolve();
  }

  /** It will not come. */
  fail(error: unknown): void {
    for (const waiter of this.#take()) waiter.reject(error);
  }

  #take(): Iterable<Waiter> {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    return waiting;
  }
}
