/**
 * The operations of A2A on tasks, for every transport and version: each authorizes first, then looks up within the
 * caller's own tasks, then acts. Requests are valid and in their 1.0 form; answers are 1.0 JSON text.
 */
import type { TaskPage } from '../../protocol/codec.ts';
import { AppError } from '../../protocol/errors.ts';
import type {
  GetTaskRequest,
  ListTasksRequest,
  SendMessageRequest,
  TaskIdRequest,
  TaskPushNotificationConfig,
  TaskState,
} from '../../protocol/v1/types.ts';
import { checkMediaTypes, checkStreaming } from '../agents/capabilities.ts';
import { admit, scopeOf } from '../operations/admit.ts';
import type { Call } from '../operations/call.ts';
import type { MakePushConfig } from '../push/push-config.ts';
import type { TaskEngine } from './engine.ts';
import { taskGoesOn, taskNotFound } from './errors.ts';
import { contentOf, type LogRow, stateOf } from './log.ts';
import { decodePageToken, encodePageToken } from './page-token.ts';
import type { TaskRun } from './run.ts';
import { snapshotJson } from './snapshot.ts';
import { isPaused, isSettled, isTerminal } from './states.ts';
import type { ContentQuery, StoredTask, TaskScope } from './store.ts';
import type { Submission, Submitted } from './submissions.ts';
import type { EventSink } from './subscription.ts';

export type SendResult = { readonly task: string } | { readonly message: string };

/** Where a stream goes: the Task first, then its events. */
export interface StreamSink extends EventSink {
  /** The Task as of event `seq`, as 1.0 JSON text. */
  snapshot(seq: number, taskJson: string): void;
}

/** An open stream. Nothing is passed on after `close`, and closing it changes nothing for the task. */
export interface OpenStream {
  /** The sink has room again. */
  resume(): void;
  close(): void;
}

/** `empty`: the task has ended and the client has all of it. */
export type StreamResult = OpenStream | 'empty';

const WHOLE: ContentQuery = { historyLength: undefined, artifacts: true };
const DEFAULT_PAGE_SIZE = 50;

/** What a send needs of push notifications. */
export interface PushAdmission {
  prepare(call: Call, config: TaskPushNotificationConfig, taskId: string | undefined): Promise<MakePushConfig>;
  checkRoom(ownerId: string): Promise<void>;
}

export class TaskService {
  readonly #engine: TaskEngine;
  readonly #push: PushAdmission;

  constructor(engine: TaskEngine, push: PushAdmission) {
    this.#engine = engine;
    this.#push = push;
  }

  /** SendMessage (A2A 1.0 section 3.1.1): waits for a settled state unless told to return at once. */
  async send(call: Call, request: SendMessageRequest): Promise<SendResult> {
    const scope = admit(call, 'task.send');
    checkMediaTypes(call.agent, request.message.parts);
    const config = request.configuration?.taskPushNotificationConfig;
    const pushConfig = config && (await this.#push.prepare(call, config, request.message.taskId));
    const submitted = await this.#engine.submit(this.#submissionOf(call, scope, request, pushConfig, undefined));
    if (request.configuration?.returnImmediately !== true) await this.#untilSettled(call, submitted);
    else await this.#untilKnown(call, submitted);
    const content = { historyLength: request.configuration?.historyLength, artifacts: true };
    const stored = submitted.status === 'started' ? keptTask(submitted.run) : null;
    if (stored !== null) return resultOf(stored, content);
    const taskId = taskIdOf(submitted);
    const read = await this.#engine.store.readTask(scope, taskId, content);
    if (read === undefined) throw taskNotFound(taskId);
    return resultOf(read, content);
  }

  #submissionOf(
    call: Call,
    scope: TaskScope,
    { message }: SendMessageRequest,
    pushConfig: MakePushConfig | undefined,
    beforeStart: Submission['beforeStart'],
  ): Submission {
    const { agent, idempotencyKey, requestId } = call;
    const checkPushRoom = this.#checkPushRoom;
    return { scope, agent, message, idempotencyKey, requestId, pushConfig, checkPushRoom, beforeStart };
  }

  readonly #checkPushRoom = (ownerId: string): Promise<void> => this.#push.checkRoom(ownerId);

