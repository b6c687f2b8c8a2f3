/** Server-sent events: one open stream is a sink that writes frames to a socket, within limits on what it buffers. */
import type { OutgoingHttpHeaders } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { LogRow } from '../../core/tasks/log.ts';
import type { OpenStream, StreamSink } from '../../core/tasks/service.ts';
import { AppError } from '../../protocol/errors.ts';
import type { MayStay } from '../may-stay.ts';

export interface SseLimits {
  /** Between two comments that keep an idle connection open. */
  readonly heartbeatMs: number;
  /** Unsent bytes per connection beyond which no more events are written to it. */
  readonly maxBufferBytes: number;
  /** Unsent bytes of all connections beyond which no new stream is opened. */
  readonly maxTotalBufferBytes: number;
  /** A connection that takes nothing for so long is closed, at a position from which it can resume. */
  readonly stalledTimeoutMs: number;
}

/** How a stream's events are written in one protocol version and binding. */
export interface Framing {
  /** One committed event. */
  event(row: LogRow): string;
  /** The Task that a stream begins with, from 1.0 JSON text. */
  task(taskJson: string): string;
}

export interface SseMetrics {
  streamOpened(): void;
  /** A reader that was too slow for too long was cut off. */
  streamStalled(): void;
  limitReached(limit: string): void;
}

const HEAD = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
} as const;

/** All open streams of a server: their heartbeat, and their end when the server stops. */
export class SseStreams {
  readonly limits: SseLimits;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: SseMetrics;
  readonly #open = new Set<SseStream>();
  readonly #behind = new Set<SseStream>();
  readonly #mayStay: MayStay;
  readonly #stopTimer: () => void;

  constructor(limits: SseLimits, clock: Clock, logger: Logger, metrics: SseMetrics, mayStay: MayStay) {
    this.limits = limits;
    this.clock = clock;
    this.logger = logger;
    this.metrics = metrics;
    this.#mayStay = mayStay;
    this.#stopTimer = clock.every(limits.heartbeatMs, () => {
      for (const stream of this.#open) {
        stream.beat();
        void this.#recheck(stream);
      }
    });
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** Throws LIMIT_EXCEEDED while too much waits for readers that do not read: a stream begins with a whole Task. */
  create(reply: FastifyReply, framing: Framing): SseStream {
    const { maxTotalBufferBytes } = this.limits;
    if (this.#unsentBytes() > maxTotalBufferBytes) {
      this.metrics.limitReached('streams.maxTotalBufferBytes');
      const limit = `streams.maxTotalBufferBytes is ${maxTotalBufferBytes}`;
      throw new AppError('LIMIT_EXCEEDED', `Too much waits for slow readers (${limit}); try again, or poll GetTask`, {
        retryAfterSeconds: 5,
      });
    }
    return new SseStream(this, reply, framing);
  }

  /** Bytes wait for this stream's reader. */
  behind(stream: SseStream): void {
    this.#behind.add(stream);
  }

  #unsentBytes(): number {
    let sum = 0;
    for (const stream of this.#behind) {
      if (stream.unsentBytes === 0) this.#behind.delete(stream);
      sum += stream.unsentBytes;
    }
    return sum;
  }

  add(stream: SseStream): void {
    this.#open.add(stream);
    this.metrics.streamOpened();
  }

  remove(stream: SseStream): void {
    this.#open.delete(stream);
    this.#behind.delete(stream);
  }

  /** An API key was changed: its streams end at once where it opens nothing any more. Others are noticed at a heartbeat. */
  recheck(keyId: string): void {
    for (const stream of this.#open) if (stream.request.principal.keyId === keyId) void this.#recheck(stream);
  }

  async #recheck(stream: SseStream): Promise<void> {
    if (!(await this.#mayStay(stream.request))) stream.finish();
  }

  /** Ends every stream after its last whole event, so that clients can resume elsewhere. */
  stop(): void {
    this.#stopTimer();
    for (const stream of this.#open) stream.finish();
  }
}

export class SseStream implements StreamSink {
  readonly #streams: SseStreams;
  readonly #reply: FastifyReply;
  readonly #framing: Framing;
  #source: OpenStream | null = null;
  #isOpen = false;
  #isOver = false;
  #isFull = false;
  #isWatched = false;

  constructor(streams: SseStreams, reply: FastifyReply, framing: Framing) {
    this.#streams = streams;
    this.#reply = reply;
    this.#framing = framing;
  }

  get request(): FastifyRequest {
    return this.#reply.request;
  }

  get unsentBytes(): number {
    return this.#reply.raw.writableLength;
  }

  /** Binds the stream to where its events come from. Until then nothing can be resumed or closed. */
  bind(source: OpenStream): void {
    this.#source = source;
    if (this.#isOver) source.close();
    else if (!this.#isOpen) {
      this.#open();
      // With no frame to carry it, the head goes by itself: the client learns that it is connected.
      this.#reply.raw.flushHeaders();
    }
  }

  #open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#reply.hijack();
    const { raw } = this.#reply;
    // What the hooks have set goes out with our own.
    raw.writeHead(200, { ...this.#reply.getHeaders(), ...HEAD } as OutgoingHttpHeaders);
    raw.once('close', () => this.#onClose());
    this.#streams.add(this);
    if (raw.destroyed) this.#onClose();
  }

  snapshot(seq: number, taskJson: string): void {
    this.#write(`id: ${seq}\ndata: ${this.#framing.task(taskJson)}\n\n`);
  }

  events(rows: readonly LogRow[]): boolean {
    let frames = '';
    for (const row of rows) frames += `id: ${row.seq}\ndata: ${this.#framing.event(row)}\n\n`;
    return this.#write(frames);
  }

  /** Whether there is room for more. */
  #write(frames: string): boolean {
    if (this.#isOver) return false;
    this.#open();
    const { raw } = this.#reply;
    if (!raw.write(frames)) this.#watch();
    if (raw.writableLength < this.#streams.limits.maxBufferBytes) return true;
    this.#isFull = true;
    return false;
  }

  /**
   * Bytes wait for the reader: it is cut off when it takes none of them for too long. The socket's own timer knows of
   * every byte that the kernel has taken, so that slow is not stalled.
   */
  #watch(): void {
    this.#streams.behind(this);
    if (this.#isWatched) return;
    this.#isWatched = true;
    const { raw } = this.#reply;
    raw.on('drain', () => this.#onDrain());
    const { limits, metrics } = this.#streams;
    raw.setTimeout(limits.stalledTimeoutMs, () => {
      if (raw.writableLength === 0 || raw.destroyed) return;
      metrics.streamStalled();
      raw.destroy();
    });
  }

  end(): void {
    this.finish();
  }

  broken(cause: unknown): void {
    this.#streams.logger.error({ err: cause }, 'stream broke off');
    this.finish();
  }

  /** No more events. The stream counts as open until its reader has taken the last of them, or is cut off. */
  finish(): void {
    if (this.#isOver) return;
    this.#open();
    this.#isOver = true;
    const { raw } = this.#reply;
    raw.end();
    if (raw.writableLength > 0) this.#watch();
    this.#source?.close();
  }

  /** A comment to keep the connection open; of no use while bytes wait that nobody takes. */
  beat(): void {
    const { raw } = this.#reply;
    if (!this.#isOver && raw.writableLength === 0) raw.write(': \n\n');
  }

  #onDrain(): void {
    if (!this.#isFull) return;
    this.#isFull = false;
    this.#source?.resume();
  }

  #onClose(): void {
    this.#isOver = true;
    this.#streams.remove(this);
    this.#source?.close();
  }
}
