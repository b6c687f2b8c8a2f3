/** A client made of a bare socket: it reads when told to, and vanishes as machines do. */
import { connect, type Socket } from 'node:net';
import { type Caller, type Fields, type Form, headersOf, wireRequest } from './wire-client.ts';

export interface RawClient {
  readonly socket: Socket;
  /** Everything that was read so far. */
  readonly received: () => string;
  /** Reads on to the end of the connection, whichever side and however it ends. */
  readToEnd(): Promise<string>;
}

/** Connects and sends the request of a streaming operation. Nothing is read before `readToEnd` or `socket.resume()`. */
export function openRaw(
  caller: Caller,
  operation: 'SendStreamingMessage' | 'SubscribeToTask',
  form: Form,
  fields: Fields,
): RawClient {
  const { method, path, body } = wireRequest(operation, form, fields);
  const url = new URL(`${caller.address}${path}`);
  const text = body === undefined ? '' : JSON.stringify(body);
  const headers = {
    host: url.host,
    accept: 'text/event-stream',
    // Else the connection stays open, idle, after a stream that was read to its end.
    connection: 'close',
    ...headersOf(caller, form),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    'content-length': String(Buffer.byteLength(text)),
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const socket = connect(Number(url.port), url.hostname);
  socket.pause();
  // A connection that the server resets is one of the ways in which it may end.
  socket.on('error', () => undefined);
  socket.write(`${method} ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join('')}\r\n${text}`);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  // Listening for data starts the flow.
  socket.pause();
  const received = (): string => Buffer.concat(chunks).toString();
  return {
    socket,
    received,
    readToEnd: () =>
      new Promise((resolve) => {
        socket.once('close', () => resolve(received()));
        socket.resume();
      }),
  };
}

/** The ids of the whole frames in what a raw client received, through the chunks of HTTP/1.1 where there are any. */
export function frameIdsIn(received: string): number[] {
  const at = received.indexOf('\r\n\r\n') + 4;
  const isChunked = /^transfer-encoding: chunked\r$/im.test(received.slice(0, at));
  const body = isChunked ? withoutChunks(received.slice(at)) : received.slice(at);
  const frames = body.split('\n\n').slice(0, -1);
  return frames.flatMap((frame) => {
    const id = /^id: (\d+)$/m.exec(frame)?.[1];
    return id === undefined ? [] : [Number(id)];
  });
}

/** The tests that use it send ASCII only, so that characters are bytes. A chunk that was cut off counts as far as it came. */
function withoutChunks(text: string): string {
  const parts: string[] = [];
  let position = 0;
  for (;;) {
    const end = text.indexOf('\r\n', position);
    if (end === -1) return parts.join('');
    const size = Number.parseInt(text.slice(position, end), 16);
    if (!(size > 0)) return parts.join('');
    parts.push(text.slice(end + 2, end + 2 + size));
    position = end + 2 + size + 2;
  }
}
