/** Pushes over the guarded client, which is loaded for the first of them. */
import type { PushAnswer, PushRequest, PushTransport } from '../core/push/transport.ts';
import type { GuardedClient, GuardOptions } from './guarded-client.ts';
import { UrlRules } from './url-rules.ts';

export class GuardedPushTransport implements PushTransport {
  readonly #options: GuardOptions;
  readonly #rules: UrlRules;
  #client: Promise<{ readonly client: GuardedClient; readonly errorName: (error: unknown) => string }> | null = null;

  constructor(options: GuardOptions) {
    this.#options = options;
    this.#rules = new UrlRules(options);
  }

  problemOf(url: string): string | undefined {
    return this.#rules.problemOf(url);
  }

  async post({ url, headers, body, signal }: PushRequest): Promise<PushAnswer> {
    this.#client ??= import('./guarded-client.ts').then(({ GuardedClient: Client, errorName }) => ({
      client: new Client(this.#options),
      errorName,
    }));
    const { client, errorName } = await this.#client;
    try {
      const { status, headers: answered } = await client.request({ method: 'POST', url, headers, body, signal });
      const retryAfter = answered['retry-after'];
      return { kind: 'answered', status, retryAfter: Array.isArray(retryAfter) ? retryAfter[0] : retryAfter };
    } catch (error) {
      return { kind: 'failed', error: errorName(error) };
    }
  }

  /** May be called twice. */
  async close(): Promise<void> {
    await (await this.#client)?.client.close();
  }
}