  async #untilSettled(call: Call, submitted: Submitted): Promise<void> {
    const run = submitted.status === 'started' ? submitted.run : this.#engine.runOf(taskIdOf(submitted));
    // One that is not admitted yet may be another repetition of the message, which will end as that.
    if (run === undefined || !run.isAdmitted) return this.#followUntil(call, taskIdOf(submitted), isSettled);
    // The signal is only asked for where there is something to wait for: it costs more than a short task does.
    if (run.isSettled) return;
    try {
      await run.settled(call.signal);
    } catch (error) {
      if (!run.isElsewhere) throw error;
      await this.#followUntil(call, run.taskId, isSettled);
    }
  }

  /** An agent that may answer with a Message has no task that could be shown before its first event. */
  async #untilKnown(call: Call, submitted: Submitted): Promise<void> {
    if (call.agent.executor.replies !== 'either') return;
    if (submitted.status === 'joined') return;
    if (submitted.status === 'queued') return this.#followUntil(call, submitted.taskId, () => true);
    const { run } = submitted;
    try {
      while (run.stored?.seq === 0 && !call.signal.aborted) await run.nextCommit(call.signal);
    } catch (error) {
      if (!run.isElsewhere) throw error;
      await this.#followUntil(call, run.taskId, () => true);
    }
  }

  /** Waits for a task that does not run here, or not yet, by following its log to an event with such a state. */
  async #followUntil(call: Call, taskId: string, isEnough: (state: TaskState) => boolean): Promise<void> {
    const scope = scopeOf(call);
    const { hub, store } = this.#engine;
    await new Promise<void>((resolve, reject) => {
      const subscription = hub.wait(taskId, {
        events: (rows) => {
          if (rows.some((row) => isEnough(stateOf(row) ?? 'TASK_STATE_WORKING'))) finish();
          return true;
        },
        end: () => finish(),
        broken: (cause) => fail(cause),
      });
      const leave = (): void => {
        call.signal.removeEventListener('abort', finish);
        subscription.close();
      };
      const finish = (): void => {
        leave();
        resolve();
      };
      const fail = (cause: unknown): void => {
        leave();
        reject(cause);
      };
      call.signal.addEventListener('abort', finish, { once: true });
      store.readHead(scope, taskId).then((head) => {
        const isOver = head === undefined || (head.seq > 0 && isEnough(head.state));
        if (isOver || call.signal.aborted) finish();
        else if (hub.isWaitingOver) fail(taskGoesOn(taskId));
        else void subscription.start(head.seq, head.seq);
      }, fail);
    });
  }

  /** SendStreamingMessage (section 3.1.2): the Task first, then its events to the end. */
  async stream(call: Call, request: SendMessageRequest, sink: StreamSink): Promise<StreamResult> {
    const scope = admit(call, 'task.send');
    checkStreaming(call.agent);
    checkMediaTypes(call.agent, request.message.parts);
    const { hub } = this.#engine;
    const config = request.configuration?.taskPushNotificationConfig;
    const pushConfig = config && (await this.#push.prepare(call, config, request.message.taskId));
    let live: OpenStream | null = null;
    try {
      const beforeStart = (taskId: string): void => {
        const subscription = hub.attach(scope.ownerId, taskId, sink);
        void subscription.start(0, 0, true);
        live = subscription;
      };
      const submitted = await this.#engine.submit(this.#submissionOf(call, scope, request, pushConfig, beforeStart));
      if (submitted.status !== 'joined' && submitted.isNew && live !== null) return live;
      (live as OpenStream | null)?.close();
      live = null;
      const taskId = taskIdOf(submitted);
      const lastEventId = submitted.status === 'joined' ? call.lastEventId : undefined;
      return await this.#follow(scope, taskId, lastEventId, sink, isPaused);
    } catch (error) {
      (live as OpenStream | null)?.close();
      throw error;
    }
  }

  /** SubscribeToTask (section 3.1.6), and its resumption after `Last-Event-ID`, also of a task that has ended since. */
  async subscribe(call: Call, request: TaskIdRequest, sink: StreamSink): Promise<StreamResult> {
    const scope = admit(call, 'task.subscribe');
    checkStreaming(call.agent);
    // Before anything that knows of other owners' followers of this task, such as the limit on them.
    const head = await this.#engine.store.readHead(scope, request.id);
    if (!head?.listed) throw taskNotFound(request.id);
    if (call.lastEventId === undefined && isTerminal(head.state)) {
      throw new AppError(
        'UNSUPPORTED_OPERATION',
        `The task has ended (${head.state}); get it with GetTask, or resume its stream with Last-Event-ID`,
        { metadata: { taskId: request.id } },
      );
    }
    return this.#follow(scope, request.id, call.lastEventId, sink, isTerminal);
  }

  async #follow(
    scope: TaskScope,
    taskId: string,
    lastEventId: number | undefined,
    sink: StreamSink,
    isOver: (state: TaskState) => boolean,
  ): Promise<StreamResult> {
    const { hub, store } = this.#engine;
    // Attached before the look: what is committed in between is noticed.
    const subscription = hub.attach(scope.ownerId, taskId, sink);
    try {
      if (lastEventId !== undefined) {
        const head = await store.readHead(scope, taskId);
        if (!head?.listed) throw taskNotFound(taskId);
        if (lastEventId > head.seq) throw aboveHead(lastEventId, head.seq);
        if (isOver(head.state) && lastEventId === head.seq) {
          subscription.close();
          return 'empty';
        }
        if (lastEventId >= head.firstSeq - 1) {
          void subscription.start(lastEventId, head.seq);
          return subscription;
        }
      }
      const stored = await store.readTask(scope, taskId, WHOLE);
      if (!stored) throw taskNotFound(taskId);
      if (!stored.head.listed) {
        // The answer to a joined send was a Message: exactly one event (section 3.1.2).
        void subscription.start(0, stored.head.seq);
        return subscription;
      }
      const json = snapshotJson(stored.head, stored.rows, WHOLE);
      sink.snapshot(stored.head.seq, lastEventId === undefined ? json : markReset(json, stored.head.firstSeq));
      if (isOver(stored.head.state)) {
        subscription.close();
        sink.end();
      } else void subscription.start(stored.head.seq, stored.head.seq);
      return subscription;
    } catch (error) {
      subscription.close();
      throw error;
    }
  }

  /** GetTask (section 3.1.3). */
  async get(call: Call, request: GetTaskRequest): Promise<string> {
    const scope = admit(call, 'task.get');
    const content = { historyLength: request.historyLength, artifacts: true };
    return shown(await this.#engine.store.readTask(scope, request.id, content), request.id, content);
  }

  /** ListTasks (section 3.1.4): the caller's own, newest status first. */
  async list(call: Call, request: ListTasksRequest): Promise<TaskPage> {
    const scope = admit(call, 'task.list');
    const pageSize = request.pageSize ?? DEFAULT_PAGE_SIZE;
    const content = { historyLength: request.historyLength, artifacts: request.includeArtifacts ?? false };
    const {
      tasks,
      totalSize,
      isCut = false,
    } = await this.#engine.store.listTasks({
      ...content,
      scope,
      contextId: request.contextId,
      state: request.status,
      statusFromMs: request.statusTimestampAfter === undefined ? undefined : Date.parse(request.statusTimestampAfter),
      after: decodePageToken(request.pageToken),
      limit: pageSize + 1,
    });
    const page = tasks.slice(0, pageSize);
    const last = page[page.length - 1];
    return {
      tasks: page.map((task) => snapshotJson(task.head, task.rows, content)),
      nextPageToken: (isCut || tasks.length > pageSize) && last !== undefined ? encodePageToken(last.head) : '',
      pageSize,
      totalSize,
    };
  }

  /** CancelTask (section 3.1.5). */
  async cancel(call: Call, request: TaskIdRequest): Promise<string> {
    const scope = admit(call, 'task.cancel');
    await this.#engine.cancel(scope, request.id);
    return shown(await this.#engine.store.readTask(scope, request.id, WHOLE), request.id, WHOLE);
  }
}

