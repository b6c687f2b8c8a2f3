/** A bus over a connection that may break: connects, notices the end, and connects again, for ever. */

import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import type { BusHandlers, BusTarget, ReplicaBus } from '../core/replicas/bus.ts';

/** A connection that works: what is published comes back to who listens. */
export interface BusConnection {
  readonly maxPayloadBytes: number;
  /** Resolves when it is of no use any more; never rejects. */
  readonly lost: Promise<void>;
  /** Never throws, never waits. */
  publish(target: BusTarget, payload: Uint8Array): void;
  /** Sends what waits, as far as that takes no time worth speaking of. Never rejects. */
  close(): Promise<void>;
}

export interface ReconnectingBusOptions {
  /** For people to read, in the log. */
  readonly name: string;
  /** The largest payload, in bytes, as long as no connection says something else. */
  readonly maxPayloadBytes: number;
  /** Rejects after a stated time at the latest. */
  readonly connect: (replicaId: string, handlers: BusHandlers) => Promise<BusConnection>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** From 0 to 1: replicas that lose their connections together do not come back together. */
  readonly random: () => number;
}

/** Payload bytes that may wait to be sent; what comes on top is given up. */
export const MAX_UNSENT_BYTES = 4 * 1024 * 1024;
/** How long a connection may take to come about, an answer to come, and the rest to be sent at the end. */
export const CONNECT_TIMEOUT_MS = 5000;
export const CLOSE_TIMEOUT_MS = 1000;
/** How often a silent connection is asked whether it still works. */
export const PING_EVERY_MS = 10_000;

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

export class ReconnectingBus implements ReplicaBus {
  readonly #options: ReconnectingBusOptions;
  #connection: BusConnection | null = null;
  #isStopped = false;
  #wake: (() => void) | null = null;

  constructor(options: ReconnectingBusOptions) {
    this.#options = options;
  }

  get maxPayloadBytes(): number {
    return this.#connection?.maxPayloadBytes ?? this.#options.maxPayloadBytes;
  }

  start(replicaId: string, handlers: BusHandlers): void {
    void this.#run(replicaId, handlers);
  }

  async #run(replicaId: string, handlers: BusHandlers): Promise<void> {
    const { connect, logger, name } = this.#options;
    let failures = 0;
    while (!this.#isStopped) {
      try {
        const connection = await connect(replicaId, handlers);
        failures = 0;
        await this.#use(connection, handlers);
      } catch (err) {
        // Once for each time that it is away, not for each try.
        if (failures++ === 0) logger.warn({ err, bus: name }, 'the bus between replicas cannot be reached');
      }
      if (!this.#isStopped) await this.#pause(failures);
    }
  }

  async #use(connection: BusConnection, handlers: BusHandlers): Promise<void> {
    if (this.#isStopped) {
      await connection.close();
      return;
    }
    this.#connection = connection;
    handlers.onState(true);
    await connection.lost;
    this.#connection = null;
    if (!this.#isStopped) handlers.onState(false);
    await connection.close();
  }

  #pause(failures: number): Promise<void> {
    const longestMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);
    const ms = longestMs * (0.5 + this.#options.random() / 2);
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }

  publish(target: BusTarget, payload: Uint8Array): void {
    this.#connection?.publish(target, payload);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#wake?.();
    await this.#connection?.close();
  }
}

/** Resolves when `work` has, in whatever way, or after `ms`. */
export function atMost(clock: Clock, ms: number, work: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(ms, resolve);
    const done = (): void => {
      cancel();
      resolve();
    };
    work.then(done, done);
  });
}

/** Rejects, in these words, where `answer` does not come within CONNECT_TIMEOUT_MS. */
export function inTime(clock: Clock, answer: Promise<void>, problem: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(CONNECT_TIMEOUT_MS, () => reject(new Error(problem)));
    answer.then(resolve, reject).finally(cancel);
  });
}
