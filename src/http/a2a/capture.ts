/** One HTTP exchange as it goes over the wire, for the captures that want it: watches the answer where it is written. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Headers } from '../../core/captures/masking.ts';
import type { Recording } from '../../core/captures/recording.ts';
import { taskOfBody, taskOfPath } from '../../core/captures/task-of-frame.ts';
import type { A2aDependencies } from './dependencies.ts';

/** Only to be called while something is captured. What no capture wants is left alone. */
export function captureExchange(
  { captures, agents }: Pick<A2aDependencies, 'captures' | 'agents'>,
  transport: 'JSONRPC' | 'HTTP+JSON',
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const { principal, params, raw, headers } = request;
  const { agentId = agents.defaultId } = params as { agentId?: string };
  const asked = headers['a2a-version'];
  const { ownerId, keyId } = principal;
  const version = typeof asked === 'string' ? asked : null;
  const recording = captures.record({ ownerId, keyId, agentId, transport, version });
  if (recording === null) return;
  const body = typeof request.body === 'string' ? request.body : '';
  recording.add({ direction: 'in', kind: 'request', line: requestLine(raw), headers: headersOf(raw), body });
  recording.about(taskOfPath(request.url) ?? taskOfBody(body));
  watch(reply.raw, recording);
}

function requestLine({ method, url, httpVersion }: IncomingMessage): string {
  return `${method} ${url} HTTP/${httpVersion}`;
}

/** As they came: in their order and with their case. */
function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers: [string, string][] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    headers.push([rawHeaders[index] ?? '', rawHeaders[index + 1] ?? '']);
  }
  return headers;
}

function watch(response: ServerResponse, recording: Recording): void {
  const watcher = new AnswerWatcher(response, recording);
  const write: unknown = Reflect.get(response, 'write');
  const end: unknown = Reflect.get(response, 'end');
  if (typeof write !== 'function' || typeof end !== 'function') return;
  Object.assign(response, {
    write: (...args: unknown[]): unknown => {
      watcher.written(args[0]);
      return Reflect.apply(write, response, args);
    },
    end: (...args: unknown[]): unknown => {
      // The head is made by writing it: an answer without a body has its own only afterwards.
      const result: unknown = Reflect.apply(end, response, args);
      watcher.ended(args[0]);
      return result;
    },
  });
  response.once('close', () => recording.end());
}

/** An answer is one frame; of a stream, which may come in one piece or in many, the head is one and each event another. */
class AnswerWatcher {
  readonly #response: ServerResponse;
  readonly #recording: Recording;
  #isStream = false;
  #rest = '';

  constructor(response: ServerResponse, recording: Recording) {
    this.#response = response;
    this.#recording = recording;
  }

  written(chunk: unknown): void {
    if (!this.#isStream) {
      this.#isStream = true;
      this.#head('');
    }
    const events = `${this.#rest}${textOf(chunk)}`.split('\n\n');
    this.#rest = events.pop() ?? '';
    for (const event of events) this.#event(event);
  }

  ended(chunk: unknown): void {
    if (!this.#isStream && isEventStream(this.#response)) this.written(chunk);
    if (this.#isStream) {
      if (this.#rest !== '') this.#event(this.#rest);
    } else {
      const body = textOf(chunk);
      this.#head(body);
      this.#recording.about(taskOfBody(body));
    }
    this.#recording.end();
  }

  #head(body: string): void {
    const { line, headers } = headOf(this.#response);
    this.#recording.add({ direction: 'out', kind: 'response', line, headers, body });
  }

  #event(text: string): void {
    // A heartbeat: it says nothing but that the stream is there.
    if (text.startsWith(':')) return;
    const [, id] = /^id: (\d+)$/m.exec(text) ?? [];
    this.#recording.add({
      direction: 'out',
      kind: 'event',
      body: `${text}\n\n`,
      seq: id === undefined ? null : Number(id),
    });
    if (!this.#recording.isAboutTask) {
      this.#recording.about(taskOfBody(/^data: (.*)$/m.exec(text)?.[1] ?? ''));
    }
  }
}

function isEventStream(response: ServerResponse): boolean {
  const { headers } = headOf(response);
  return headers.some(([name, value]) => name.toLowerCase() === 'content-type' && value === 'text/event-stream');
}

/** Node keeps the head as it was sent, with what it adds itself; where it does not, what was set must do. */
function headOf(response: ServerResponse): { readonly line: string; readonly headers: Headers } {
  const sent: unknown = Reflect.get(response, '_header');
  if (typeof sent === 'string') {
    const [line = '', ...rest] = sent.trimEnd().split('\r\n');
    return { line, headers: rest.map((header) => splitHeader(header)) };
  }
  const headers = Object.entries(response.getHeaders()).map(([name, value]): [string, string] => [name, String(value)]);
  return { line: `HTTP/1.1 ${response.statusCode} ${response.statusMessage ?? ''}`.trimEnd(), headers };
}

function splitHeader(header: string): [string, string] {
  const at = header.indexOf(':');
  return [header.slice(0, at), header.slice(at + 1).trim()];
}

function textOf(chunk: unknown): string {
  if (typeof chunk === 'string') return chunk;
  return chunk instanceof Uint8Array ? Buffer.from(chunk).toString() : '';
}
