/** The executor's side of one turn: its events, pulled one at a time, and what it sees of its task. */
import type { AppError } from '../../protocol/errors.ts';
import type { Message, Task } from '../../protocol/v1/types.ts';
import { type Clock, sleep } from '../clock.ts';
import type { AgentEvent, Executor, Run } from './executor.ts';

/** What the executor is told, besides time and the signal. */
export type RunView = Omit<Run, 'signal' | 'now' | 'sleep'>;

export interface ExecutionListener {
  onNext(next: IteratorResult<AgentEvent>): void;
  onThrow(error: unknown): void;
}

export class Execution {
  readonly #executor: Executor;
  readonly #clock: Clock;
  readonly #listener: ExecutionListener;
  #iterator: AsyncIterator<AgentEvent> | null = null;
  #abort: AbortController | null = null;
  #abortReason: AppError | null = null;

  constructor(executor: Executor, clock: Clock, listener: ExecutionListener) {
    this.#executor = executor;
    this.#clock = clock;
    this.#listener = listener;
  }

  get hasBegun(): boolean {
    return this.#iterator !== null;
  }

  /** Throws what the executor throws where it should give its events. */
  begin(view: RunView): void {
    this.#iterator = this.#executor.execute(new ExecutorsRun(this, this.#clock, view))[Symbol.asyncIterator]();
  }

  /** Asks for the next event, which the listener gets. */
  pull(): void {
    try {
      this.#iterator?.next().then(
        (next) => this.#listener.onNext(next),
        (error: unknown) => this.#listener.onThrow(error),
      );
    } catch (error) {
      // An iterator made by hand, which throws instead of rejecting.
      this.#listener.onThrow(error);
    }
  }

  /** It is not asked again, and may clean up; `onThrow` gets what it throws meanwhile. */
  release(onThrow: (error: unknown) => void): void {
    try {
      this.#iterator?.return?.().then(undefined, onThrow);
    } catch (error) {
      onThrow(error);
    }
  }

  abort(reason: AppError): void {
    this.#abortReason = reason;
    this.#abort?.abort(reason);
  }

  /** Made when first asked for: most short runs never look at it. */
  signal(): AbortSignal {
    if (this.#abort === null) {
      this.#abort = new AbortController();
      if (this.#abortReason !== null) this.#abort.abort(this.#abortReason);
    }
    return this.#abort.signal;
  }
}

const EXECUTION = Symbol('execution');

/** One function for all: see below. */
const SIGNAL: PropertyDescriptor & ThisType<ExecutorsRun> = {
  enumerable: true,
  get() {
    return this[EXECUTION].signal();
  },
};

/**
 * The turn as the executor sees it; an executor may take it apart, copy it with `...`, or wrap it. A class with one
 * getter for all: V8 makes a dictionary of an object that has one of its own, several times as large and slow to make.
 */
class ExecutorsRun implements Run {
  readonly taskId: string;
  readonly contextId: string;
  readonly ownerId: string;
  readonly message: Message;
  readonly attempt: number;
  readonly loadTask: () => Promise<Task>;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  declare readonly signal: AbortSignal;
  readonly [EXECUTION]: Execution;

  constructor(execution: Execution, clock: Clock, view: RunView) {
    this.taskId = view.taskId;
    this.contextId = view.contextId;
    this.ownerId = view.ownerId;
    this.message = view.message;
    this.attempt = view.attempt;
    this.loadTask = view.loadTask;
    this.now = () => clock.now();
    this.sleep = (ms) => sleep(clock, ms, execution.signal());
    this[EXECUTION] = execution;
    Object.defineProperty(this, 'signal', SIGNAL);
  }
}
