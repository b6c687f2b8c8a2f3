/**
 * Writes the messages of one answer to its HTTP/2 stream, a piece at a time, so that it is known to the piece what the
 * client has not taken. The library writes whole messages and tells of nothing in between.
 */
import type { ServerHttp2Stream } from 'node:http2';
import { Duplex } from 'node:stream';
import type { ServerInterceptingCallInterface } from '@grpc/grpc-js';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../protocol/errors.ts';

/** What HTTP/2 lets a client leave unread by default. */
const PIECE_BYTES = 65_536;
/** A byte for the compression, which is none, and four for the length. */
const PREFIX_BYTES = 5;

export interface WriterEvents {
  /** All that was written has been taken. */
  drained(): void;
  /** Nothing was taken for too long. */
  stalled(): void;
}

/** The stream below a call of the library, which keeps it to itself. */
export function http2StreamOf(call: ServerInterceptingCallInterface): ServerHttp2Stream {
  const stream: unknown = Reflect.get(call, 'stream');
  if (isHttp2Stream(stream)) return stream;
  throw new AppError('INTERNAL', 'Internal error', {
    detail: 'this version of the gRPC library shows no HTTP/2 stream',
  });
}

function isHttp2Stream(value: unknown): value is ServerHttp2Stream {
  return value instanceof Duplex && 'rstCode' in value && 'session' in value;
}

export class MessageWriter {
  readonly #stream: ServerHttp2Stream;
  readonly #clock: Clock;
  readonly #stalledTimeoutMs: number;
  readonly #events: WriterEvents;
  #queue: Buffer[] = [];
  #unsentBytes = 0;
  #inFlightBytes = 0;
  #progressAtMs = 0;
  #stopTimer: (() => void) | null = null;

  constructor(stream: ServerHttp2Stream, clock: Clock, stalledTimeoutMs: number, events: WriterEvents) {
    this.#stream = stream;
    this.#clock = clock;
    this.#stalledTimeoutMs = stalledTimeoutMs;
    this.#events = events;
  }

  get unsentBytes(): number {
    return this.#unsentBytes;
  }

  write(message: Buffer): void {
    const prefix = Buffer.alloc(PREFIX_BYTES);
    prefix.writeUInt32BE(message.length, 1);
    this.#queue.push(prefix, message);
    this.#unsentBytes += PREFIX_BYTES + message.length;
    this.#pump();
  }

  /** Forgets what was not taken. */
  dispose(): void {
    this.#stopTimer?.();
    this.#stopTimer = null;
    this.#queue = [];
    this.#unsentBytes = 0;
  }

  #pump(): void {
    if (this.#inFlightBytes > 0 || this.#queue.length === 0 || this.#stream.destroyed) return;
    const piece = this.#take();
    this.#inFlightBytes = piece.length;
    this.#progressAtMs = this.#clock.now();
    this.#stopTimer ??= this.#clock.after(this.#stalledTimeoutMs, () => this.#check());
    this.#stream.write(piece, () => this.#taken());
  }

  #take(): Buffer {
    const pieces: Buffer[] = [];
    let room = PIECE_BYTES;
    while (room > 0) {
      const [first] = this.#queue;
      if (first === undefined) break;
      if (first.length <= room) this.#queue.shift();
      else this.#queue[0] = first.subarray(room);
      pieces.push(first.subarray(0, room));
      room -= Math.min(room, first.length);
    }
    return Buffer.concat(pieces);
  }

  #taken(): void {
    // Disposed of meanwhile: there is nothing left to count.
    this.#unsentBytes = Math.max(0, this.#unsentBytes - this.#inFlightBytes);
    this.#inFlightBytes = 0;
    if (this.#queue.length > 0) this.#pump();
    else if (this.#unsentBytes === 0) this.#events.drained();
  }

  #check(): void {
    this.#stopTimer = null;
    if (this.#unsentBytes === 0) return;
    const leftMs = this.#progressAtMs + this.#stalledTimeoutMs - this.#clock.now();
    if (leftMs > 0) this.#stopTimer = this.#clock.after(leftMs, () => this.#check());
    else this.#events.stalled();
  }
}
