/** One live stream of one tab: changes of the list, and the events of the tasks that it follows, over one connection. */
import type { OutgoingHttpHeaders } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '../../core/logger.ts';
import type { OpenStreams, Unsent } from '../../core/streams/open-streams.ts';
import type { TaskBrowsing } from '../../core/tasks/browsing.ts';
import type { SubscriptionHub } from '../../core/tasks/hub.ts';
import { type LogRow, stateOf } from '../../core/tasks/log.ts';
import { isTerminal } from '../../core/tasks/states.ts';
import type { TaskStore } from '../../core/tasks/store.ts';
import type { TaskSubscription } from '../../core/tasks/subscription.ts';
import { AppError, toAppError } from '../../protocol/errors.ts';
import type { LiveFrame, LiveFrameName, TaskChange } from './live-contract.ts';
import { eventJson } from './task-json.ts';

const HEAD = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
} as const;
/** Changed tasks told at once; with more of them the list is to be read again. */
const MAX_CHANGES = 500;

export type StreamBudget = Pick<OpenStreams, 'checkRoom' | 'behind' | 'left' | 'metrics'>;

/** What a connection needs of the keeper of all. */
export interface LiveHost {
  readonly browsing: TaskBrowsing;
  readonly store: TaskStore;
  readonly hub: SubscriptionHub;
  readonly logger: Logger;
  /** That of all streams. */
  readonly budget: StreamBudget;
  readonly limits: {
    readonly maxTasks: number;
    readonly heartbeatMs: number;
    readonly maxBufferBytes: number;
    readonly stalledTimeoutMs: number;
  };
  /** The error of a limit that is reached, which is counted. */
  refusal(key: string, limit: number): AppError;
  /** When a row was committed by this process; null: by another, or before. */
  timeOf(row: LogRow): number | null;
  remove(connection: LiveConnection): void;
}

type ByeReason = Extract<LiveFrame, { name: 'bye' }>['data']['reason'];

/** A task that is followed, or about to be. */
interface Follow {
  subscription: TaskSubscription | null;
  /** The last event passed on, and whether it was the last of all. */
  seq: number;
  isOver: boolean;
}

export class LiveConnection implements Unsent {
  readonly id: string;
  readonly wantsList: boolean;
  readonly #host: LiveHost;
  readonly #reply: FastifyReply;
  readonly #follows = new Map<string, Follow>();
  readonly #changes = new Map<string, TaskChange>();
  #isIncomplete = false;
  #isFull = false;
  #isWatched = false;
  #isOver = false;

  constructor(host: LiveHost, id: string, reply: FastifyReply, wantsList: boolean) {
    this.#host = host;
    this.id = id;
    this.#reply = reply;
    this.wantsList = wantsList;
  }

  get request(): FastifyRequest {
    return this.#reply.request;
  }

  get unsentBytes(): number {
    return this.#reply.raw.writableLength;
  }

  get hasChanges(): boolean {
    return this.#changes.size > 0 || this.#isIncomplete;
  }

