/** JSON-RPC and REST, in 1.0 and 0.3, by plain HTTP. */
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { Agent, type Dispatcher, request } from 'undici';
import {
  type Answer,
  type Asked,
  type Call,
  type Endpoint,
  type Form,
  isOld,
  type OnEvent,
  shortened,
} from './call.ts';
import { fromV03, taskFromV03 } from './translation.ts';

type Fields = Readonly<Record<string, unknown>>;

interface HttpRequest {
  readonly method: 'GET' | 'POST';
  /** Below the address of the agent. */
  readonly path: string;
  readonly body?: Fields;
}

const METHODS_V03: Readonly<Record<Asked['operation'], string>> = {
  SendMessage: 'message/send',
  SendStreamingMessage: 'message/stream',
  GetTask: 'tasks/get',
  CancelTask: 'tasks/cancel',
  SubscribeToTask: 'tasks/resubscribe',
  ListTasks: 'tasks/list',
};

function requestOf(form: Form, asked: Asked): HttpRequest {
  if (!form.startsWith('JSON-RPC')) return restRequest(form, asked);
  const method = isOld(form) ? METHODS_V03[asked.operation] : asked.operation;
  return { method: 'POST', path: '', body: { jsonrpc: '2.0', id: 1, method, params: paramsOf(form, asked) } };
}

function paramsOf(form: Form, asked: Asked): Fields {
  if ('send' in asked) return sendOf(form, asked);
  if ('taskId' in asked) return { id: asked.taskId };
  const { pageSize, pageToken } = asked;
  return { pageSize, ...(pageToken === '' ? {} : { pageToken }) };
}

function restRequest(form: Form, asked: Asked): HttpRequest {
  const base = isOld(form) ? '/v1' : '';
  if ('send' in asked) {
    const verb = asked.operation === 'SendMessage' ? 'send' : 'stream';
    return { method: 'POST', path: `${base}/message:${verb}`, body: sendOf(form, asked) };
  }
  if (asked.operation === 'ListTasks') {
    const { pageSize, pageToken } = asked;
    const query = new URLSearchParams({ pageSize: String(pageSize), ...(pageToken === '' ? {} : { pageToken }) });
    return { method: 'GET', path: `${base}/tasks?${query.toString()}` };
  }
  const task = `${base}/tasks/${asked.taskId}`;
  if (asked.operation === 'GetTask') return { method: 'GET', path: task };
  if (asked.operation === 'CancelTask') return { method: 'POST', path: `${task}:cancel`, body: {} };
  return { method: 'GET', path: `${task}:subscribe` };
}

function sendOf(form: Form, { send }: Extract<Asked, { send: unknown }>): Fields {
  const { messageId, text, returnImmediately, hookUrl } = send;
  const taskId = send.taskId === null ? {} : { taskId: send.taskId };
  const push = (name: string): Fields => (hookUrl === null ? {} : { [name]: { url: hookUrl } });
  switch (form) {
    case 'JSON-RPC 0.3':
      return {
        message: { kind: 'message', messageId, ...taskId, role: 'user', parts: [{ kind: 'text', text }] },
        configuration: { blocking: !returnImmediately, ...push('pushNotificationConfig') },
      };
    case 'REST 0.3':
      // The ProtoJSON that clients of 0.3 send.
      return {
        message: { messageId, ...taskId, role: 'ROLE_USER', content: [{ text }] },
        configuration: { blocking: !returnImmediately, ...push('pushNotification') },
      };
    default:
      return {
        message: { messageId, ...taskId, role: 'ROLE_USER', parts: [{ text }] },
        configuration: { returnImmediately, ...push('taskPushNotificationConfig') },
      };
  }
}

/** docs/errors.md: what JSON-RPC, and the only event of a refused stream, do not say by the status of HTTP. */
const STATUS_OF_REASON: Readonly<Record<string, number>> = {
  TASK_NOT_FOUND: 404,
  NOT_FOUND: 404,
  IDEMPOTENCY_CONFLICT: 409,
  CONFLICT: 409,
  RATE_LIMITED: 429,
  LIMIT_EXCEEDED: 429,
  INTERNAL: 500,
  INVALID_AGENT_RESPONSE: 500,
  DECRYPTION_FAILED: 500,
  UNAVAILABLE: 503,
};

