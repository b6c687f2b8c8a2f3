/**
 * One turn of one task in this process: pulls events out of the executor, turns them into rows, and has them committed
 * in order. Nothing is published, and no caller is answered, before the commit.
 */
import { AppError, toAppError } from '../../protocol/errors.ts';
import type { Message, Task, TaskState } from '../../protocol/v1/types.ts';
import type { Clock } from '../clock.ts';
import type { Ids } from '../ids.ts';
import type { Logger } from '../logger.ts';
import type { NewPushConfig } from '../push/push-config.ts';
import type { CommitQueue, PendingWrite } from './commit-queue.ts';
import { noLongerRun, notStored } from './errors.ts';
import { agentMessageJson, agentStep, announceStep, statusStep } from './events.ts';
import { Execution } from './execution.ts';
import type { AgentEvent, Executor } from './executor.ts';
import { KeptRows } from './kept-rows.ts';
import { MAX_PENDING_CHARS, MAX_PENDING_EVENTS, type TaskLimits } from './limits.ts';
import { type LogRow, sizeOf } from './log.ts';
import type { TaskMetrics } from './metrics.ts';
import { type Admission, FirstWrite, type RunStart } from './run-start.ts';
import { isSettled, isTerminal } from './states.ts';
import type { CommitResult, Deduplication, TaskHead, TaskWrite } from './store.ts';
import { Waiters } from './waiters.ts';

/** What a run needs of its engine. */
export interface RunHost {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly limits: TaskLimits;
  readonly queue: CommitQueue;
  readonly logger: Logger;
  readonly metrics: TaskMetrics;
  /** The first write of a turn of a task that was there before is committed: this process holds the task now. */
  took(head: TaskHead): void;
  /** Rows of the task were committed. */
  committed(run: TaskRun, rows: readonly LogRow[]): void;
  /** The turn is over and all of it committed (`isDone`), or this process has let go of the task. */
  ended(run: TaskRun, isDone: boolean): void;
  loadTask(head: TaskHead): Promise<Task>;
}

export class TaskRun implements PendingWrite {
  readonly taskId: string;
  readonly ownerId: string;
  readonly agentId: string;
  readonly startedAtMs: number;
  readonly executor: Executor;
  readonly requestId: string | undefined;
  readonly #host: RunHost;
  readonly #message: Message;
  /** The newest head, with what is not committed yet. */
  #head: TaskHead;
  #stored: TaskHead | null;
  #pending: LogRow[];
  #pendingChars = 0;
  #discard: TaskWrite['discard'];
  #dedup: Deduplication | null;
  #pushConfig: NewPushConfig | undefined;
  #underWay: { readonly head: TaskHead; readonly rows: LogRow[] } | null = null;
  #isQueued = false;
  readonly #kept: KeptRows;
  readonly #execution: Execution;
  #isCanceling = false;
  #isWaitingForRoom = false;
  /** The executor is done, whatever it may still do. */
  #isOver = false;
  #hasEnded = false;
  #isElsewhere = false;
  #lastProgressMs: number;
  #cancelGrace: (() => void) | null = null;
  readonly #firstWrite = new FirstWrite();
  readonly #untilSettled = new Waiters();
  readonly #untilOver = new Waiters();
  readonly #untilCommitted = new Waiters();

