/** A small client of server-sent events that never reconnects by itself: tests see exactly what came over the wire. */
import { createParser } from 'eventsource-parser';
import { type Dispatcher, request } from 'undici';

export interface SseEvent {
  /** Undefined when the event had no `id:` line. */
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly data: string;
}

export interface SseOptions {
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON. */
  readonly body?: string | object;
  /** Sent as `Last-Event-ID`. */
  readonly lastEventId?: string;
  /** Ends the stream; the iteration then ends without an error. */
  readonly signal?: AbortSignal;
  readonly dispatcher?: Dispatcher;
  /** Each comment line (heartbeats), without its colon. */
  readonly onComment?: (comment: string) => void;
}

export interface SseStream extends AsyncIterable<SseEvent> {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Leaves: closes the connection as a vanishing client does. */
  close(): void;
  /** The whole body as text, for an answer that is no stream. Instead of iterating, not besides. */
  text(): Promise<string>;
  /** All events until the server ends the stream, or the first `count`, after which it leaves. */
  collect(count?: number): Promise<SseEvent[]>;
}

/** Sends the request; resolves at the response's headers, whatever the status is. */
export async function openSse(url: string, options: SseOptions = {}): Promise<SseStream> {
  const leave = new AbortController();
  const signal = options.signal ? AbortSignal.any([leave.signal, options.signal]) : leave.signal;
  const isJson = typeof options.body === 'object';
  const response = await request(url, {
    method: options.method ?? (options.body === undefined ? 'GET' : 'POST'),
    headers: {
      accept: 'text/event-stream',
      ...(isJson ? { 'content-type': 'application/json' } : {}),
      ...(options.lastEventId === undefined ? {} : { 'last-event-id': options.lastEventId }),
      ...options.headers,
    },
    body: typeof options.body === 'object' ? JSON.stringify(options.body) : (options.body ?? null),
    signal,
    // A stream may be silent for as long as it likes.
    bodyTimeout: 0,
    ...(options.dispatcher ? { dispatcher: options.dispatcher } : {}),
  });
  // Without a listener, leaving before anything is read would end the test process.
  response.body.on('error', () => undefined);
  const iterate = () => events(response.body, signal, options.onComment);
  return {
    status: response.statusCode,
    headers: response.headers,
    close: () => leave.abort(),
    text: () => response.body.text(),
    [Symbol.asyncIterator]: iterate,
    async collect(count = Number.POSITIVE_INFINITY) {
      const collected: SseEvent[] = [];
      if (count <= 0) return collected;
      for await (const event of iterate()) {
        collected.push(event);
        if (collected.length >= count) break;
      }
      return collected;
    },
  };
}

/** Reads only as fast as the caller iterates, so that a slow reader can be played. */
async function* events(
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
  onComment: ((comment: string) => void) | undefined,
): AsyncGenerator<SseEvent, void, undefined> {
  const parsed: SseEvent[] = [];
  const parser = createParser({
    onEvent: ({ id, event, data }) => void parsed.push({ id, event, data }),
    ...(onComment ? { onComment } : {}),
    onError: (error) => {
      throw error;
    },
  });
  const decoder = new TextDecoder();
  try {
    for await (const chunk of body) {
      parser.feed(decoder.decode(chunk, { stream: true }));
      yield* parsed.splice(0);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
