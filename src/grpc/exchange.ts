/** One call on the wire: what came with it, and its one end. Everything that answers goes through here. */
import { constants } from 'node:http2';
import { Metadata, type ServerInterceptingCallInterface, status } from '@grpc/grpc-js';
import { type CredentialHeaders, credentialOf } from '../core/access/credential.ts';
import { ANONYMOUS, type Principal } from '../core/access/principal.ts';
import type { HeaderSink } from '../core/limits/rate-limiter.ts';
import { isRequestId } from '../core/operations/service-parameters.ts';
import { AppError, ERROR_TABLE, toAppError } from '../protocol/errors.ts';
import { STATUS_CODES, statusBytes } from '../protocol/protobuf/status.ts';
import { invalidParams } from '../protocol/violations.ts';
import { http2StreamOf, MessageWriter } from './message-writer.ts';
import type { GrpcOptions } from './options.ts';

type PartialStatusObject = Parameters<ServerInterceptingCallInterface['sendStatus']>[0];

/** Sees what is sent, while the call is captured. */
export interface ExchangeWatcher {
  head(metadata: Metadata): void;
  message(bytes: Buffer, seq: number | null): void;
  status(told: PartialStatusObject): void;
  closed(): void;
}

/** Under which a handler finds its exchange in the metadata. */
const KEY = 'parley.exchange';

export class Exchange implements HeaderSink {
  readonly base: ServerInterceptingCallInterface;
  /** `lf.a2a.v1.A2AService/GetTask`. */
  readonly method: string;
  /** Who is calling; before authentication nobody. */
  principal: Principal = ANONYMOUS;
  watcher: ExchangeWatcher | null = null;
  readonly #options: GrpcOptions;
  readonly #startedAtMs: number;
  #metadata = new Metadata();
  readonly #answer = new Metadata();
  #requestId = '';
  #isHeadSent = false;
  #code: number | null = null;
  #isClosed = false;
  #onClosed: (() => void)[] = [];
  #signal: AbortSignal | null = null;