/** An answer, or one event, out of its envelope. */
function answerOf(form: Form, operation: Asked['operation'], status: number, text: string): Answer {
  const json = jsonOf(text);
  const { result = json, error } = (form.startsWith('JSON-RPC') ? (json ?? {}) : { result: json }) as Fields;
  const refusal = error ?? (status >= 300 || isRefusal(json) ? (json ?? {}) : undefined);
  if (refusal !== undefined) {
    const [{ reason = '' } = {}] = [(refusal as { data?: unknown }).data ?? []].flat() as { reason?: string }[];
    return {
      status: status >= 300 ? status : (STATUS_OF_REASON[reason] ?? 400),
      result: undefined,
      error: shortened(text),
    };
  }
  return { status, result: isOld(form) ? translated(operation, result) : result, error: null };
}

/** REST 0.3 has the error's name beside its fields. */
function isRefusal(json: unknown): boolean {
  return typeof (json as { error?: unknown } | null | undefined)?.error === 'string';
}

function translated(operation: Asked['operation'], result: unknown): unknown {
  if (result === undefined) return undefined;
  if (operation === 'GetTask' || operation === 'CancelTask') return taskFromV03(result);
  if (operation !== 'ListTasks') return fromV03(result);
  return taskFromV03(Array.isArray(result) ? { tasks: result } : result);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The connections of all clients of a run. */
export class HttpCaller {
  readonly #dispatcher = new Agent({ connections: 200, pipelining: 1, connectTimeout: 2000 });

  #request(form: Form, { url, key }: Endpoint, call: Call, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const { agent, asked, idempotencyKey, lastEventId } = call;
    const { method, path, body } = requestOf(form, asked);
    return request(`${url}/a2a/agents/${agent}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        // Clients of 0.3 know no such header.
        ...(isOld(form) ? {} : { 'a2a-version': '1.0' }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
        ...(lastEventId === undefined ? {} : { 'last-event-id': String(lastEventId) }),
      },
      body: body === undefined ? null : JSON.stringify(body),
      dispatcher: this.#dispatcher,
      signal: AbortSignal.any([call.signal, signal]),
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  /** Rejects where no whole answer came in time. */
  async ask(form: Form, endpoint: Endpoint, call: Call): Promise<Answer> {
    const response = await this.#request(form, endpoint, call, AbortSignal.timeout(call.timeoutMs));
    return answerOf(form, call.asked.operation, response.statusCode, await response.body.text());
  }

  /**
   * Calls `onEvent` with each event until the server ends the stream. Rejects when it breaks, or says nothing, not even
   * a comment, for `timeoutMs`. An answer that is no stream comes back.
   */
  async follow(form: Form, endpoint: Endpoint, call: Call, onEvent: OnEvent): Promise<Answer> {
    const leave = new AbortController();
    let timer = setTimeout(() => leave.abort(new Error('silence')), call.timeoutMs);
    const { operation } = call.asked;
    try {
      const response = await this.#request(form, endpoint, call, leave.signal);
      const isStream = String(response.headers['content-type']).startsWith('text/event-stream');
      if (response.statusCode !== 200 || !isStream) {
        return answerOf(form, operation, response.statusCode, await response.body.text());
      }
      const events: EventSourceMessage[] = [];
      const parser = createParser({ onEvent: (event) => void events.push(event) });
      const decoder = new TextDecoder();
      for await (const chunk of response.body) {
        clearTimeout(timer);
        timer = setTimeout(() => leave.abort(new Error('silence')), call.timeoutMs);
        parser.feed(decoder.decode(chunk as Uint8Array, { stream: true }));
        for (const { id, data } of events.splice(0)) {
          const answer = answerOf(form, operation, 200, data);
          // A refusal that comes as an event is the last one.
          if (answer.error !== null) return answer;
          onEvent(Number(id), answer.result);
        }
      }
      return { status: 200, result: undefined, error: null };
    } finally {
      clearTimeout(timer);
    }
  }

  close(): Promise<void> {
    return this.#dispatcher.destroy();
  }
}