  constructor(host: RunHost, start: RunStart) {
    this.#host = host;
    this.executor = start.executor;
    this.requestId = start.requestId;
    this.#message = start.message;
    this.#head = start.head;
    this.#stored = start.before;
    this.#pending = [...start.rows];
    this.#discard = start.discard;
    this.#dedup = start.dedup;
    this.#pushConfig = start.pushConfig;
    this.#kept = new KeptRows(start.before === null);
    this.taskId = start.head.id;
    this.ownerId = start.head.ownerId;
    this.agentId = start.head.agentId;
    this.startedAtMs = host.clock.now();
    this.#lastProgressMs = this.startedAtMs;
    this.#execution = new Execution(start.executor, host.clock, {
      onNext: (next) => this.#onNext(next),
      onThrow: (error) => this.#onThrow(error),
    });
  }

  /** The committed head. */
  get stored(): TaskHead | null {
    return this.#stored;
  }

  /** The fencing token of this run. */
  get leaseEpoch(): number {
    return this.#head.leaseEpoch;
  }

  /** The rows of a task that began with this run, or null where they are not all at hand. */
  get keptRows(): readonly LogRow[] | null {
    return this.#kept.rows;
  }

  /** Whether the first write is through, in one way or the other. */
  get isAdmitted(): boolean {
    return !this.#firstWrite.isOpen;
  }

  /** Enqueues the first write and resolves with what became of it; rejects when its commit failed. Call it once. */
  begin(): Promise<Admission> {
    if (this.#stored === this.#head && this.#pending.length === 0) {
      // Claimed already: there is nothing to write.
      this.#firstWrite.settle({ status: 'admitted' });
      this.#host.took(this.#head);
      this.#execute();
      return this.#firstWrite.outcome;
    }
    this.#enqueue();
    if (this.executor.effects === 'none') this.#execute();
    return this.#firstWrite.outcome;
  }

  /** What became of the first write. */
  admission(): Promise<Admission> {
    return this.#firstWrite.outcome;
  }

  get isCommitting(): boolean {
    return this.#underWay !== null;
  }

  /** Whether a terminal or interrupted state is committed, and nothing waits that may change it. */
  get isSettled(): boolean {
    if (this.#pending.length > 0 || this.#underWay !== null) return false;
    return this.#stored !== null && isSettled(this.#stored.state);
  }

  /** Resolves when it is settled, or `signal` is aborted; rejects when this process has lost the task. */
  settled(signal?: AbortSignal): Promise<void> {
    if (this.isSettled) return Promise.resolve();
    if (this.#hasEnded) return Promise.reject(noLongerRun());
    return this.#untilSettled.wait(signal);
  }

  /** Resolves when the turn is over and all of it is committed; rejects when this process has lost the task. */
  over(): Promise<void> {
    return this.#hasEnded ? Promise.resolve() : this.#untilOver.wait();
  }

  /** Resolves when the next commit is through, or `signal` is aborted; rejects when there will be none. */
  nextCommit(signal?: AbortSignal): Promise<void> {
    return this.#hasEnded ? Promise.reject(noLongerRun()) : this.#untilCommitted.wait(signal);
  }

  // ---- the executor ----

  #execute(): void {
    const { taskId, ownerId } = this;
    try {
      const { contextId, attempt } = this.#head;
      // Not before the claim is committed: until then the broken attempt's content is there.
      const loadTask = (): Promise<Task> => this.#firstWrite.outcome.then(() => this.#host.loadTask(this.#head));
      this.#execution.begin({ taskId, contextId, ownerId, message: this.#message, attempt, loadTask });
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#execution.pull();
  }

  #onNext(next: IteratorResult<AgentEvent>): void {
    if (this.#isOver) return;
    if (next.done === true) {
      if (this.#isCanceling) this.#finish('TASK_STATE_CANCELED', null);
      else if (isSettled(this.#head.state)) this.#over();
      else this.#finish('TASK_STATE_COMPLETED', null);
      return;
    }
    try {
      this.#append(next.value);
    } catch (error) {
      this.#countLimit(error);
      this.#fail(error);
      return;
    }
    if (isTerminal(this.#head.state) || this.#head.state === 'TASK_STATE_INPUT_REQUIRED') this.#over();
    else if (this.#pending.length < MAX_PENDING_EVENTS && this.#pendingChars < MAX_PENDING_CHARS)
      this.#execution.pull();
    else this.#isWaitingForRoom = true;
  }

  #onThrow(error: unknown): void {
    if (this.#isOver) return;
    if (this.#isCanceling) this.#finish('TASK_STATE_CANCELED', null);
    else this.#fail(error);
  }

  #countLimit(error: unknown): void {
    const limit = error instanceof AppError && error.code === 'LIMIT_EXCEEDED' ? error.metadata['limit'] : undefined;
    if (limit !== undefined) this.#host.metrics.limitReached(limit);
  }

  #append(event: AgentEvent): void {
    const { clock, ids, limits } = this.#host;
    const nowMs = clock.now();
    this.#lastProgressMs = nowMs;
    if (event.type === 'message') {
      if (this.#head.seq !== 0) {
        throw new AppError('INVALID_AGENT_RESPONSE', 'The agent answered with a Message after its task had begun');
      }
    } else if (this.#head.seq === 0) this.#announce();
    this.#push(agentStep(this.#head, event, nowMs, ids, limits));
  }

  /** A task that waited for the kind of its answer: it is a task after all. */
  #announce(): void {
    this.#host.metrics.taskCreated(this.agentId);
    this.#push(announceStep(this.#head, this.#message));
  }

  #push(step: { readonly head: TaskHead; readonly row: LogRow }): void {
    this.#head = step.head;
    this.#pending.push(step.row);
    this.#pendingChars += sizeOf(step.row);
    this.#enqueue();
  }

  /** Ends the turn in a terminal state; the lease goes with it. */
  #finish(state: TaskState, messageJson: string | null): void {
    if (this.#isOver) return;
    if (this.#head.seq === 0) this.#announce();
    if (!isTerminal(this.#head.state)) {
      this.#push(statusStep(this.#head, { state, nowMs: this.#host.clock.now(), messageJson }));
    }
    this.#over();
  }

  #fail(thrown: unknown): void {
    if (this.#isOver) return;
    const error = toAppError(thrown);
    const isFault = error.code === 'INTERNAL';
    if (isFault) this.#host.logger.error({ err: thrown, taskId: this.taskId, agentId: this.agentId }, 'agent failed');
    const text = isFault
      ? 'The agent failed with an internal error; the log of the server has it under this task'
      : error.message;
    this.#finish('TASK_STATE_FAILED', agentMessageJson({ parts: [{ text }] }, this.#head, this.#host.ids));
  }

  /** The executor is not asked again, and may clean up. */
  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelGrace?.();
    this.#head = { ...this.#head, leaseReplica: null };
    this.#enqueue();
    this.#release();
  }

  #release(): void {
    // It has nothing more to say about its task; what it throws while it cleans up is only worth a line.
    this.#execution.release((err) => {
      this.#host.logger.warn({ err, taskId: this.taskId, agentId: this.agentId }, 'agent failed to clean up');
    });
  }

  // ---- from outside ----

  /** Asks the executor to stop and, after the grace, cancels the task without it. */
  cancel(): void {
    if (this.#isOver || this.#isCanceling) return;
    this.#isCanceling = true;
    if (!this.#execution.hasBegun) {
      this.#finish('TASK_STATE_CANCELED', null);
      return;
    }
    this.#execution.abort(new AppError('UNAVAILABLE', 'The task was canceled'));
    if (this.#isWaitingForRoom) return;
    this.#cancelGrace = this.#host.clock.after(this.#host.limits.cancelGraceMs, () => {
      this.#finish('TASK_STATE_CANCELED', null);
    });
  }

  /** Whether the task goes on at another replica, so that its log is worth following. */
  get isElsewhere(): boolean {
    return this.#isElsewhere;
  }

  /** Lets go of the task so that another replica can take it over. */
  handOver(reason: AppError): void {
    this.#isElsewhere = true;
    this.abandon(reason);
  }

  /** Lets go of the task without a word in its log: shutdown, a failed commit, or another replica has it. */
  abandon(reason: AppError): void {
    if (this.#hasEnded) return;
    this.#isOver = true;
    this.#pending = [];
    this.#firstWrite.fail(reason);
    this.#execution.abort(reason);
    this.#release();
    this.#end(reason);
  }

  /** Another replica has the task. */
  lost(): void {
    if (this.#hasEnded) return;
    this.#host.metrics.leaseLost(this.agentId);
    this.handOver(new AppError('UNAVAILABLE', 'The task was taken over by another replica'));
  }

  /** Called now and then: ends a turn that takes too long or gives no sign of life. */
  checkTime(nowMs: number): void {
    // A canceled agent has its grace, and one that waits for room waits for the store.
    if (this.#isOver || this.#isCanceling || !this.#execution.hasBegun) return;
    const { idleTimeoutMs, maxDurationMs } = this.#host.limits;
    const longest = this.executor.maxDurationMs > 0 ? this.executor.maxDurationMs : maxDurationMs;
    const isWaiting = isSettled(this.#head.state) || this.#isWaitingForRoom;
    if (longest > 0 && nowMs - this.startedAtMs > longest) {
      this.#endLate('tasks.maxDurationMs', `it took longer than ${longest} ms`);
    } else if (!isWaiting && idleTimeoutMs > 0 && nowMs - this.#lastProgressMs > idleTimeoutMs) {
      this.#endLate('tasks.idleTimeoutMs', `it gave no event for ${idleTimeoutMs} ms (tasks.idleTimeoutMs)`);
    }
  }

  #endLate(limit: string, why: string): void {
    this.#host.metrics.limitReached(limit);
    const error = new AppError('UNAVAILABLE', `The server ended this task: ${why}`);
    this.#fail(error);
    this.#execution.abort(error);
  }

  // ---- commits ----

  #enqueue(): void {
    if (this.#isQueued || this.#underWay !== null || this.#hasEnded) return;
    this.#isQueued = true;
    this.#host.queue.enqueue(this);
  }

  build(): TaskWrite | null {
    this.#isQueued = false;
    if (this.#hasEnded) return null;
    const before = this.#stored;
    const rows = this.#pending;
    this.#pending = [];
    this.#pendingChars = 0;
    this.#underWay = { head: this.#head, rows };
    const pushConfig = this.#pushConfig;
    const write = { before, head: this.#head, rows, discard: this.#discard, dedup: this.#dedup, pushConfig };
    this.#discard = null;
    this.#dedup = null;
    this.#pushConfig = undefined;
    return write;
  }

  onResult(result: CommitResult): void {
    const underWay = this.#underWay;
    this.#underWay = null;
    if (underWay === null || this.#hasEnded) return;
    switch (result.status) {
      case 'written':
        this.#onWritten(underWay.head, underWay.rows);
        return;
      case 'duplicate':
        this.#firstWrite.settle({ status: 'duplicate', taskId: result.taskId, sameBody: result.sameBody });
        this.abandon(new AppError('UNAVAILABLE', 'The message was a repetition'));
        return;
      case 'conflict':
        this.#firstWrite.settle({ status: 'conflict' });
        this.lost();
        return;
      case 'failed':
        this.onError(result.cause);
    }
  }

  onError(cause: unknown): void {
    this.#underWay = null;
    if (this.#hasEnded) return;
    this.#host.metrics.commitFailed(1);
    this.#host.logger.error({ err: cause, taskId: this.taskId, agentId: this.agentId }, 'task could not be stored');
    this.abandon(notStored(cause));
  }

  #onWritten(head: TaskHead, rows: readonly LogRow[]): void {
    const isFirst = this.#firstWrite.isOpen;
    const isContinued = isFirst && this.#stored !== null;
    this.#stored = head;
    this.#kept.add(rows);
    if (isContinued) this.#host.took(head);
    if (rows.length > 0) this.#host.committed(this, rows);
    if (isFirst) this.#firstWrite.settle({ status: 'admitted' });
    if (this.#pending.length > 0 || this.#head !== head) this.#enqueue();
    else if (this.#isOver) this.#end(null);
    this.#untilCommitted.release();
    if (this.isSettled) this.#untilSettled.release();
    if (isFirst && !this.#isOver && !this.#execution.hasBegun) this.#execute();
    if (this.#isWaitingForRoom) {
      this.#isWaitingForRoom = false;
      if (this.#isCanceling) this.#finish('TASK_STATE_CANCELED', null);
      else if (!this.#isOver) this.#execution.pull();
    }
  }

  #end(error: AppError | null): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#cancelGrace?.();
    for (const waiters of [this.#untilCommitted, this.#untilSettled, this.#untilOver]) {
      if (error === null) waiters.release();
      else waiters.fail(error);
    }
    this.#host.ended(this, error === null);
  }
}
