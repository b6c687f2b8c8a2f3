/** The bus by NATS: a subject for all replicas, and one for each. */
import { readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import type * as Nats from '@nats-io/transport-node';
import type { NodeTransport } from '@nats-io/transport-node/lib/node_transport.js';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import type { BusHandlers, BusTarget, ReplicaBus } from '../core/replicas/bus.ts';
import {
  atMost,
  type BusConnection,
  CLOSE_TIMEOUT_MS,
  CONNECT_TIMEOUT_MS,
  inTime,
  MAX_UNSENT_BYTES,
  PING_EVERY_MS,
  ReconnectingBus,
} from './reconnecting.ts';

export interface NatsBusOptions {
  /** `nats://` or `tls://`, with `user:password@` or `token@`; several servers of a cluster with commas between. */
  readonly url: string;
  /** All subjects begin with it. */
  readonly subject: string;
  /** A file of user credentials (JWT and seed), or one with the seed of an nkey. */
  readonly credentialsFile: string | undefined;
  readonly tls: {
    readonly caFile?: string | undefined;
    readonly certFile?: string | undefined;
    readonly keyFile?: string | undefined;
  };
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
}

/** Larger events are read from the log: what goes here is held in memory by NATS for each replica. */
const MAX_PAYLOAD_BYTES = 64 * 1024;
/** NATS does without an answer this often before it gives the connection up. */
const MAX_PINGS_OUT = 2;
const NO_ECHO =
  'what is published does not come back: the NATS user needs permission to publish and to subscribe below the subject (bus.natsSubject)';

export function natsBus(options: NatsBusOptions): ReplicaBus {
  return new ReconnectingBus({
    ...options,
    name: 'NATS',
    maxPayloadBytes: MAX_PAYLOAD_BYTES,
    connect: (replicaId, handlers) => NatsBusConnection.open(options, replicaId, handlers),
  });
}

class NatsBusConnection implements BusConnection {
  readonly maxPayloadBytes: number;
  readonly lost: Promise<void>;
  readonly #nats: Nats.NatsConnection;
  readonly #options: NatsBusOptions;
  readonly #handlers: BusHandlers;
  #unsentBytes = 0;
  #isFlushing = false;

  private constructor(nats: Nats.NatsConnection, options: NatsBusOptions, handlers: BusHandlers) {
    this.#nats = nats;
    this.#options = options;
    this.#handlers = handlers;
    this.maxPayloadBytes = Math.min(MAX_PAYLOAD_BYTES, nats.info?.max_payload ?? MAX_PAYLOAD_BYTES);
    this.lost = nats.closed().then(
      () => undefined,
      () => undefined,
    );
  }

  static async open(options: NatsBusOptions, replicaId: string, handlers: BusHandlers): Promise<BusConnection> {
    // Loaded by those who use it.
    const [library, { NodeTransport }] = await Promise.all([
      import('@nats-io/transport-node'),
      import('@nats-io/transport-node/lib/node_transport.js'),
    ]);
    closeSilentOnes(NodeTransport);
    const nats = await library.connect(connectionOptions(options, library));
    const connection = new NatsBusConnection(nats, options, handlers);
    try {
      await connection.#listen(replicaId);
    } catch (error) {
      await connection.close();
      throw error;
    }
    return connection;
  }

  async #listen(replicaId: string): Promise<void> {
    const { clock, logger } = this.#options;
    const own = this.#subjectOf({ replicaId });
    const heard = new Promise<void>((resolve) => {
      for (const subject of [this.#subjectOf('all'), own]) {
        this.#nats.subscribe(subject, {
          callback: (err, { data }) => {
            if (err !== null) logger.warn({ err, subject }, 'NATS refuses what the bus between replicas needs');
            // Nobody but this connection sends an empty one.
            else if (data.length === 0) resolve();
            else this.#handlers.onPayload(data);
          },
        });
      }
    });
    this.#nats.publish(own, new Uint8Array());
    await inTime(clock, heard, NO_ECHO);
  }

  #subjectOf(target: BusTarget): string {
    const { subject } = this.#options;
    return target === 'all' ? `${subject}.all` : `${subject}.replica.${target.replicaId}`;
  }

  publish(target: BusTarget, payload: Uint8Array): void {
    if (this.#unsentBytes + payload.length > MAX_UNSENT_BYTES) {
      this.#handlers.onDropped(1);
      return;
    }
    try {
      this.#nats.publish(this.#subjectOf(target), payload);
    } catch {
      // It is closing; whoever waits for `lost` is about to hear of it.
      this.#handlers.onDropped(1);
      return;
    }
    this.#unsentBytes += payload.length;
    void this.#flush();
  }

  /** Learns what the server has taken: the client would keep any amount for one that is slow. */
  async #flush(): Promise<void> {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    try {
      while (this.#unsentBytes > 0) {
        const bytes = this.#unsentBytes;
        await this.#nats.flush();
        this.#unsentBytes -= bytes;
      }
      this.#isFlushing = false;
    } catch {
      // The connection is closed, and this object with it.
    }
  }

  async close(): Promise<void> {
    const { clock } = this.#options;
    if (!this.#nats.isClosed()) await atMost(clock, CLOSE_TIMEOUT_MS, this.#nats.flush());
    await atMost(clock, CLOSE_TIMEOUT_MS, this.#nats.close());
  }
}

const patched = new WeakSet<object>();

/**
 * The library gives up a connection on which the server never said a word, and leaves it open: each try would leave one
 * more, for as long as the server, or what answers in its place, likes.
 */
function closeSilentOnes(transport: typeof NodeTransport): void {
  if (patched.has(transport)) return;
  patched.add(transport);
  const close: unknown = Reflect.get(transport.prototype, 'close');
  if (typeof close !== 'function') return;
  transport.prototype.close = async function (this: NodeTransport, error?: Error): Promise<void> {
    await Reflect.apply(close, this, [error]);
    const socket: unknown = Reflect.get(this, 'socket');
    if (socket instanceof Socket) socket.destroy();
  };
}

function connectionOptions(options: NatsBusOptions, library: typeof Nats): Nats.NodeConnectionOptions {
  const { credentialsFile, tls } = options;
  const urls = options.url.split(',').map((url) => new URL(url.includes('://') ? url.trim() : `nats://${url.trim()}`));
  const files = Object.fromEntries(
    Object.entries(tls).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  const isSecured = urls.some(({ protocol }) => protocol === 'tls:') || Object.keys(files).length > 0;
  const authenticator = credentialsFile === undefined ? loginOf(urls, library) : fileLogin(credentialsFile, library);
  return {
    servers: urls.map(({ host }) => host),
    name: 'parley',
    timeout: CONNECT_TIMEOUT_MS,
    pingInterval: PING_EVERY_MS,
    maxPingOut: MAX_PINGS_OUT,
    // ReconnectingBus does that, and tells of it.
    reconnect: false,
    noAsyncTraces: true,
    ...(isSecured ? { tls: files } : {}),
    ...(authenticator === null ? {} : { authenticator }),
  };
}

function loginOf(urls: readonly URL[], library: typeof Nats): Nats.Authenticator | null {
  const url = urls.find(({ username }) => username !== '');
  if (url === undefined) return null;
  const user = decodeURIComponent(url.username);
  if (url.password === '') return library.tokenAuthenticator(user);
  return library.usernamePasswordAuthenticator(user, decodeURIComponent(url.password));
}

/** Read at each connection: credentials are replaced while a server runs. */
function fileLogin(path: string, library: typeof Nats): Nats.Authenticator {
  const bytes = readFileSync(path);
  const text = bytes.toString('utf8').trim();
  if (/^S[A-Z0-9]+$/.test(text)) return library.nkeyAuthenticator(Buffer.from(text));
  return library.credsAuthenticator(bytes);
}
