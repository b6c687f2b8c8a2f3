/** A receiver of pushes: fails now and then, as receivers do, checks signatures by itself, and writes down what came. */
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Journal } from '../journal.ts';
import type { Random } from '../random.ts';

/** As documented: what is older is to be refused. */
const MAX_AGE_SECONDS = 300;

export class PushReceiver {
  readonly #journal: Journal;
  readonly #random: Random;
  readonly #keys = new Map<string, KeyObject>();
  readonly #server = createServer((request, response) => void this.#handle(request, response));
  #isFailing = true;
  #hooks = 0;

  constructor(journal: Journal, random: Random) {
    this.#journal = journal;
    this.#random = random;
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  /** The keys that the server publishes. */
  trust(jwks: { readonly keys: readonly (Record<string, unknown> & { readonly kid: string })[] }): void {
    for (const key of jwks.keys) this.#keys.set(key.kid, createPublicKey({ key, format: 'jwk' }));
  }

  /** An address of its own for each task. */
  newHook(): { readonly path: string; readonly url: string } {
    const path = `/hook/${++this.#hooks}`;
    return { path, url: this.#urlOf(path) };
  }

  /** From now on every push is accepted. */
  recover(): void {
    this.#isFailing = false;
  }

  #urlOf(path: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      // The sender died in the middle of it.
      return;
    }
    const body = Buffer.concat(chunks);
    const hook = request.url ?? '';
    const [taskId = '', seq = ''] = String(request.headers['parley-event-id']).split('.');
    const problem = this.#problemOf(request.headers, body, hook);
    const status = this.#isFailing && this.#random.chance(0.05) ? 503 : 204;
    this.#journal.write({
      kind: 'pushed',
      hook,
      taskId,
      seq: Number(seq),
      problem,
      body: body.toString(),
      status,
    });
    // Accepted, and the sender never learns of it: the event comes again.
    if (this.#isFailing && status === 204 && this.#random.chance(0.03)) request.socket.destroy();
    else response.writeHead(status).end();
  }

  /** By docs/push.md; null: the signature is right. */
  #problemOf(headers: IncomingHttpHeaders, body: Buffer, hook: string): string | null {
    const timestamp = String(headers['parley-timestamp']);
    const [header = '', , signature = ''] = String(headers['parley-signature']).split('.');
    const { alg, kid, typ } = JSON.parse(Buffer.from(header, 'base64url').toString() || '{}') as Record<string, string>;
    const key = this.#keys.get(kid ?? '');
    if (alg !== 'ES256' || typ !== 'parley-push+jws' || key === undefined) return `its header is ${alg} ${typ} ${kid}`;
    if (Math.abs(Date.now() / 1000 - Number(timestamp)) > MAX_AGE_SECONDS) return `its time is ${timestamp}`;
    const digest = createHash('sha256').update(body).digest('base64url');
    const lines = ['parley-push-v1', headers['parley-event-id'], timestamp, this.#urlOf(hook), digest].join('\n');
    const signed = Buffer.from(`${header}.${Buffer.from(lines).toString('base64url')}`);
    const bytes = Buffer.from(signature, 'base64url');
    return verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, bytes) ? null : 'it does not verify';
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
