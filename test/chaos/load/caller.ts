/** Plain A2A over HTTP, in the REST binding of 1.0, from a client's point of view: an answer, or none. */
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { Agent, request } from 'undici';

export interface Endpoint {
  readonly url: string;
  readonly key: string;
}

export interface Answer {
  readonly status: number;
  readonly json: unknown;
  readonly text: string;
}

export interface Ask {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: object | undefined;
  readonly idempotencyKey?: string | undefined;
  readonly lastEventId?: number | undefined;
  /** For the whole answer; for a stream, for each silence. */
  readonly timeoutMs: number;
  /** Aborted when the run is over. */
  readonly signal: AbortSignal;
}

/** The connections of all clients of a run. */
export class Caller {
  readonly #dispatcher = new Agent({ connections: 200, pipelining: 1, connectTimeout: 2000 });

  #headers({ key }: Endpoint, { body, idempotencyKey, lastEventId }: Ask): Record<string, string> {
    return {
      authorization: `Bearer ${key}`,
      'a2a-version': '1.0',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      ...(lastEventId === undefined ? {} : { 'last-event-id': String(lastEventId) }),
    };
  }

  /** Rejects where no whole answer came in time. */
  async ask(endpoint: Endpoint, ask: Ask): Promise<Answer> {
    const response = await request(`${endpoint.url}${ask.path}`, {
      method: ask.method,
      headers: this.#headers(endpoint, ask),
      body: ask.body === undefined ? null : JSON.stringify(ask.body),
      dispatcher: this.#dispatcher,
      signal: AbortSignal.any([ask.signal, AbortSignal.timeout(ask.timeoutMs)]),
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    const text = await response.body.text();
    return { status: response.statusCode, text, json: jsonOf(text) };
  }

  /**
   * Calls `onEvent` with each event until the server ends the stream. Rejects when it breaks, or says nothing, not even
   * a comment, for `timeoutMs`. An answer that is no stream comes back.
   */
  async follow(endpoint: Endpoint, ask: Ask, onEvent: (id: number, data: string) => void): Promise<Answer> {
    const leave = new AbortController();
    let timer = setTimeout(() => leave.abort(new Error('silence')), ask.timeoutMs);
    try {
      const response = await request(`${endpoint.url}${ask.path}`, {
        method: ask.method,
        headers: { ...this.#headers(endpoint, ask), accept: 'text/event-stream' },
        body: ask.body === undefined ? null : JSON.stringify(ask.body),
        dispatcher: this.#dispatcher,
        // A task that never ends keeps its streams open, too.
        signal: AbortSignal.any([ask.signal, leave.signal]),
        headersTimeout: 0,
        bodyTimeout: 0,
      });
      const isStream = String(response.headers['content-type']).startsWith('text/event-stream');
      if (response.statusCode !== 200 || !isStream) {
        const text = await response.body.text();
        return { status: response.statusCode, text, json: jsonOf(text) };
      }
      const events: EventSourceMessage[] = [];
      const parser = createParser({ onEvent: (event) => void events.push(event) });
      const decoder = new TextDecoder();
      for await (const chunk of response.body) {
        clearTimeout(timer);
        timer = setTimeout(() => leave.abort(new Error('silence')), ask.timeoutMs);
        parser.feed(decoder.decode(chunk as Uint8Array, { stream: true }));
        for (const { id, data } of events.splice(0)) onEvent(Number(id), data);
      }
      return { status: 200, text: '', json: undefined };
    } finally {
      clearTimeout(timer);
    }
  }

  close(): Promise<void> {
    return this.#dispatcher.destroy();
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

interface TaskJson {
  readonly id?: string;
  readonly status?: { readonly state?: string };
}

/** The id and state of the Task in an answer, by itself or as the result of a send. */
export function taskIn(json: unknown): { readonly id: string | null; readonly state: string | null } {
  const { task, id, status } = (json ?? {}) as TaskJson & { readonly task?: TaskJson };
  return { id: task?.id ?? id ?? null, state: task?.status?.state ?? status?.state ?? null };
}

/** Why a request was refused, in one line. */
export function errorIn({ status, text }: Answer): string | null {
  return status < 300 ? null : text.replaceAll(/\s+/g, ' ').slice(0, 300);
}
