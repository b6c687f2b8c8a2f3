/** How a run begins: with what, and how its first write comes out. */
import type { AppError } from '../../protocol/errors.ts';
import type { Message } from '../../protocol/v1/types.ts';
import type { NewPushConfig } from '../push/push-config.ts';
import type { Executor } from './executor.ts';
import type { LogRow } from './log.ts';
import type { Deduplication, TaskHead, TaskWrite } from './store.ts';

export interface RunStart {
  readonly executor: Executor;
  readonly message: Message;
  /** The head that the first write builds on; null for a new task. */
  readonly before: TaskHead | null;
  readonly head: TaskHead;
  readonly rows: readonly LogRow[];
  readonly discard: TaskWrite['discard'];
  readonly dedup: Deduplication | null;
  /** Goes with the first write. */
  readonly pushConfig?: NewPushConfig | undefined;
  /** The request that brought the message, for the log; absent where the server itself began the turn. */
  readonly requestId?: string | undefined;
}

/** How the first write of a run came out. */
export type Admission =
  | { readonly status: 'admitted' }
  | { readonly status: 'duplicate'; readonly taskId: string; readonly sameBody: boolean }
  | { readonly status: 'conflict' };

/** The first write of a run, until it is known how it came out. */
export class FirstWrite {
  readonly outcome: Promise<Admission>;
  #resolve: ((admission: Admission) => void) | null = null;
  #reject: ((error: unknown) => void) | null = null;

  constructor() {
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  get isOpen(): boolean {
    return this.#resolve !== null;
  }

  /** What comes after the first word on it changes nothing. */
  settle(admission: Admission): void {
    this.#resolve?.(admission);
    this.#close();
  }

  fail(error: AppError): void {
    this.#reject?.(error);
    this.#close();
  }

  #close(): void {
    this.#resolve = null;
    this.#reject = null;
  }
}