  constructor(path: string, base: ServerInterceptingCallInterface, options: GrpcOptions) {
    this.base = base;
    this.method = path.replace(/^\//, '');
    this.#options = options;
    this.#startedAtMs = options.clock.now();
    // What the library refuses by itself (size, deadline, encoding) it tells this object: it leaves in our words too.
    const send = base.sendStatus.bind(base);
    base.sendStatus = (told) => send(this.#checked(told));
  }

  /** The exchange that a handler answers. */
  static of(metadata: Metadata): Exchange {
    const found = metadata.getOpaque(KEY);
    if (found instanceof Exchange) return found;
    throw new AppError('INTERNAL', 'Internal error', { detail: 'a gRPC call that passed no door' });
  }

  receive(metadata: Metadata): void {
    this.#metadata = metadata;
    metadata.setOpaque(KEY, this);
    const given = this.text('x-request-id');
    this.#requestId = isRequestId(given) ? given : this.#options.newRequestId();
    this.header('x-request-id', this.#requestId);
  }

  get requestId(): string {
    return this.#requestId;
  }

  /** One entry of the metadata; several values are joined by commas. */
  text(name: string): string | undefined {
    const values = this.#metadata.get(name);
    return values.length === 0 ? undefined : values.join(',');
  }

  /** What came with the call. */
  get metadata(): Metadata {
    return this.#metadata;
  }

  get credential(): string | undefined {
    const [authorization] = this.#metadata.get('authorization');
    const [key] = this.#metadata.get('x-api-key');
    const headers: CredentialHeaders = {
      authorization: authorization?.toString(),
      'x-api-key': key?.toString(),
    };
    return credentialOf(headers);
  }

  /** Of the client, as far as it can be known. */
  get address(): string {
    const forwarded = this.#options.trustProxy ? this.text('x-forwarded-for')?.split(',').at(-1)?.trim() : undefined;
    return forwarded || (this.base.getConnectionInfo().remoteAddress ?? 'unknown');
  }

  /** Aborted when the client has left, or its deadline is over. */
  get signal(): AbortSignal {
    if (this.#signal === null) {
      const controller = new AbortController();
      this.#signal = controller.signal;
      this.onClosed(() => controller.abort());
    }
    return this.#signal;
  }

  /** Calls `listener` when nothing can be sent any more; at once where that is so already. */
  onClosed(listener: () => void): void {
    if (this.#isClosed) listener();
    else this.#onClosed.push(listener);
  }

  /** Sets an entry of the answer's metadata. */
  header(name: string, value: string): void {
    this.#answer.set(name, value);
  }

  sendHead(): void {
    if (this.#isHeadSent) return;
    this.#isHeadSent = true;
    this.watcher?.head(this.#answer);
    this.base.sendMetadata(this.#answer);
  }

  /** The one message of an answer, and its end. Who does not take it for too long is cut off, as with a stream. */
  reply(message: Buffer): void {
    if (this.#isClosed) return;
    this.sendHead();
    const { clock, limits, metrics } = this.#options.streams;
    const writer = new MessageWriter(http2StreamOf(this.base), clock, limits.stalledTimeoutMs, {
      drained: () => this.end(),
      stalled: () => {
        metrics.streamStalled();
        this.cutOff();
      },
    });
    this.onClosed(() => writer.dispose());
    this.watcher?.message(message, null);
    writer.write(message);
  }

  /** Without a word: whoever takes nothing takes no status either, and what waits for it is to be forgotten. */
  cutOff(): void {
    http2StreamOf(this.base).close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  end(trailers: Readonly<Record<string, string>> = {}): void {
    this.sendHead();
    this.base.sendStatus({ code: status.OK, details: '', metadata: metadataOf(trailers) });
  }

  /** Ends the call with an error, and logs a fault of the server with all that is known. */
  fail(thrown: unknown, trailers: Readonly<Record<string, string>> = {}): void {
    try {
      this.base.sendStatus(this.#statusOf(toAppError(thrown), metadataOf(trailers)));
    } catch (err) {
      // Nobody is left to tell of an error that cannot be told, and the call must end all the same.
      this.#options.logger.error({ err, requestId: this.#requestId }, 'an error could not be told');
      this.base.sendStatus({ code: status.INTERNAL, details: 'Internal error', metadata: this.#answer });
    }
  }

  #statusOf(error: AppError, metadata: Metadata): PartialStatusObject {
    const { grpc, http } = ERROR_TABLE[error.code];
    const { logger } = this.#options;
    const fields = { requestId: this.#requestId, method: this.method, code: error.code };
    if (http >= 500 && error.code !== 'UNAVAILABLE') logger.error({ ...fields, err: error }, 'request failed');
    else logger.debug(fields, error.message);
    // Without a head the status is all that is sent.
    if (!this.#isHeadSent) metadata.merge(this.#answer);
    if (error.retryAfterSeconds !== undefined) metadata.set('retry-after', String(error.retryAfterSeconds));
    metadata.set('grpc-status-details-bin', Buffer.from(statusBytes(error)));
    // The library cannot write what is not Unicode; UTF-8 there and back puts U+FFFD in its place.
    return { code: STATUS_CODES[grpc], details: Buffer.from(error.message).toString(), metadata };
  }

  #checked(told: PartialStatusObject): PartialStatusObject {
    const isOurs = told.code === status.OK || (told.metadata?.get('grpc-status-details-bin').length ?? 0) > 0;
    const checked = isOurs ? told : this.#inOurWords(told);
    this.watcher?.status(checked);
    this.#code ??= checked.code ?? status.UNKNOWN;
    return checked;
  }

  /** What the library found wrong with a request before, or instead of, a handler. */
  #inOurWords(told: PartialStatusObject): PartialStatusObject {
    switch (told.code) {
      case status.RESOURCE_EXHAUSTED:
        this.#options.metrics.limitReached('server.bodyLimitBytes');
        return this.#statusOf(
          new AppError('PAYLOAD_TOO_LARGE', 'The message is larger than server.bodyLimitBytes allows'),
          new Metadata(),
        );
      case status.INTERNAL:
        return this.#statusOf(refusedByLibrary(told.details ?? ''), new Metadata());
      case status.UNIMPLEMENTED:
        return this.#statusOf(
          new AppError('INVALID_REQUEST', 'The request must be one message, plain or compressed by gzip or deflate'),
          new Metadata(),
        );
      default:
        return { code: told.code ?? status.UNKNOWN, details: told.details ?? '', metadata: this.#answer };
    }
  }

  /** The listener of the call was told that it is over. */
  closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { clock, metrics } = this.#options;
    const code = status[this.#code ?? status.CANCELLED] ?? 'UNKNOWN';
    this.watcher?.closed();
    metrics.requestDone(this.method, code, (clock.now() - this.#startedAtMs) / 1000);
    for (const listener of this.#onClosed) listener();
    this.#onClosed = [];
    // Answered before the request was whole: the rest is not wanted, and what came of it is not to be kept (RFC 9113 section 8.1).
    const stream = http2StreamOf(this.base);
    if (!stream.destroyed && !stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR);
  }
}

function metadataOf(entries: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(entries)) metadata.set(name, value);
  return metadata;
}

/** The library calls these faults of the server; they are the client's. */
function refusedByLibrary(details: string): AppError {
  if (!details.includes('grpc-timeout')) {
    return new AppError('INVALID_REQUEST', 'The message could not be read: it is not compressed as it says');
  }
  return invalidParams([{ field: 'grpc-timeout', description: 'must be digits and a unit, such as 10S' }]);
}
