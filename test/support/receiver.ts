/** A real receiver of push notifications on the loopback, as obliging or as hostile as a test wants it. */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { waitFor } from './wait-for.ts';

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What to answer; a number is a status. */
export type Reaction = number | ((request: Received, response: ServerResponse) => unknown);

export class Receiver {
  /** Everything that came, in the order of arrival. */
  readonly received: Received[] = [];
  /** Of each request in turn; the last one stays. */
  reactions: Reaction[] = [204];
  readonly #server = createServer((request, response) => void this.#handle(request, response));

  async start(port = 0): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  url(path = '/hook'): string {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  /** Event ids in the order of arrival. */
  get eventIds(): string[] {
    return this.received.map(({ headers }) => String(headers['parley-event-id']));
  }

  async until(count: number, timeoutMs = 20_000): Promise<readonly Received[]> {
    await waitFor(`${count} pushes`, timeoutMs, () => this.received.length >= count);
    return this.received;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      // The sender left.
      return;
    }
    const received = { path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString() };
    this.received.push(received);
    const reaction = this.reactions.length > 1 ? this.reactions.shift() : this.reactions[0];
    if (typeof reaction === 'function') await reaction(received, response);
    else response.writeHead(reaction ?? 204).end();
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

/** Stopped when the test is over. */
export async function startReceiver(port = 0): Promise<Receiver> {
  const receiver = await new Receiver().start(port);
  onTestFinished(() => receiver.stop());
  return receiver;
}
