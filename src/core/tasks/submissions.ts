/** How a message becomes a task, or the next turn of one (A2A 1.0 sections 3.1.1, 3.4.2 and 3.4.3). */
import { AppError } from '../../protocol/errors.ts';
import type { Message } from '../../protocol/v1/types.ts';
import type { Agent } from '../agents/registry.ts';
import type { MakePushConfig } from '../push/push-config.ts';
import { type DeduplicationWindows, deduplicationOf } from './deduplication.ts';
import type { EngineHost } from './engine-host.ts';
import { taskNotFound } from './errors.ts';
import { statusStep } from './events.ts';
import { inputRow, sizeOf, statusJson, taskRow } from './log.ts';
import type { TaskRun } from './run.ts';
import type { Admission } from './run-start.ts';
import { isInterrupted, isTerminal } from './states.ts';
import { type CommitResult, type Deduplication, QUEUED, type TaskHead, type TaskScope } from './store.ts';

export interface Submission {
  readonly scope: TaskScope;
  readonly agent: Agent;
  /** As decoded: with `taskId` it continues that task, with `contextId` alone it begins a new one in that context. */
  readonly message: Message;
  readonly idempotencyKey: string | undefined;
  /** For the log. */
  readonly requestId?: string | undefined;
  /** Makes the push configuration that comes with the message; absent: there is none. */
  readonly pushConfig?: MakePushConfig | undefined;
  /** Called where the task has push configurations already. Rejects while there is no room for more deliveries. */
  readonly checkPushRoom?: ((ownerId: string) => Promise<void>) | undefined;
  /** Called with the id of a new task before anything of it is committed, so that no event can be missed. */
  readonly beforeStart?: ((taskId: string) => void) | undefined;
}

/** What became of a message: a run of this process, a turn that waits, or a task that an earlier send had made already. */
export type Submitted =
  | { readonly status: 'started'; readonly isNew: boolean; readonly run: TaskRun }
  | { readonly status: 'queued'; readonly isNew: boolean; readonly taskId: string }
  | { readonly status: 'joined'; readonly taskId: string };

/** How often a message is tried again when the task changes under it. */
const CONTINUE_ATTEMPTS = 5;

export class Submitter {
  readonly #engine: EngineHost;
  readonly #windows: DeduplicationWindows;

  constructor(engine: EngineHost, windows: DeduplicationWindows) {
    this.#engine = engine;
    this.#windows = windows;
  }

  async submit(submission: Submission): Promise<Submitted> {
    const { message, scope, idempotencyKey } = submission;
    const { limits, clock } = this.#engine;
    const text = JSON.stringify(message);
    this.#check(text.length, limits.maxMessageBytes, 'tasks.maxMessageBytes', 'characters of JSON');
    this.#check(message.parts.length, limits.maxPartsPerMessage, 'tasks.maxPartsPerMessage', 'parts');
    const dedup = deduplicationOf(scope, message, text, idempotencyKey, clock.now(), this.#windows);
    return message.taskId === undefined
      ? this.#create(submission, text, dedup)
      : this.#continue(submission, message.taskId, text, dedup);
  }

  #check(size: number, limit: number, key: string, what: string): void {
    if (size <= limit) return;
    this.#engine.metrics.limitReached(key);
    throw new AppError('PAYLOAD_TOO_LARGE', `The message has ${size} ${what}; ${key} is ${limit}`);
  }

