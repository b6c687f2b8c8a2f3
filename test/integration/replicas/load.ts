/** A steady load on several servers behind one address, which takes note of everything that was not as it should be. */
import { randomUUID } from 'node:crypto';
import { Agent, request } from 'undici';
import type { Task } from '../../../src/protocol/v1/types.ts';
import { type GrpcClient, grpcClientOf } from '../../support/grpc-client.ts';
import { openSse } from '../../support/sse.ts';
import { eventOf, type Seen, stateOf } from '../crash/client.ts';

export interface LoadCounts {
  sends: number;
  grpcSends: number;
  streams: number;
  /** How often a stream ended before its task, and was taken up where it was. */
  resumed: number;
  reads: number;
}

export class Load {
  readonly failures: string[] = [];
  readonly counts: LoadCounts = { sends: 0, grpcSends: 0, streams: 0, resumed: 0, reads: 0 };
  readonly taskIds = new Set<string>();
  readonly #url: string;
  readonly #grpc: GrpcClient;
  readonly #adminKey: string;
  readonly #headers: Record<string, string>;
  readonly #dispatcher = new Agent({ connections: 200 });
  readonly #workers: Promise<void>[] = [];
  #isOver = false;

  constructor({ url, grpcAddress }: { readonly url: string; readonly grpcAddress: string }, adminKey: string) {
    this.#grpc = grpcClientOf(grpcAddress);
    this.#adminKey = adminKey;
    this.#url = `${url}/a2a`;
    this.#headers = { authorization: `Bearer ${adminKey}`, 'a2a-version': '1.0', 'content-type': 'application/json' };
  }

  start(): void {
    const begin = (count: number, work: () => Promise<void>): void => {
      for (let index = 0; index < count; index++) this.#workers.push(this.#repeat(work));
    };
    begin(4, () => this.#send('hello'));
    begin(4, () => this.#send('/sleep 150'));
    begin(1, () => this.#send('/sleep 1500'));
    begin(6, () => this.#stream('/stream count=20 interval=100'));
    begin(2, () => this.#get());
    begin(1, () => this.#list());
    begin(2, () => this.#sendByGrpc('/sleep 300'));
  }

  /** Lets everything under way come to its end. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#workers);
    await this.#dispatcher.destroy();
    this.#grpc.close();
  }

  async #repeat(work: () => Promise<void>): Promise<void> {
    while (!this.#isOver) {
      try {
        await work();
      } catch (error) {
        this.failures.push(`${new Date().toISOString()} ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }

  async #json(method: 'GET' | 'POST', path: string, body?: object): Promise<unknown> {
    const response = await request(this.#url + path, {
      method,
      headers: this.#headers,
      body: body === undefined ? null : JSON.stringify(body),
      dispatcher: this.#dispatcher,
      headersTimeout: 60_000,
    });
    const text = await response.body.text();
    if (response.statusCode !== 200)
      throw new Error(`${method} ${path} ${JSON.stringify(body)}: ${response.statusCode} ${text}`);
    return JSON.parse(text);
  }

  async #send(text: string): Promise<void> {
    const { task } = (await this.#json('POST', '/message:send', messageOf(text))) as { task: Task };
    if (task.status.state !== 'TASK_STATE_COMPLETED') throw new Error(`send ${text}: ${JSON.stringify(task)}`);
    this.taskIds.add(task.id);
    this.counts.sends++;
  }

  async #sendByGrpc(text: string): Promise<void> {
    const message = { messageId: randomUUID(), role: 'ROLE_USER', parts: [{ text }] };
    const metadata = { authorization: `Bearer ${this.#adminKey}`, 'a2a-version': '1.0' };
    const answer = await this.#grpc.call('lf.a2a.v1.A2AService/SendMessage', { message }, { metadata });
    const { state } = (answer.messages[0] as { task?: Task } | undefined)?.task?.status ?? {};
    if (state !== 'TASK_STATE_COMPLETED') throw new Error(`gRPC: ${JSON.stringify(answer)}`);
    this.counts.grpcSends++;
  }

  async #get(): Promise<void> {
    const ids = [...this.taskIds];
    const id = ids[Math.floor(Math.random() * ids.length)];
    if (id === undefined) return void (await new Promise((resolve) => setImmediate(resolve)));
    const task = (await this.#json('GET', `/tasks/${id}`)) as Task;
    if (task.status.state !== 'TASK_STATE_COMPLETED') throw new Error(`get ${id}: ${JSON.stringify(task)}`);
    this.counts.reads++;
  }

  async #list(): Promise<void> {
    await this.#json('GET', '/tasks?pageSize=10');
    this.counts.reads++;
  }

  /** Follows to the end of the task; where the stream ends before, takes it up after its last event. */
  async #stream(text: string): Promise<void> {
    const seen: Seen[] = [];
    await this.#follow('/message:stream', { body: messageOf(text) }, seen);
    const first = seen[0] === undefined ? undefined : eventOf(seen[0]);
    if (first === undefined || !('task' in first)) throw new Error('a stream without a task');
    const { id } = first.task;
    while (!isOver(seen)) {
      this.counts.resumed++;
      await this.#follow(`/tasks/${id}:subscribe`, { method: 'GET', lastEventId: String(seen.at(-1)?.id) }, seen);
    }
    const ids = seen.map((event) => event.id);
    if (ids.some((one, index) => one !== index + 1)) throw new Error(`a stream with a gap: ${ids.join()}`);
    this.taskIds.add(id);
    this.counts.streams++;
  }

  async #follow(
    path: string,
    how: { readonly body?: object; readonly method?: 'GET'; readonly lastEventId?: string },
    seen: Seen[],
  ): Promise<void> {
    const options = { ...how, headers: this.#headers, dispatcher: this.#dispatcher };
    const stream = await openSse(this.#url + path, options);
    if (stream.status === 204) return;
    if (stream.status !== 200) throw new Error(`${path}: ${stream.status} ${await stream.text()}`);
    for await (const event of stream) seen.push({ id: Number(event.id), data: event.data });
  }
}

function messageOf(text: string): object {
  return { message: { messageId: randomUUID(), role: 'ROLE_USER', parts: [{ text }] } };
}

function isOver(seen: readonly Seen[]): boolean {
  const last = seen.at(-1);
  const state = last === undefined ? undefined : stateOf(eventOf(last));
  if (state === 'TASK_STATE_FAILED') throw new Error(`a stream that failed: ${last?.data}`);
  return state === 'TASK_STATE_COMPLETED';
}
