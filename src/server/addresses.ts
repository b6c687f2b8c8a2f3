/** Where a server listens, and where it is reached; for port 0 both are known only once it listens. */
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import type { FastifyInstance } from 'fastify';
import type { Config } from '../config/load.ts';
import { listenAddress, listenUrl } from '../config/network.ts';

export interface Listeners {
  readonly api: FastifyInstance;
  readonly ops: FastifyInstance;
  /** null: not listening, or not yet. */
  readonly grpc: { readonly port: number } | null;
}

export class Addresses {
  readonly #config: Config;
  readonly #listeners: Listeners;

  constructor(config: Config, listeners: Listeners) {
    this.#config = config;
    this.#listeners = listeners;
  }

  get url(): string {
    const { server } = this.#config;
    const scheme = server.tls.certFile === undefined ? 'http' : 'https';
    return listenUrl(scheme, server.host, portOf(this.#listeners.api));
  }

  get metricsUrl(): string {
    return listenUrl('http', this.#config.ops.metricsHost, portOf(this.#listeners.ops));
  }

  get grpcAddress(): string | null {
    const { grpc } = this.#listeners;
    return grpc === null ? null : listenAddress(this.#config.grpc.host, grpc.port);
  }

  /** As configured; by default where the server listens. */
  get publicUrl(): string {
    const isDefault = this.#config.sources['server.publicUrl'] === 'default';
    return (isDefault ? this.url : this.#config.server.publicUrl).replace(/\/$/, '');
  }

  /** As configured; by default on the host of the public URL, and for port 0 the port that was free. */
  get publicGrpcAddress(): string | null {
    const { grpc } = this.#listeners;
    if (grpc === null) return null;
    const isDefault = this.#config.sources['grpc.publicAddress'] === 'default';
    if (!isDefault) return this.#config.grpc.publicAddress;
    return `${new URL(this.#config.server.publicUrl).hostname}:${grpc.port}`;
  }

  /** Tells replicas apart for people, on one machine as on several. */
  get replicaName(): string {
    return `${hostname()}:${portOf(this.#listeners.api)}`;
  }

  /** For people to read. */
  list(): { name: string; url: string }[] {
    const { grpcAddress } = this;
    return [
      { name: 'API', url: this.url },
      ...(grpcAddress === null ? [] : [{ name: 'gRPC', url: grpcAddress }]),
      { name: 'Metrics', url: this.metricsUrl },
    ];
  }
}

function portOf(app: FastifyInstance): number {
  const address = app.server.address() as AddressInfo | null;
  return address?.port ?? 0;
}
