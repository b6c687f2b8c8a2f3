/** The health service of gRPC: as ready as `/readyz` says. It needs no authentication. */
import type { ServerWritableStream } from '@grpc/grpc-js';
import { AppError } from '../protocol/errors.ts';
import type { JsonValue } from '../protocol/json.ts';
import { bytesOf, jsonOf, messageType } from '../protocol/protobuf/messages.ts';
import { isJsonObject } from '../protocol/scalars.ts';
import { Exchange } from './exchange.ts';
import type { GrpcOptions } from './options.ts';

export const HEALTH_SERVICE = 'grpc.health.v1.Health';
/** The path of the method that has one answer. */
export const HEALTH_CHECK = `/${HEALTH_SERVICE}/Check`;

type HealthStatus = 'SERVING' | 'NOT_SERVING' | 'SERVICE_UNKNOWN';

/** Readiness is asked this often for those who watch. */
const WATCH_MS = 1000;

const requestType = messageType('grpc.health.v1.HealthCheckRequest');
const responseType = messageType('grpc.health.v1.HealthCheckResponse');

export class Health {
  readonly #options: GrpcOptions;
  readonly #services: ReadonlySet<string>;
  readonly #watchers = new Set<Watcher>();
  #stopTimer: (() => void) | null = null;

  /** @param services whose state may be asked for, besides that of the whole server (the empty name). */
  constructor(options: GrpcOptions, services: readonly string[]) {
    this.#options = options;
    this.#services = new Set(['', HEALTH_SERVICE, ...services]);
  }

  check({ metadata, request }: ServerWritableStream<Buffer, Buffer>): void {
    const exchange = Exchange.of(metadata);
    this.#statusOf(serviceIn(exchange, request)).then(
      (found) => {
        if (found === 'SERVICE_UNKNOWN') exchange.fail(new AppError('NOT_FOUND', 'There is no such service'));
        else exchange.reply(encodedStatus(found));
      },
      (error: unknown) => exchange.fail(error),
    );
  }

  /** The state now, and each change of it, until the client leaves or the server stops. */
  watch({ metadata, request }: ServerWritableStream<Buffer, Buffer>): void {
    const exchange = Exchange.of(metadata);
    const watcher: Watcher = { exchange, service: serviceIn(exchange, request), told: null };
    this.#watchers.add(watcher);
    exchange.onClosed(() => {
      this.#watchers.delete(watcher);
      if (this.#watchers.size === 0) this.#stopWatching();
    });
    this.#stopTimer ??= this.#options.clock.every(WATCH_MS, () => {
      for (const one of this.#watchers) void this.#tell(one);
    });
    void this.#tell(watcher);
  }

  /** Tells whoever watches that nothing is served any more. */
  stop(): void {
    this.#stopWatching();
    for (const { exchange } of this.#watchers) {
      exchange.fail(new AppError('UNAVAILABLE', 'The server is shutting down', { retryAfterSeconds: 2 }));
    }
  }

  #stopWatching(): void {
    this.#stopTimer?.();
    this.#stopTimer = null;
  }

  async #tell(watcher: Watcher): Promise<void> {
    try {
      const found = await this.#statusOf(watcher.service);
      if (found === watcher.told) return;
      watcher.told = found;
      watcher.exchange.sendHead();
      watcher.exchange.base.sendMessage(encodedStatus(found), () => {});
    } catch (error) {
      watcher.exchange.fail(error);
    }
  }

  async #statusOf(service: string): Promise<HealthStatus> {
    if (!this.#services.has(service)) return 'SERVICE_UNKNOWN';
    const down = await this.#options.readiness.check();
    return down.length === 0 ? 'SERVING' : 'NOT_SERVING';
  }
}

interface Watcher {
  readonly exchange: Exchange;
  readonly service: string;
  told: HealthStatus | null;
}

/** What is no request names no service that there is. */
function serviceIn(exchange: Exchange, request: Buffer): string {
  let json: JsonValue = {};
  try {
    json = jsonOf(requestType, request);
  } catch (error) {
    exchange.fail(error);
  }
  const service = isJsonObject(json) ? json['service'] : '';
  return typeof service === 'string' ? service : '';
}

function encodedStatus(status: HealthStatus): Buffer {
  return Buffer.from(bytesOf(responseType, { status }));
}
