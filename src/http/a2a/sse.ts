/** Server-sent events: one open stream is a sink that writes frames to a socket, within limits on what it buffers. */
import type { FastifyReply } from 'fastify';
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { LogRow } from '../../core/tasks/log.ts';
import type { OpenStream, StreamSink } from '../../core/tasks/service.ts';

export interface SseLimits {
  /** Between two comments that keep an idle connection open. */
  readonly heartbeatMs: number;
  /** Unsent bytes per connection beyond which no more events are written to it. */
  readonly maxBufferBytes: number;
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
  streamClosed(): void;
  /** A reader that was too slow for too long was cut off. */
  streamStalled(): void;
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
  readonly #stopTimer: () => void;

  constructor(limits: SseLimits, clock: Clock, logger: Logger, metrics: SseMetrics) {
    this.limits = limits;
    this.clock = clock;
    this.logger = logger;
    this.metrics = metrics;
    this.#stopTimer = clock.every(limits.heartbeatMs, () => {
      for (const stream of this.#open) stream.beat();
    });
  }

  get openCount(): number {
    return this.#open.size;
  }

  create(reply: FastifyReply, framing: Framing): SseStream {
    return new SseStream(this, reply, framing);
  }

  add(stream: SseStream): void {
    this.#open.add(stream);
    this.metrics.streamOpened();
  }

  remove(stream: SseStream): void {
    if (this.#open.delete(stream)) this.metrics.streamClosed();
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
  #fullSinceMs: number | null = null;

  constructor(streams: SseStreams, reply: FastifyReply, framing: Framing) {
    this.#streams = streams;
    this.#reply = reply;
    this.#framing = framing;
  }

  /** Binds the stream to where its events come from. Until then nothing can be resumed or closed. */
  bind(source: OpenStream): void {
    this.#source = source;
    if (this.#isOver) source.close();
    else this.open();
  }

  /** Sends the head; the first frame does so too. */
  open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#reply.hijack();
    const { raw } = this.#reply;
    const headers = this.#reply.getHeaders();
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) raw.setHeader(name, value);
    raw.writeHead(200, HEAD);
    raw.flushHeaders();
    raw.on('drain', () => this.#onDrain());
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
    this.open();
    const { raw } = this.#reply;
    raw.write(frames);
    if (raw.writableLength < this.#streams.limits.maxBufferBytes) return true;
    this.#fullSinceMs ??= this.#streams.clock.now();
    return false;
  }

  end(): void {
    this.finish();
  }

  broken(cause: unknown): void {
    this.#streams.logger.error({ err: cause }, 'stream broke off');
    this.finish();
  }

  finish(): void {
    if (this.#isOver) return;
    this.open();
    this.#isOver = true;
    this.#reply.raw.end();
    this.#release();
  }

  /** A comment to keep the connection open; or the end, for one that takes nothing. */
  beat(): void {
    const { limits, clock, metrics } = this.#streams;
    if (this.#fullSinceMs === null) {
      this.#reply.raw.write(': \n\n');
      return;
    }
    if (clock.now() - this.#fullSinceMs < limits.stalledTimeoutMs) return;
    metrics.streamStalled();
    this.#isOver = true;
    this.#reply.raw.destroy();
    this.#release();
  }

  #onDrain(): void {
    if (this.#fullSinceMs === null) return;
    this.#fullSinceMs = null;
    this.#source?.resume();
  }

  #onClose(): void {
    this.#isOver = true;
    this.#release();
  }

  #release(): void {
    this.#streams.remove(this);
    this.#source?.close();
  }
}
