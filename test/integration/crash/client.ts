/** A client that writes down what it was told, so that it can be compared with what is there after a crash. */
import { randomUUID } from 'node:crypto';
import { Agent, request } from 'undici';
import type { ListTasksRequest, StreamResponse, Task } from '../../../src/protocol/v1/types.ts';
import type { ParleyProcess } from '../../support/server.ts';
import { openSse } from '../../support/sse.ts';

export interface Seen {
  readonly id: number;
  readonly data: string;
}

export function eventOf(seen: Seen): StreamResponse {
  return JSON.parse(seen.data) as StreamResponse;
}

export function stateOf(event: StreamResponse | undefined): string | undefined {
  if (event === undefined) return undefined;
  if ('task' in event) return event.task.status.state;
  return 'statusUpdate' in event ? event.statusUpdate.status.state : undefined;
}

export class CrashClient {
  readonly #parley: ParleyProcess;
  readonly #headers: Record<string, string>;
  #dispatcher = new Agent({ connections: 400 });

  constructor(parley: ParleyProcess) {
    this.#parley = parley;
    this.#headers = {
      authorization: `Bearer ${parley.adminKey}`,
      'a2a-version': '1.0',
      'content-type': 'application/json',
    };
  }

  /** Forgets its connections, as after a crash of the server. */
  async reconnect(): Promise<void> {
    await this.#dispatcher.destroy();
    this.#dispatcher = new Agent({ connections: 400 });
  }

  async close(): Promise<void> {
    await this.#dispatcher.destroy();
  }

  static message(text: string, messageId: string = randomUUID()): object {
    return { message: { messageId, role: 'ROLE_USER', parts: [{ text }] } };
  }

  /** The answer's body. Throws where the answer is not 200, or where there is none. */
  async #json(method: 'GET' | 'POST', path: string, body?: object): Promise<unknown> {
    const response = await request(`${this.#parley.url}/a2a${path}`, {
      method,
      headers: this.#headers,
      body: body === undefined ? null : JSON.stringify(body),
      dispatcher: this.#dispatcher,
      headersTimeout: 30_000,
    });
    const text = await response.body.text();
    if (response.statusCode !== 200) throw new Error(`${method} ${path}: ${response.statusCode} ${text}`);
    return JSON.parse(text);
  }

  async send(text: string, messageId?: string): Promise<Task> {
    return ((await this.#json('POST', '/message:send', CrashClient.message(text, messageId))) as { task: Task }).task;
  }

  async get(id: string): Promise<Task> {
    return (await this.#json('GET', `/tasks/${id}`)) as Task;
  }

  async cancel(id: string): Promise<Task> {
    return (await this.#json('POST', `/tasks/${id}:cancel`, {})) as Task;
  }

  /** All pages: the ids and states of every task, and what the last page gave as their number. */
  async list(
    query: ListTasksRequest = {},
  ): Promise<{ readonly tasks: Map<string, string>; readonly totalSize: number }> {
    const tasks = new Map<string, string>();
    let totalSize = 0;
    let pageToken = '';
    do {
      const values = { pageSize: '100', ...(query.status ? { status: query.status } : {}), pageToken };
      const page = (await this.#json('GET', `/tasks?${new URLSearchParams(values).toString()}`)) as {
        tasks: Task[];
        nextPageToken: string;
        totalSize: number;
      };
      for (const task of page.tasks) tasks.set(task.id, task.status.state);
      totalSize = page.totalSize;
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    return { tasks, totalSize };
  }

  /** Sends and follows until the stream ends or the server dies; `seen` holds what came until then. */
  async stream(text: string, seen: Seen[]): Promise<void> {
    await this.#follow('/message:stream', { body: CrashClient.message(text) }, seen);
  }

  /** Everything after `lastEventId`, to the end of the task. */
  async resume(taskId: string, lastEventId: number): Promise<Seen[]> {
    const seen: Seen[] = [];
    await this.#follow(`/tasks/${taskId}:subscribe`, { method: 'GET', lastEventId: String(lastEventId) }, seen);
    return seen;
  }

  async #follow(
    path: string,
    how: { readonly body?: object; readonly method?: 'GET'; readonly lastEventId?: string },
    seen: Seen[],
  ): Promise<void> {
    const stream = await openSse(`${this.#parley.url}/a2a${path}`, {
      ...how,
      headers: this.#headers,
      dispatcher: this.#dispatcher,
    });
    if (stream.status === 204) return;
    if (stream.status !== 200) throw new Error(`${path}: ${stream.status} ${await stream.text()}`);
    for await (const event of stream) seen.push({ id: Number(event.id), data: event.data });
  }
}
