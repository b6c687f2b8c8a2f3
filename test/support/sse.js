/** A small client of server-sent events that never reconnects by itself: tests see exactly what came over the wire. */
import { createParser } from 'eventsource-parser';
import { request } from 'undici';
/** Sends the request; resolves at the response's headers, whatever the status is. */
export async function openSse(url, options = {}) {
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
      const collected = [];
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
async function* events(body, signal, onComment) {
  const parsed = [];
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
