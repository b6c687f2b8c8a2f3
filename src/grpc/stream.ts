/** An open stream of events over gRPC: a sink that writes messages within limits on what it buffers. */
import type { OpenStreams, ServedStream, StreamCaller, StreamEnd } from '../core/streams/open-streams.ts';
import type { LogRow } from '../core/tasks/log.ts';
import type { OpenStream, StreamSink } from '../core/tasks/service.ts';
import { AppError } from '../protocol/errors.ts';
import type { Exchange } from './exchange.ts';
import { http2StreamOf, MessageWriter } from './message-writer.ts';

/** How events are encoded in one version. */
export interface EventEncoder {
  event(row: LogRow): Buffer;
  /** The Task that a stream begins with, from 1.0 JSON text. */
  task(taskJson: string): Buffer;
}

/** Throws LIMIT_EXCEEDED while there is no room for another stream. */
export function createGrpcStream(streams: OpenStreams, exchange: Exchange, encoder: EventEncoder): GrpcStream {
  streams.checkRoom();
  return new GrpcStream(streams, exchange, encoder);
}

/**
 * StreamResponse has no place for the id of an event. Ids grow by one within a stream, so the first one is enough: it is
 * in the metadata of the answer as `first-event-id`, and the last one in the trailers as `last-event-id`.
 */
export class GrpcStream implements StreamSink, ServedStream {
  readonly caller: StreamCaller;
  readonly #streams: OpenStreams;
  readonly #exchange: Exchange;
  readonly #encoder: EventEncoder;
  readonly #writer: MessageWriter;
  #source: OpenStream | null = null;
  #lastEventId: number | null = null;
  #place = 0;
  #isOver = false;
  #isFull = false;
  /** What is left to do when the client has taken everything. */
  #atEnd: (() => void) | null = null;

  constructor(streams: OpenStreams, exchange: Exchange, encoder: EventEncoder) {
    this.#streams = streams;
    this.#exchange = exchange;
    this.#encoder = encoder;
    const { principal, credential } = exchange;
    this.caller = { principal, credential };
    this.#writer = new MessageWriter(http2StreamOf(exchange.base), streams.clock, streams.limits.stalledTimeoutMs, {
      drained: () => this.#onDrained(),
      stalled: () => {
        streams.metrics.streamStalled();
        exchange.cutOff();
      },
    });
    exchange.onClosed(() => this.#onClosed());
  }

  get unsentBytes(): number {
    return this.#writer.unsentBytes;
  }

  /** Binds the stream to where its events come from. @param lastEventId that the client has already. */
  bind(source: OpenStream, lastEventId: number | undefined): void {
    this.#source = source;
    if (this.#isOver) source.close();
    else if (lastEventId !== undefined) this.#open(lastEventId + 1);
  }

  #open(firstEventId: number): void {
    if (this.#lastEventId !== null) return;
    this.#lastEventId = firstEventId - 1;
    this.#exchange.header('first-event-id', String(firstEventId));
    this.#exchange.sendHead();
    this.#place = this.#streams.add(this);
  }

  snapshot(seq: number, taskJson: string): void {
    this.#write(seq, this.#encoder.task(taskJson));
  }

  events(rows: readonly LogRow[]): boolean {
    for (const row of rows) this.#write(row.seq, this.#encoder.event(row));
    if (this.#isOver) return false;
    this.#isFull = this.#writer.unsentBytes >= this.#streams.limits.maxBufferBytes;
    return !this.#isFull;
  }

  #write(seq: number, message: Buffer): void {
    if (this.#isOver) return;
    this.#open(seq);
    this.#lastEventId = seq;
    this.#exchange.watcher?.message(message, seq);
    this.#writer.write(message);
    this.#streams.behind(this);
  }

  end(): void {
    this.#finish(() => this.#exchange.end(this.#trailers()));
  }

  broken(cause: unknown): void {
    this.#streams.logger.error({ err: cause, requestId: this.#exchange.requestId }, 'stream broke off');
    this.#fail('UNAVAILABLE', 'The stream broke off');
  }

  finish(why: StreamEnd): void {
    if (why === 'stopping') this.#fail('UNAVAILABLE', 'The server is shutting down');
    else this.#fail('UNAUTHENTICATED', 'The credential of this stream is not valid any more');
  }

  /** The connection's own pings show that both are alive. */
  beat(): void {}

  #fail(code: 'UNAVAILABLE' | 'UNAUTHENTICATED', reason: string): void {
    this.#finish(() => {
      const where = this.#lastEventId === null ? '' : ` with the metadata last-event-id: ${this.#lastEventId}`;
      const retry = code === 'UNAVAILABLE' ? { retryAfterSeconds: 2 } : {};
      const error = new AppError(code, `${reason}; to go on, call SubscribeToTask${where}`, retry);
      this.#exchange.fail(error, this.#trailers());
    });
  }

  #trailers(): Record<string, string> {
    return this.#lastEventId === null ? {} : { 'last-event-id': String(this.#lastEventId) };
  }

  /** No more events. The stream counts as open until its reader has taken the last of them, or is cut off. */
  #finish(tell: () => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#source?.close();
    if (this.#writer.unsentBytes === 0) tell();
    else this.#atEnd = tell;
  }

  #onDrained(): void {
    if (this.#atEnd !== null) this.#atEnd();
    else if (this.#isFull) {
      this.#isFull = false;
      this.#source?.resume();
    }
  }

  #onClosed(): void {
    this.#isOver = true;
    this.#writer.dispose();
    this.#streams.remove(this.#place, this);
    this.#source?.close();
  }
}
