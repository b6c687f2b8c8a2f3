/** Server-sent events: one open stream is a sink that writes frames to a socket, within limits on what it buffers. */
import type { OutgoingHttpHeaders } from 'node:http';
import type { FastifyReply } from 'fastify';
import { credentialOf } from '../../core/access/credential.ts';
import type { OpenStreams, ServedStream, StreamCaller } from '../../core/streams/open-streams.ts';
import type { LogRow } from '../../core/tasks/log.ts';
import type { OpenStream, StreamSink } from '../../core/tasks/service.ts';

/** How a stream's events are written in one protocol version and binding. */
export interface Framing {
  /** One committed event. */
  event(row: LogRow): string;
  /** The Task that a stream begins with, from 1.0 JSON text. */
  task(taskJson: string): string;
}

const HEAD = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
} as const;

/** Throws LIMIT_EXCEEDED while there is no room for another stream. */
export function createSseStream(streams: OpenStreams, reply: FastifyReply, framing: Framing): SseStream {
  streams.checkRoom();
  return new SseStream(streams, reply, framing);
}

class SseStream implements StreamSink, ServedStream {
  readonly caller: StreamCaller;
  readonly #streams: OpenStreams;
  readonly #reply: FastifyReply;
  readonly #framing: Framing;
  #source: OpenStream | null = null;
  #place = 0;
  #isOpen = false;
  #isOver = false;
  #isFull = false;
  #isWatched = false;

  constructor(streams: OpenStreams, reply: FastifyReply, framing: Framing) {
    this.#streams = streams;
    this.#reply = reply;
    this.#framing = framing;
    const { principal, headers } = reply.request;
    this.caller = { principal, credential: credentialOf(headers) };
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
    this.#enter();
  }

  /** Its head is on the way: it is one of the open streams until the connection has taken it all, or is gone. */
  #enter(): void {
    const { raw } = this.#reply;
    raw.once('close', () => this.#onClose());
    this.#place = this.#streams.add(this);
    if (raw.destroyed) this.#onClose();
  }

  /** The whole stream at once, as an answer of known length: a good deal cheaper than chunks. */
  #answer(frames: string): void {
    const reply = this.#reply.headers(HEAD).send(frames);
    this.#isOpen = true;
    this.#isOver = true;
    this.#enter();
    if (reply.raw.writableLength > 0) this.#watch();
  }

  snapshot(seq: number, taskJson: string): void {
    this.#write(`id: ${seq}\ndata: ${this.#framing.task(taskJson)}\n\n`);
  }

  events(rows: readonly LogRow[], isEnd: boolean): boolean {
    let frames = '';
    for (const row of rows) frames += `id: ${row.seq}\ndata: ${this.#framing.event(row)}\n\n`;
    if (!isEnd || this.#isOpen || this.#isOver) return this.#write(frames);
    this.#answer(frames);
    return true;
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
    this.#streams.remove(this.#place, this);
    this.#source?.close();
  }
}