  open(): void {
    this.#reply.hijack();
    const { raw } = this.#reply;
    // What the hooks have set goes out with our own.
    raw.writeHead(200, { ...this.#reply.getHeaders(), ...HEAD } as OutgoingHttpHeaders);
    raw.once('close', () => {
      this.#host.budget.left(this);
      this.#onClose();
    });
    raw.on('drain', () => this.#onDrain());
    const { limits } = this.#host;
    this.#send('hello', { liveId: this.id, maxTasks: limits.maxTasks, heartbeatMs: limits.heartbeatMs });
    if (raw.destroyed) this.#onClose();
  }

  // ---- the list ----

  /** Several changes of a task before the next flush are one. */
  change(change: TaskChange): void {
    const before = this.#changes.get(change.id);
    if (before === undefined && this.#changes.size >= MAX_CHANGES) {
      this.#isIncomplete = true;
      return;
    }
    if (before !== undefined && before.seq > change.seq) return;
    this.#changes.set(change.id, { ...change, title: change.title ?? before?.title ?? null });
  }

  incomplete(): void {
    this.#isIncomplete = true;
  }

  /** Changes wait, and go on becoming one, while the reader is slow. */
  flush(): void {
    if (this.#isFull || this.#isOver || !this.hasChanges) return;
    this.#send('tasks', { changes: [...this.#changes.values()], isIncomplete: this.#isIncomplete });
    this.#changes.clear();
    this.#isIncomplete = false;
  }

  // ---- tasks ----

  /** Never rejects: what cannot be followed is told in the stream. */
  async follow(taskId: string, after: number): Promise<void> {
    if (this.#isOver || this.#follows.has(taskId)) return;
    const follow: Follow = { subscription: null, seq: after, isOver: false };
    try {
      const { maxTasks } = this.#host.limits;
      if (this.#follows.size >= maxTasks) throw this.#host.refusal('live.maxTasks', maxTasks);
      this.#follows.set(taskId, follow);
      await this.#begin(taskId, after, follow);
    } catch (error) {
      this.#refuse(taskId, follow, toAppError(error));
    }
  }

  async #begin(taskId: string, after: number, follow: Follow): Promise<void> {
    const { browsing, store } = this.#host;
    const found = await browsing.find(this.request.principal, taskId);
    if (!this.#isFollowing(taskId, follow)) return;
    const subscription = this.#attach(taskId, follow);
    // Attached before the look: what is committed in between is noticed.
    const head = await store.readHead(found, taskId);
    if (!this.#isFollowing(taskId, follow)) return;
    if (head === undefined) throw new AppError('TASK_NOT_FOUND', 'The task is gone');
    if (after > head.seq) {
      throw new AppError('EVENT_ID_OUT_OF_RANGE', `Event ${after} is above the last event of the task, ${head.seq}`);
    }
    if (after >= head.firstSeq - 1) {
      if (isTerminal(head.state) && after === head.seq) this.#end(taskId, follow);
      else subscription.start(after, head.seq);
      return;
    }
    const { taskJson } = await browsing.whole(head);
    if (!this.#isFollowing(taskId, follow)) return;
    follow.seq = head.seq;
    this.#write('snapshot', `{"taskId":${JSON.stringify(taskId)},"seq":${head.seq},"task":${taskJson}}`);
    if (isTerminal(head.state)) this.#end(taskId, follow);
    else subscription.start(head.seq, head.seq);
  }

  #isFollowing(taskId: string, follow: Follow): boolean {
    return !this.#isOver && this.#follows.get(taskId) === follow;
  }

  #attach(taskId: string, follow: Follow): TaskSubscription {
    const { hub } = this.#host;
    const subscription = hub.attach(this.request.principal.ownerId, taskId, {
      events: (rows) => this.#events(taskId, follow, rows),
      end: () => {
        if (follow.isOver) this.#end(taskId, follow);
        // A turn has ended: the next one is followed too.
        else if (this.#isFollowing(taskId, follow)) this.#again(taskId, follow);
      },
      broken: (cause) => this.#refuse(taskId, follow, toAppError(cause)),
    });
    follow.subscription = subscription;
    return subscription;
  }

  #again(taskId: string, follow: Follow): void {
    try {
      this.#attach(taskId, follow).start(follow.seq, follow.seq);
    } catch (error) {
      this.#refuse(taskId, follow, toAppError(error));
    }
  }

  #events(taskId: string, follow: Follow, rows: readonly LogRow[]): boolean {
    let frames = '';
    for (const row of rows) {
      frames += frame('event', eventJson(row, this.#host.timeOf(row), taskId));
      follow.seq = row.seq;
      const state = stateOf(row);
      if (state !== undefined && isTerminal(state)) follow.isOver = true;
    }
    return this.#writeFrames(frames);
  }

  #end(taskId: string, follow: Follow): void {
    if (!this.#isFollowing(taskId, follow)) return;
    this.unfollow(taskId);
    this.#send('end', { taskId, seq: follow.seq });
  }

  #refuse(taskId: string, follow: Follow, error: AppError): void {
    if (this.#follows.get(taskId) === follow) this.unfollow(taskId);
    if (error.code === 'INTERNAL') this.#host.logger.error({ err: error, taskId }, 'a task could not be followed');
    this.#send('refused', { taskId, code: error.code, message: error.message });
  }

  unfollow(taskId: string): void {
    const follow = this.#follows.get(taskId);
    this.#follows.delete(taskId);
    follow?.subscription?.close();
  }

  // ---- the connection ----

  #send<Name extends LiveFrameName>(name: Name, data: Extract<LiveFrame, { name: Name }>['data']): void {
    this.#write(name, JSON.stringify(data));
  }

  #write(name: LiveFrameName, json: string): void {
    this.#writeFrames(frame(name, json));
  }

  /** Whether there is room for more. */
  #writeFrames(frames: string): boolean {
    if (this.#isOver) return false;
    const { raw } = this.#reply;
    if (!raw.write(frames)) this.#watch();
    if (raw.writableLength < this.#host.limits.maxBufferBytes) return true;
    this.#isFull = true;
    return false;
  }

  /** A reader that takes nothing for too long is cut off; it can come back with what it has. */
  #watch(): void {
    this.#host.budget.behind(this);
    if (this.#isWatched) return;
    this.#isWatched = true;
    const { raw } = this.#reply;
    raw.setTimeout(this.#host.limits.stalledTimeoutMs, () => {
      if (raw.writableLength === 0 || raw.destroyed) return;
      this.#host.budget.metrics.streamStalled();
      raw.destroy();
    });
  }

  #onDrain(): void {
    if (!this.#isFull) return;
    this.#isFull = false;
    this.flush();
    for (const { subscription } of this.#follows.values()) subscription?.resume();
  }

  /** An event, since a browser tells nobody of comments; of no use while bytes wait that nobody takes. */
  beat(): void {
    if (this.unsentBytes === 0) this.#send('beat', {});
  }

  /** May be called twice. */
  finish(reason: ByeReason): void {
    if (this.#isOver) return;
    this.flush();
    this.#send('bye', { reason });
    const { raw } = this.#reply;
    const { socket } = raw;
    // A connection that is kept for other requests would keep a server that stops waiting.
    raw.end(() => socket?.destroySoon());
    this.#watch();
    this.#onClose();
  }

  #onClose(): void {
    this.#isOver = true;
    for (const taskId of this.#follows.keys()) this.unfollow(taskId);
    this.#host.remove(this);
  }
}

/** `json` is in one line, as JSON.stringify makes it. */
function frame(name: LiveFrameName, json: string): string {
  return `event: ${name}\ndata: ${json}\n\n`;
}