function taskIdOf(submitted: Submitted): string {
  return submitted.status === 'started' ? submitted.run.taskId : submitted.taskId;
}

/** The Task that was looked up, if it is one that may be seen. */
function shown(stored: StoredTask | undefined, taskId: string, content: ContentQuery): string {
  if (!stored?.head.listed) throw taskNotFound(taskId);
  return snapshotJson(stored.head, stored.rows, content);
}

/** The task as it lies in memory, where all of it does. */
function keptTask(run: TaskRun): StoredTask | null {
  const { stored, keptRows } = run;
  return stored === null || keptRows === null || run.isElsewhere ? null : { head: stored, rows: keptRows };
}

function resultOf(stored: StoredTask, content: ContentQuery): SendResult {
  const answer = stored.head.listed ? undefined : stored.rows.find((row: LogRow) => row.kind === 'message');
  return answer === undefined
    ? { task: snapshotJson(stored.head, stored.rows, content) }
    : { message: contentOf(answer) };
}

/** The log no longer reaches back to where the client was: this Task replaces all that it had. */
function markReset(taskJson: string, firstSeq: number): string {
  return `${taskJson.slice(0, -1)},"metadata":{"parley":{"reset":true,"firstSeq":${firstSeq}}}}`;
}

function aboveHead(lastEventId: number, head: number): AppError {
  return new AppError('EVENT_ID_OUT_OF_RANGE', `Last-Event-ID ${lastEventId} is above the task's last event, ${head}`, {
    metadata: { head: String(head) },
  });
}