  async #create(submission: Submission, text: string, dedup: Deduplication | null): Promise<Submitted> {
    const { scope, message, agent } = submission;
    const engine = this.#engine;
    // Asked again after each: others who waited for the same look may have used it up. Nothing is awaited between the last
    // time and what is counted then.
    while (engine.isQueueLookDue(scope)) await engine.lookAtQueue();
    const place = engine.placeFor(scope);
    const nowMs = engine.clock.now();
    const taskId = engine.ids.next();
    const contextId = message.contextId ?? engine.ids.next();
    const contextIdJson = JSON.stringify(contextId);
    const context = message.contextId === undefined ? `,"contextId":${contextIdJson}` : '';
    const stored = `${text.slice(0, -1)}${context},"taskId":"${taskId}"}`;
    const status = statusJson('TASK_STATE_SUBMITTED', null, new Date(nowMs).toISOString());
    // An agent that may answer with a Message gets a task that nobody sees until its first event says what it is.
    const isOpen = agent.executor.replies === 'either';
    const row = isOpen ? inputRow(stored) : taskRow(1, { taskId, contextIdJson }, status, stored, true);
    const head: TaskHead = {
      id: taskId,
      ownerId: scope.ownerId,
      agentId: scope.agentId,
      contextId,
      state: 'TASK_STATE_SUBMITTED',
      status,
      statusAtMs: nowMs,
      createdAtMs: nowMs,
      seq: row.seq,
      firstSeq: 1,
      turnSeq: row.seq,
      listed: !isOpen,
      messageCount: 1,
      sizeChars: sizeOf(row),
      leaseReplica: place === 'here' ? engine.replicaId : QUEUED,
      leaseEpoch: 1,
      attempt: 1,
    };
    submission.beforeStart?.(taskId);
    const { executor } = agent;
    const { requestId } = submission;
    const pushConfig = submission.pushConfig?.(taskId);
    const rows = [row];
    let first: Admission | CommitResult;
    let run: TaskRun | null = null;
    if (place === 'here') {
      run = engine.newRun({ executor, message, requestId, before: null, head, rows, discard: null, dedup, pushConfig });
      first = await run.begin();
    } else first = await engine.enqueue({ before: null, head, rows, discard: null, dedup, pushConfig });
    if (first.status === 'duplicate') return this.#join(first);
    if (first.status === 'conflict') {
      throw new AppError('INTERNAL', 'Internal error', { detail: `task ${taskId} exists already` });
    }
    if (!isOpen) engine.metrics.taskCreated(scope.agentId);
    return run === null ? { status: 'queued', isNew: true, taskId } : { status: 'started', isNew: true, run };
  }

  async #continue(
    submission: Submission,
    taskId: string,
    text: string,
    dedup: Deduplication | null,
  ): Promise<Submitted> {
    const { scope, message, agent } = submission;
    const engine = this.#engine;
    let isPushRoomKnown = false;
    for (let attempt = 1; attempt <= CONTINUE_ATTEMPTS; attempt++) {
      const before = await engine.store.readHead(scope, taskId);
      if (!before?.listed) throw taskNotFound(taskId);
      checkContext(message, before);
      if (before.hasPushConfigs === true && !isPushRoomKnown) {
        await submission.checkPushRoom?.(scope.ownerId);
        isPushRoomKnown = true;
        // Looked at again after the wait.
        continue;
      }
      const running = engine.runOf(taskId);
      if (running?.isAdmitted === false) {
        await running.admission().catch(() => undefined);
        continue;
      }
      if (!isInterrupted(before.state) || running !== undefined) {
        const known = dedup === null ? undefined : await engine.store.readDuplicate(dedup);
        if (known !== undefined) return this.#join(known);
        if (running === undefined || !isInterrupted(before.state)) throw cannotContinue(before);
        // The store may be ahead of the run, which is then about to be told that this state is committed.
        if (running.isCommitting) await running.nextCommit().catch(() => undefined);
        else {
          // Nothing may refuse the message any more once the agent that waits has been let go.
          this.#checkHistory(before);
          running.abandon(new AppError('UNAVAILABLE', 'The task went on with a new message'));
        }
        continue;
      }
      // The head is not read again, or others might use up what may be queued meanwhile, each time. Where the task has
      // changed since it was read, nothing is written.
      while (engine.isQueueLookDue(scope)) await engine.lookAtQueue();
      if (engine.runOf(taskId) !== undefined) continue;
      const place = engine.placeFor(scope);
      this.#checkHistory(before);
      const context = message.contextId === undefined ? `,"contextId":${JSON.stringify(before.contextId)}` : '';
      const userMessage = `${text.slice(0, -1)}${context}}`;
      const step = statusStep(before, { state: 'TASK_STATE_WORKING', nowMs: engine.clock.now(), userMessage });
      const head: TaskHead = {
        ...step.head,
        turnSeq: step.row.seq,
        leaseReplica: place === 'here' ? engine.replicaId : QUEUED,
        leaseEpoch: before.leaseEpoch + 1,
        attempt: 1,
      };
      const { executor } = agent;
      const { requestId } = submission;
      const rows = [step.row];
      const pushConfig = submission.pushConfig?.(taskId);
      if (place === 'queue') {
        const result = await engine.enqueue({ before, head, rows, discard: null, dedup, pushConfig });
        if (result.status === 'written') return { status: 'queued', isNew: false, taskId };
        if (result.status === 'duplicate') return this.#join(result);
        continue;
      }
      const run = engine.newRun({ executor, message, requestId, before, head, rows, discard: null, dedup, pushConfig });
      const admission = await run.begin();
      if (admission.status === 'admitted') return { status: 'started', isNew: false, run };
      if (admission.status === 'duplicate') return this.#join(admission);
    }
    throw new AppError('UNAVAILABLE', 'The task is changing too fast to take the message; try again', {
      retryAfterSeconds: 1,
    });
  }

  #checkHistory(before: TaskHead): void {
    const { maxHistoryMessages } = this.#engine.limits;
    if (before.messageCount < maxHistoryMessages) return;
    this.#engine.metrics.limitReached('tasks.maxHistoryMessages');
    const limit = `tasks.maxHistoryMessages is ${maxHistoryMessages}`;
    throw new AppError('LIMIT_EXCEEDED', `The task has too many messages (${limit}); begin a new one`);
  }

  #join(known: { readonly taskId: string; readonly sameBody: boolean }): Submitted {
    if (!known.sameBody) {
      throw new AppError('IDEMPOTENCY_CONFLICT', 'This Idempotency-Key was used before with another message');
    }
    this.#engine.metrics.sendDeduplicated();
    return { status: 'joined', taskId: known.taskId };
  }
}

function checkContext(message: Message, task: TaskHead): void {
  if (message.contextId === undefined || message.contextId === task.contextId) return;
  throw new AppError('INVALID_PARAMS', 'Invalid parameters: message.contextId: is not the context of the task', {
    violations: [{ field: 'message.contextId', description: 'is not the context of the task' }],
  });
}

function cannotContinue(task: TaskHead): AppError {
  const why = isTerminal(task.state)
    ? `The task has ended (${task.state}) and takes no more messages; send one without taskId to begin a new task`
    : `The task is busy (${task.state}); wait until it asks for input, or send a message without taskId`;
  return new AppError('UNSUPPORTED_OPERATION', why, { metadata: { taskId: task.id } });
}
