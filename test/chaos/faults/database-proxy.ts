/** A TCP proxy in front of the database of one replica: passes on, slows down, swallows, or cuts. */
import { connect, createServer, type Server, type Socket } from 'node:net';

type Manner =
  | { readonly kind: 'pass' }
  | { readonly kind: 'slow'; readonly delayMs: number }
  | { readonly kind: 'hole' };

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
}

export class DatabaseProxy {
  readonly #port: number;
  readonly #target: number;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #manner: Manner = { kind: 'pass' };

  constructor(port: number, target: number) {
    this.#port = port;
    this.#target = target;
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => this.#accept(client));
  }

  start(): Promise<void> {
    return new Promise((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
  }

  #accept(client: Socket): void {
    const server = connect({ port: this.#target, host: '127.0.0.1', allowHalfOpen: true });
    const pair = { client, server };
    this.#pairs.add(pair);
    this.#pipe(client, server);
    this.#pipe(server, client);
    for (const socket of [client, server]) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#pairs.delete(pair);
        client.destroy();
        server.destroy();
      });
    }
    if (this.#manner.kind === 'hole') this.#hold(pair);
    else client.resume();
  }

  /** In order: each piece waits for the one before. */
  #pipe(from: Socket, to: Socket): void {
    let queue = Promise.resolve();
    const later = (work: () => void): void => {
      const { delayMs } = this.#manner.kind === 'slow' ? this.#manner : { delayMs: 0 };
      if (delayMs > 0) queue = queue.then(() => new Promise((resolve) => setTimeout(resolve, delayMs)));
      queue = queue.then(work);
    };
    from.on('data', (chunk) => {
      later(() => {
        if (to.writable) to.write(chunk);
      });
    });
    from.on('end', () => later(() => to.end()));
  }

  #hold({ client, server }: Pair): void {
    client.pause();
    server.pause();
  }

  /** Every piece comes so much later. */
  slow(delayMs: number): void {
    this.#manner = { kind: 'slow', delayMs };
  }

  /** Nothing gets through any more, and nobody is told; new connections come about, and stay silent. */
  blackhole(): void {
    this.#manner = { kind: 'hole' };
    for (const pair of this.#pairs) this.#hold(pair);
  }

  /** Passes on again, what was held back first. */
  heal(): void {
    this.#manner = { kind: 'pass' };
    for (const { client, server } of this.#pairs) {
      client.resume();
      server.resume();
    }
  }

  /** Ends every connection as a broken network does. */
  cut(): void {
    for (const { client, server } of this.#pairs) {
      client.resetAndDestroy();
      server.destroy();
    }
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
