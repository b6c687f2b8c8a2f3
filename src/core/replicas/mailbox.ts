/** What is to be said to other replicas, gathered for one turn of the event loop and sent in as few letters as it fits in. */
import { type LogRow, sizeOf } from '../tasks/log.ts';
import type { BusTarget, ReplicaBus } from './bus.ts';
import { encodeLetters, type ReplicaMessage } from './messages.ts';
import type { ReplicaMetrics } from './metrics.ts';
import { type LetterSeal, SEAL_BYTES } from './seal.ts';

export interface MailboxOptions {
  readonly bus: ReplicaBus;
  readonly seal: LetterSeal;
  readonly metrics: ReplicaMetrics;
}

/** Messages of one turn; more are given up. */
const MAX_WAITING = 50_000;

export class Mailbox {
  readonly #replicaId: string;
  readonly #options: MailboxOptions;
  readonly #beforeFlush: () => void;
  #toAll: ReplicaMessage[] = [];
  #toOne = new Map<string, ReplicaMessage[]>();
  #moved = new Map<string, { readonly to: ReadonlySet<string>; rows: LogRow[] }>();
  #hasWork = false;
  #waiting = 0;
  #isScheduled = false;

  /** @param beforeFlush called when everything is about to be sent, to add what is only decided then. */
  constructor(replicaId: string, options: MailboxOptions, beforeFlush: () => void) {
    this.#replicaId = replicaId;
    this.#options = options;
    this.#beforeFlush = beforeFlush;
  }

  send(target: BusTarget, message: ReplicaMessage): void {
    if (this.#waiting >= MAX_WAITING) {
      this.#options.metrics.dropped('queue', 1);
      return;
    }
    this.#waiting++;
    if (target === 'all') this.#toAll.push(message);
    else {
      const messages = this.#toOne.get(target.replicaId);
      if (messages === undefined) this.#toOne.set(target.replicaId, [message]);
      else messages.push(message);
    }
    this.schedule();
  }

  /** The next events of a task; those of one turn go together. */
  sendMoved(to: ReadonlySet<string>, taskId: string, rows: readonly LogRow[]): void {
    const moved = this.#moved.get(taskId);
    if (moved === undefined) this.#moved.set(taskId, { to, rows: [...rows] });
    else moved.rows.push(...rows);
    this.schedule();
  }

  /** Once a turn is enough. */
  sendWork(): void {
    if (this.#hasWork) return;
    this.#hasWork = true;
    this.send('all', { kind: 'work' });
  }

  /** Sends what there is at the end of this turn. */
  schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.flush());
  }

  flush(): void {
    this.#beforeFlush();
    this.#addMoves();
    this.#isScheduled = false;
    this.#hasWork = false;
    const [toAll, toOne] = [this.#toAll, this.#toOne];
    this.#toAll = [];
    this.#toOne = new Map();
    this.#waiting = 0;
    this.#publish('all', toAll);
    for (const [replicaId, messages] of toOne) this.#publish({ replicaId }, messages);
  }

  #addMoves(): void {
    const moves = this.#moved;
    this.#moved = new Map();
    for (const [taskId, { to, rows }] of moves) {
      const seq = rows.at(-1)?.seq ?? 0;
      const chars = rows.reduce((sum, row) => sum + sizeOf(row), 0);
      const isSmall = chars < this.#options.bus.maxPayloadBytes;
      const message: ReplicaMessage = { kind: 'moved', taskId, seq, ...(isSmall ? { rows } : {}) };
      for (const replicaId of to) this.send({ replicaId }, message);
    }
  }

  #publish(target: BusTarget, messages: readonly ReplicaMessage[]): void {
    if (messages.length === 0) return;
    const { bus, seal, metrics } = this.#options;
    const letters = encodeLetters(this.#replicaId, messages, bus.maxPayloadBytes - SEAL_BYTES);
    for (const letter of letters) bus.publish(target, seal.seal(letter));
    metrics.payloadsSent(letters.length);
  }
}
