/** Calls that need no authentication: they are small, and of those that last there are only so many. */
import { AppError } from '../protocol/errors.ts';
import type { Exchange } from './exchange.ts';
import { http2StreamOf } from './message-writer.ts';
import type { GrpcOptions } from './options.ts';

/** All that a client sends in one call: names of services, types and files. */
const MAX_REQUEST_BYTES = 16 * 1024;

export class PublicCalls {
  readonly #options: GrpcOptions;
  #count = 0;

  constructor(options: GrpcOptions) {
    this.#options = options;
  }

  /** @param lasts `false`: it is over when it is answered, and must work also while others use up their number. */
  enter(exchange: Exchange, lasts: boolean): void {
    if (lasts) this.#takePlace(exchange);
    // The library's own limit of this one call, which it keeps to itself: it holds for what a compressed message becomes.
    Reflect.set(exchange.base, 'maxReceiveMessageSize', MAX_REQUEST_BYTES);
    let bytes = 0;
    // The library has stored the same piece already; what comes after is dropped with the call.
    http2StreamOf(exchange.base).on('data', (piece: Buffer) => {
      const before = bytes;
      bytes += piece.length;
      if (before <= MAX_REQUEST_BYTES && bytes > MAX_REQUEST_BYTES) {
        const told = `A call that needs no authentication may send ${MAX_REQUEST_BYTES} bytes`;
        exchange.fail(new AppError('PAYLOAD_TOO_LARGE', told));
      }
    });
  }

  #takePlace(exchange: Exchange): void {
    const { limits, metrics } = this.#options;
    if (this.#count >= limits.maxPublicCalls) {
      const limit = 'grpc.maxPublicCalls';
      metrics.limitReached(limit);
      const told = `Too many calls without authentication at once (${limit} is ${limits.maxPublicCalls}); try again`;
      throw new AppError('LIMIT_EXCEEDED', told, { metadata: { limit }, retryAfterSeconds: 5 });
    }
    this.#count++;
    exchange.onClosed(() => this.#count--);
  }
}
