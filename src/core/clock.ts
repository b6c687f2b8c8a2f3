/** Time as a dependency: `core` never reads the machine's clock itself, and tests turn their own. */
import { toAppError } from '../protocol/errors.ts';

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls `task` once, `ms` from now; the returned function cancels it and may be called twice. */
  after(ms: number, task: () => void): () => void;
  /** Calls `task` every `ms` until the returned function is called. Never keeps the process alive by itself. */
  every(ms: number, task: () => void): () => void;
}

/** Resolves when `promise` does, or after `ms`; rejects where it does before. */
export async function atMost(clock: Clock, ms: number, promise: Promise<void>): Promise<void> {
  let cancel: () => void = () => {};
  const isOver = new Promise<void>((resolve) => {
    cancel = clock.after(ms, resolve);
  });
  try {
    await Promise.race([promise, isOver]);
  } finally {
    cancel();
  }
}

/** Resolves after `ms`; rejects with the signal's reason, as an AppError, when that is aborted before. */
export function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(toAppError(signal.reason));
      return;
    }
    const onAbort = (): void => {
      cancel();
      reject(toAppError(signal.reason));
    };
    const cancel = clock.after(ms, () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
