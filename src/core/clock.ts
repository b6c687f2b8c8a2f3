/** Time as a dependency: `core` never reads the machine's clock itself, and tests turn their own. */

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls `task` once, `ms` from now; the returned function cancels it and may be called twice. */
  after(ms: number, task: () => void): () => void;
  /** Calls `task` every `ms` until the returned function is called. Never keeps the process alive by itself. */
  every(ms: number, task: () => void): () => void;
}
