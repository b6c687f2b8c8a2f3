/**
 * Following one task: a position in its log that only moves forward, one event at a time. Live events are passed on as
 * they are committed; whatever is missing in between (a slow reader, another replica's events) is read from the log.
 */
import { type LogRow, stateOf } from './log.ts';
import { isPaused, isTerminal } from './states.ts';
import type { TaskStore } from './store.ts';

/** Where a subscription's events go. */
export interface EventSink {
  /**
   * Events in order, no gap, no duplicate. Returns false when it can take no more until `resume` is called.
   * @param isEnd `end` comes next; a sink may have finished by then.
   */
  events(rows: readonly LogRow[], isEnd: boolean): boolean;
  /** The task has ended, or asks for input, and its last event was passed on. */
  end(): void;
  /** The log could not be read on; the stream ends at a resumable position. */
  broken(cause: unknown): void;
}

/** Events read from the log at a time: few at first, then by their size. */
const FIRST_PAGE = 8;
const MAX_PAGE = 512;
const PAGE_CHARS = 1024 * 1024;

/** Whether nothing follows this event. */
function isLastEvent(row: LogRow): boolean {
  const state = stateOf(row);
  return state !== undefined && isTerminal(state);
}

/** The agent waits for the client: the stream of this turn is over (A2A 1.0 section 11.7, and `final` in 0.3). */
function endsTurn(row: LogRow): boolean {
  const state = stateOf(row);
  return state !== undefined && isPaused(state);
}

/** So many events of the size of these that a page of them stays small, whatever their size is. */
function pageSizeAfter(rows: readonly LogRow[]): number {
  const chars = rows.reduce((sum, row) => sum + row.body.length, 0);
  return Math.max(1, Math.min(MAX_PAGE, Math.floor((PAGE_CHARS * rows.length) / Math.max(1, chars))));
}

function trimmed(position: number): Error {
  return new Error(`the log of the task was trimmed after event ${position}`);
}

export class TaskSubscription {
  readonly taskId: string;
  readonly #store: TaskStore;
  readonly #sink: EventSink;
  readonly #onClose: (subscription: TaskSubscription) => void;
  #position = 0;
  /** An event that is known to have been in the log. */
  #knownHead = 0;
  /** Not to be disturbed: not started, reading the log, or the sink is full. Live events are then left to the log. */
  #busy = true;
  #missed = false;
  #pageSize = FIRST_PAGE;
  #sinkFull = false;
  #closed = false;

  constructor(taskId: string, store: TaskStore, sink: EventSink, onClose: (s: TaskSubscription) => void) {
    this.taskId = taskId;
    this.#store = store;
    this.#sink = sink;
    this.#onClose = onClose;
  }

  /** The `seq` of the last event passed on. */
  get position(): number {
    return this.#position;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /**
   * Begins after `afterSeq`: what the log already has beyond it, up to `headSeq` at least, comes first. `isFresh`: the
   * log cannot have more yet. Resolves when the sink has all of that, or can take no more; never rejects.
   */
  start(afterSeq: number, headSeq: number, isFresh = false): Promise<void> {
    this.#position = afterSeq;
    this.#knownHead = Math.max(this.#knownHead, headSeq);
    if (!isFresh || this.#missed) return this.#catchUp();
    this.#busy = false;
    return Promise.resolve();
  }

  /** Called by the hub with events that were just committed. */
  onCommitted(rows: readonly LogRow[]): void {
    if (this.#closed) return;
    const first = rows[0];
    const last = rows[rows.length - 1];
    // Told twice, or too late.
    if (first === undefined || last === undefined || last.seq <= this.#position) return;
    this.#knownHead = Math.max(this.#knownHead, first.seq);
    if (this.#busy) {
      this.#missed = true;
      return;
    }
    if (first.seq !== this.#position + 1) {
      void this.#catchUp();
      return;
    }
    try {
      this.#pass(rows, true);
    } catch (cause) {
      // A sink's fault ends this stream; whoever commits and the other followers know nothing of it.
      this.breakOff(cause);
    }
  }

  /** There may be events that no one has told of. */
  poke(): void {
    if (this.#busy) this.#missed = true;
    else if (!this.#closed) void this.#catchUp();
  }

  /** The sink has room again. Resolves as `start` does. */
  async resume(): Promise<void> {
    if (this.#closed || !this.#sinkFull) return;
    this.#sinkFull = false;
    await this.#catchUp();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose(this);
  }

  /** @param isNewest the log has nothing beyond these. */
  #pass(rows: readonly LogRow[], isNewest: boolean): void {
    const last = rows[rows.length - 1];
    if (last === undefined) return;
    this.#position = last.seq;
    const isEnd = isLastEvent(last) || (isNewest && endsTurn(last));
    if (!this.#sink.events(rows, isEnd)) {
      this.#sinkFull = true;
      this.#busy = true;
    }
    if (isEnd) {
      this.close();
      this.#sink.end();
    }
  }

  async #catchUp(): Promise<void> {
    this.#busy = true;
    try {
      for (;;) {
        this.#missed = false;
        const limit = this.#pageSize;
        const rows = await this.#store.readEvents(this.taskId, this.#position, limit);
        if (this.#closed) return;
        const last = rows.at(-1);
        if (last !== undefined) {
          // What is kept as content after the log was trimmed has gaps: no stream may pass over them in silence.
          if (last.seq !== this.#position + rows.length) throw trimmed(this.#position);
          this.#pageSize = pageSizeAfter(rows);
          this.#pass(rows, !this.#missed && rows.length < limit);
        }
        if (this.#closed || this.#sinkFull) return;
        if (!this.#missed && rows.length < limit) break;
      }
      if (this.#position < this.#knownHead) throw trimmed(this.#position);
      this.#busy = false;
    } catch (cause) {
      this.breakOff(cause);
    }
  }

  /** Ends it with a cause, of which the sink is told. */
  breakOff(cause: unknown): void {
    if (this.#closed) return;
    this.close();
    this.#sink.broken(cause);
  }
}
