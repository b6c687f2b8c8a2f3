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

/** More refusals than these are not kept for a reader that takes nothing. */
const MAX_UNREAD_REFUSALS = 1000;

/** A task that is followed, or about to be. */
interface Follow {
  subscription: TaskSubscription | null;
  /** What is to be done for it when its turn comes, and the reader has room for it. */
  due: (() => Promise<void>) | null;
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
  #unreadRefusals = 0;
  #isReading = false;
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

  /** What cannot be followed is told in the stream. */
  follow(taskId: string, after: number): void {
    if (this.#isOver || this.#follows.has(taskId)) return;
    const follow: Follow = { subscription: null, due: null, seq: after, isOver: false };
    const { maxTasks } = this.#host.limits;
    if (this.#follows.size >= maxTasks) {
      this.#refuse(taskId, follow, this.#host.refusal('live.maxTasks', maxTasks));
      return;
    }
    this.#follows.set(taskId, follow);
    follow.due = () => this.#begin(taskId, after, follow);
    void this.#readOn();
  }

  /**
   * Reads for one task after the other, and only while the reader takes it: else many tasks, or one that is followed again
   * and again, would fill the memory with what nobody reads. Never rejects.
   */
  async #readOn(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    for (;;) {
      const [taskId, follow] = [...this.#follows].find(([, { due }]) => due !== null) ?? [];
      if (taskId === undefined || follow === undefined || this.#isFull || this.#isOver) break;
      const { due } = follow;
      follow.due = null;
      try {
        await due?.();
      } catch (error) {
        this.#refuse(taskId, follow, toAppError(error));
      }
    }
    this.#isReading = false;
  }

  async #begin(taskId: string, after: number, follow: Follow): Promise<void> {
    const { browsing, store, budget } = this.#host;
    budget.checkRoom();
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
      else await subscription.start(after, head.seq);
      return;
    }
    const { taskJson } = await browsing.whole(head);
    if (!this.#isFollowing(taskId, follow)) return;
    follow.seq = head.seq;
    this.#write('snapshot', `{"taskId":${JSON.stringify(taskId)},"seq":${head.seq},"task":${taskJson}}`);
    if (isTerminal(head.state)) this.#end(taskId, follow);
    else await subscription.start(head.seq, head.seq);
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
      void this.#attach(taskId, follow).start(follow.seq, follow.seq);
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
    if (this.unsentBytes > 0 && ++this.#unreadRefusals > MAX_UNREAD_REFUSALS) this.#reply.raw.destroy();
    else this.#send('refused', { taskId, code: error.code, message: error.message });
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
    this.#unreadRefusals = 0;
    if (!this.#isFull) return;
    this.#isFull = false;
    this.flush();
    for (const follow of this.#follows.values()) follow.due ??= async () => follow.subscription?.resume();
    void this.#readOn();
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
