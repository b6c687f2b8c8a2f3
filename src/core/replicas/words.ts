/** Who waits for a word of other replicas about a task. */
import type { Clock } from '../clock.ts';

export interface TaskWatch {
  /** Whether a word has come since the last call: at once where it has, else when one comes (`true`), or `ms` are over. */
  next(ms: number): Promise<boolean>;
  close(): void;
}

interface Listener {
  hasWord: boolean;
  wake: (() => void) | null;
}

export class Words {
  readonly #clock: Clock;
  readonly #byTask = new Map<string, Set<Listener>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  watch(taskId: string): TaskWatch {
    const listener: Listener = { hasWord: false, wake: null };
    const listeners = this.#byTask.get(taskId) ?? new Set();
    this.#byTask.set(taskId, listeners.add(listener));
    return {
      next: (ms) => this.#next(listener, ms),
      close: () => {
        listeners.delete(listener);
        if (listeners.size === 0 && this.#byTask.get(taskId) === listeners) this.#byTask.delete(taskId);
      },
    };
  }

  #next(listener: Listener, ms: number): Promise<boolean> {
    if (listener.hasWord) {
      listener.hasWord = false;
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const done = (hasWord: boolean): void => {
        cancel();
        listener.wake = null;
        resolve(hasWord);
      };
      const cancel = this.#clock.after(ms, () => done(false));
      listener.wake = () => done(true);
    });
  }

  /** Answers whether anybody waits for it. */
  tell(taskId: string): boolean {
    const listeners = this.#byTask.get(taskId);
    for (const listener of listeners ?? []) {
      if (listener.wake === null) listener.hasWord = true;
      else listener.wake();
    }
    return listeners !== undefined;
  }
}
