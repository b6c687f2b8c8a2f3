// The HTTP client of the loads: one undici dispatch per request, answers looked at without being parsed.
import { Pool } from 'undici';

const EVENT = '\ndata:';
const COMPLETED = 'TASK_STATE_COMPLETED';
const TAIL = 32; // longer than any string that is looked for, so that none is missed between two chunks

function parseHeaders(lines) {
  return Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
}

/** CPU seconds of this process. */
export function ownCpuSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Where the requests of a load go, and which processes do the work there. */
export class Target {
  #tag = Math.random().toString(36).slice(2);
  #sequence = 0;

  constructor(url, { headers, pids, isA2a }) {
    this.url = new URL(url);
    this.pids = pids;
    this.path = this.url.pathname + this.url.search;
    const base = { 'content-type': 'application/json', ...(isA2a ? { 'a2a-version': '1.0' } : {}) };
    this.headers = { ...base, ...parseHeaders(headers) };
    this.streamHeaders = { ...this.headers, accept: 'text/event-stream' };
  }

  pool(connections) {
    return new Pool(this.url.origin, { connections, pipelining: 1 });
  }

  /** The text of a JSON-RPC request; `params` is JSON text. */
  rpcBody(method, params) {
    return `{"jsonrpc":"2.0","id":${++this.#sequence},"method":"${method}","params":${params}}`;
  }

  /** Parameters of a send as JSON text, with a message id that was not used before; `text` is JSON text too. */
  sendParams(text) {
    const messageId = `m-${this.#tag}-${++this.#sequence}`;
    return `{"message":{"messageId":"${messageId}","role":"ROLE_USER","parts":[{"text":${text}}]}}`;
  }

  /** One JSON-RPC call, parsed; throws unless it succeeded. */
  async call(pool, method, params) {
    const answer = await shoot(pool, this.path, this.headers, this.rpcBody(method, params), { keep: true });
    const problem = `${method}: HTTP ${answer.status} ${answer.body.slice(0, 300)}`;
    let document;
    try {
      document = JSON.parse(answer.body);
    } catch (cause) {
      throw new Error(problem, { cause });
    }
    if (document.error || answer.status !== 200) throw new Error(problem);
    return document.result;
  }
}

/**
 * Sends one POST and resolves with { status, bytes, events, ok, firstAt, body }: `ok` says that `expect` occurred in the
 * answer (by default a completed task), `events` counts SSE events, `body` is there with `keep`. `onEvent(n, text)` is
 * called for each piece of a stream that holds n event starts.
 */
export function shoot(pool, path, headers, body, { keep = false, expect = COMPLETED, onEvent } = {}) {
  return new Promise((resolve, reject) => {
    const kept = [];
    const answer = { status: 0, bytes: 0, events: 0, ok: false, firstAt: 0, body: undefined };
    let isStream = false;
    let tail = '\n';
    pool.dispatch(
      { path, method: 'POST', headers, body, headersTimeout: 120_000, bodyTimeout: 120_000 },
      {
        onRequestStart() {},
        onResponseStart(_controller, status, responseHeaders) {
          answer.status = status;
          isStream = String(responseHeaders['content-type'] ?? '').includes('event-stream');
        },
        onResponseData(_controller, chunk) {
          if (answer.firstAt === 0) answer.firstAt = performance.now();
          answer.bytes += chunk.length;
          if (keep) kept.push(chunk);
          if (!isStream && answer.ok) return;
          const text = tail + chunk.latin1Slice();
          if (!answer.ok) answer.ok = text.includes(expect);
          if (isStream) {
            const seen = countEvents(text, tail.length);
            answer.events += seen;
            if (seen > 0) onEvent?.(seen, text);
          }
          tail = text.slice(-TAIL);
        },
        onResponseEnd() {
          if (keep) answer.body = Buffer.concat(kept).toString();
          resolve(answer);
        },
        onResponseError(_controller, error) {
          reject(new Error(`the request failed: ${error.message}`, { cause: error }));
        },
      },
    );
  });
}

/** Event starts in the text that were not complete within its first `known` characters. */
function countEvents(text, known) {
  let count = 0;
  for (let at = text.indexOf(EVENT, Math.max(0, known - EVENT.length + 1)); at !== -1; ) {
    count++;
    at = text.indexOf(EVENT, at + EVENT.length);
  }
  return count;
}
