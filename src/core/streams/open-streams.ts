/** All open streams of a server, whatever they go by: their budget, their heartbeat, and their end. */
import { AppError } from '../../protocol/errors.ts';
import type { Principal } from '../access/principal.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../logger.ts';
import { TransitMap } from '../transit-map.ts';

export interface StreamLimits {
  /** Between two signs of life on an idle connection. */
  readonly heartbeatMs: number;
  /** Unsent bytes per stream beyond which no more events are written to it. */
  readonly maxBufferBytes: number;
  /** Unsent bytes of all streams beyond which no new one is opened. */
  readonly maxTotalBufferBytes: number;
  /** A stream that takes nothing for so long is cut off, at a position from which it can resume. */
  readonly stalledTimeoutMs: number;
}

export interface StreamMetrics {
  streamOpened(): void;
  /** A reader that was too slow for too long was cut off. */
  streamStalled(): void;
  limitReached(limit: string): void;
}

/** Who opened a stream, and with what. */
export interface StreamCaller {
  readonly principal: Principal;
  readonly credential: string | undefined;
}

/** Why the server ends a stream: it stops, or its caller may not follow it any more. */
export type StreamEnd = 'stopping' | 'revoked';

/** A stream as the server's keeper of streams sees it. */
export interface ServedStream {
  readonly caller: StreamCaller;
  readonly unsentBytes: number;
  /** Ends after the last whole event, so that the client can resume elsewhere. */
  finish(why: StreamEnd): void;
  /** A sign of life, where the connection needs one. */
  beat(): void;
}

/** What counts against the budget of all streams, of other kinds too. */
export type Unsent = Pick<ServedStream, 'unsentBytes'>;

/** Whether who opened a stream may still do so; never rejects. */
export type MayStay = (caller: StreamCaller) => Promise<boolean>;

export class OpenStreams {
  readonly limits: StreamLimits;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: StreamMetrics;
  readonly #open = new TransitMap<number, ServedStream>();
  #lastPlace = 0;
  readonly #behind = new Set<Unsent>();
  readonly #mayStay: MayStay;
  readonly #stopTimer: () => void;
  #isStopped = false;

  constructor(limits: StreamLimits, clock: Clock, logger: Logger, metrics: StreamMetrics, mayStay: MayStay) {
    this.limits = limits;
    this.clock = clock;
    this.logger = logger;
    this.metrics = metrics;
    this.#mayStay = mayStay;
    this.#stopTimer = clock.every(limits.heartbeatMs, () => {
      for (const stream of this.#open.values()) {
        stream.beat();
        void this.#recheck(stream);
      }
    });
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** Throws LIMIT_EXCEEDED while too much waits for readers that do not read: a stream begins with a whole Task. */
  checkRoom(): void {
    const { maxTotalBufferBytes } = this.limits;
    if (this.#unsentBytes() <= maxTotalBufferBytes) return;
    this.metrics.limitReached('streams.maxTotalBufferBytes');
    const limit = `streams.maxTotalBufferBytes is ${maxTotalBufferBytes}`;
    throw new AppError('LIMIT_EXCEEDED', `Too much waits for slow readers (${limit}); try again, or poll GetTask`, {
      retryAfterSeconds: 5,
    });
  }

  /** Bytes wait for this stream's reader. */
  behind(stream: Unsent): void {
    this.#behind.add(stream);
  }

  /** Nothing waits any more: the reader has left. */
  left(stream: Unsent): void {
    this.#behind.delete(stream);
  }

  #unsentBytes(): number {
    let sum = 0;
    for (const stream of this.#behind) {
      if (stream.unsentBytes === 0) this.#behind.delete(stream);
      sum += stream.unsentBytes;
    }
    return sum;
  }

  /** The stream's place, with which it is removed. */
  add(stream: ServedStream): number {
    const place = ++this.#lastPlace;
    this.#open.set(place, stream);
    this.metrics.streamOpened();
    // With the first event, from which it can be resumed elsewhere.
    if (this.#isStopped) setImmediate(() => stream.finish('stopping'));
    return place;
  }

  remove(place: number, stream: ServedStream): void {
    this.#open.delete(place);
    this.#behind.delete(stream);
  }

  /** An API key was changed: its streams end at once where it opens nothing any more. Others are noticed at a heartbeat. */
  recheck(keyId: string): void {
    for (const stream of this.#open.values()) if (stream.caller.principal.keyId === keyId) void this.#recheck(stream);
  }

  async #recheck(stream: ServedStream): Promise<void> {
    if (!(await this.#mayStay(stream.caller))) stream.finish('revoked');
  }

  /** Ends every stream after its last whole event, so that clients can resume elsewhere; so too any that comes later. */
  stop(): void {
    this.#isStopped = true;
    this.#stopTimer();
    for (const stream of this.#open.values()) stream.finish('stopping');
  }
}
