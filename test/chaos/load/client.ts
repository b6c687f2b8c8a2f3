/** A client that keeps a journal: it writes down what it asks, what it is told, and when it is told nothing. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { endsTurn, factsOf, isTerminal } from '../checker/events.ts';
import type { Journal } from '../journal.ts';
import type { Random } from '../random.ts';
import { type Answer, type Ask, type Caller, type Endpoint, errorIn, taskIn } from './caller.ts';

const ANSWER_TIMEOUT_MS = 20_000;
/** The servers are told to send a comment every second. */
const SILENCE_MS = 5000;

export interface ClientOptions {
  readonly owner: string;
  readonly key: string;
  /** The balancer, and each replica by itself. */
  readonly urls: readonly string[];
  readonly journal: Journal;
  readonly caller: Caller;
  readonly random: Random;
  /** Numbers of operations and followers, one of a run each. */
  readonly nextNumber: () => number;
  /** Aborted when nothing is worth waiting for any more. */
  readonly signal: AbortSignal;
}

export interface Message {
  readonly agent: string;
  readonly text: string;
  readonly taskId?: string;
  /** Path and address of a receiver of its events. */
  readonly hook?: { readonly path: string; readonly url: string };
}

export interface Told {
  readonly taskId: string;
  readonly state: string | null;
}

interface Operation {
  readonly op: number;
  readonly path: string;
  readonly body: object;
  readonly idempotencyKey: string | undefined;
}

/** Thrown where the server refuses for good, and when the run is over: the operation ends there. */
export class GaveUp extends Error {}

export class Client {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  get random(): Random {
    return this.#options.random;
  }

  /** The balancer mostly, as others do; sometimes a replica, for any request must work on any of them. */
  #endpoint(): Endpoint {
    const { urls, key, random } = this.#options;
    const [balancer = ''] = urls;
    return { url: random.chance(0.6) ? balancer : random.pick(urls), key };
  }

  /** Waits until the client tries again. @throws GaveUp when the run is over */
  async pause(ms: number): Promise<void> {
    const { signal } = this.#options;
    await delay(ms, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) throw new GaveUp('the run is over');
  }

  #operation(message: Message, configuration: object, verb: 'send' | 'stream'): Operation {
    const { journal, owner, random, nextNumber } = this.#options;
    const { agent, text, taskId, hook } = message;
    const op = nextNumber();
    const messageId = randomUUID();
    const key = random.chance(0.5) ? randomUUID() : null;
    const hookPath = hook?.path ?? null;
    journal.write({ kind: 'sent', op, owner, agent, key, messageId, text, taskId: taskId ?? null, hook: hookPath });
    const push = hook === undefined ? {} : { taskPushNotificationConfig: { url: hook.url } };
    const id = taskId === undefined ? {} : { taskId };
    return {
      op,
      path: `${pathOf(agent)}/message:${verb}`,
      body: {
        message: { messageId, ...id, role: 'ROLE_USER', parts: [{ text }] },
        configuration: { ...configuration, ...push },
      },
      idempotencyKey: key ?? undefined,
    };
  }

  /** Sends until it is known what became of it. */
  async send(message: Message, returnImmediately: boolean): Promise<Told> {
    const { op, path, body, idempotencyKey } = this.#operation(message, { returnImmediately }, 'send');
    const ask: Ask = {
      method: 'POST',
      path,
      body,
      idempotencyKey,
      timeoutMs: ANSWER_TIMEOUT_MS,
      signal: this.#options.signal,
    };
    const answer = await this.#until(op, ask);
    // As one whose answer was lost behind the server: the repetition must join the first.
    if (this.random.chance(0.2)) await this.#until(op, ask);
    const { id, state } = taskIn(answer.json);
    if (id === null) throw new GaveUp('no task');
    return { taskId: id, state };
  }

  /** Asks, and asks again where the answer is lost or says to; each answer is written down. */
  async #until(op: number, ask: Ask): Promise<Answer> {
    const { caller, journal } = this.#options;
    for (;;) {
      try {
        const answer = await caller.ask(this.#endpoint(), ask);
        const { id, state } = taskIn(answer.json);
        const { status } = answer;
        journal.write({ kind: 'answered', op, status, taskId: id, state, error: errorIn(answer) });
        if (status === 200) return answer;
        if (!isTryAgain(status)) throw new GaveUp(`${status}`);
      } catch (error) {
        if (error instanceof GaveUp) throw error;
        journal.write({ kind: 'lost', op, error: String(error) });
      }
      await this.pause(this.random.between(100, 500));
    }
  }

  /** Sends and follows to the end of the turn, however often the stream breaks. */
  async stream(message: Message, onFirst?: (taskId: string) => void): Promise<Told> {
    const { op, path, body, idempotencyKey } = this.#operation(message, {}, 'stream');
    const follower = this.#follower(message.agent);
    follower.onFirst = (taskId, state) => {
      this.#options.journal.write({ kind: 'answered', op, status: 200, taskId, state, error: null });
      onFirst?.(taskId);
    };
    for (;;) {
      if (follower.taskId !== null) return this.#followOn(follower);
      const ask: Ask = {
        method: 'POST',
        path,
        body,
        idempotencyKey,
        timeoutMs: SILENCE_MS,
        signal: this.#options.signal,
      };
      const answer = await this.#connect(follower, ask, op);
      if (follower.isDone) return follower.told();
      if (answer !== null && answer.status !== 200) {
        this.#options.journal.write({
          kind: 'answered',
          op,
          status: answer.status,
          taskId: null,
          state: null,
          error: errorIn(answer),
        });
        if (!isTryAgain(answer.status)) throw new GaveUp(`${answer.status}`);
      }
      await this.pause(this.random.between(50, 300));
    }
  }

  /** Follows a task that somebody else has sent, from where it is. */
  subscribe(agent: string, taskId: string): Promise<Told> {
    const follower = this.#follower(agent);
    follower.taskId = taskId;
    return this.#followOn(follower);
  }

  async #followOn(follower: Follower): Promise<Told> {
    const { journal } = this.#options;
    while (!follower.isDone) {
      const lastEventId = follower.position === 0 ? undefined : follower.position;
      const path = `${pathOf(follower.agent)}/tasks/${follower.taskId}:subscribe`;
      const ask: Ask = { method: 'GET', path, lastEventId, timeoutMs: SILENCE_MS, signal: this.#options.signal };
      const answer = await this.#connect(follower, ask, null);
      if (follower.isDone) break;
      // 204: it has all there is. A task that has ended takes no new subscription (400).
      if (answer?.status === 204) {
        journal.write({ kind: 'followed', follower: follower.number, taskId: follower.id, seq: follower.position });
        break;
      }
      if (answer !== null && answer.status !== 200 && !isTryAgain(answer.status)) {
        const state = lastEventId === undefined ? await this.poll(follower.agent, follower.id) : null;
        if (state !== null && isTerminal(state)) break;
        const { status } = answer;
        const op = this.#options.nextNumber();
        const { agent, id: taskId } = follower;
        const { owner } = this.#options;
        const sent = { op, owner, agent, key: null, messageId: '', text: 'subscribe', taskId, hook: null };
        journal.write({ kind: 'sent', ...sent });
        journal.write({ kind: 'answered', op, status, taskId, state: null, error: errorIn(answer) });
        throw new GaveUp(`${status}`);
      }
      await this.pause(this.random.between(50, 300));
    }
    return follower.told();
  }

  #follower(agent: string): Follower {
    return new Follower(this.#options, agent);
  }

  /** null: the stream broke, or there was none. */
  async #connect(follower: Follower, ask: Ask, op: number | null): Promise<Answer | null> {
    follower.connect(op === null);
    try {
      return await this.#options.caller.follow(this.#endpoint(), ask, (id, data) => follower.event(id, data));
    } catch (error) {
      if (op !== null && follower.taskId === null) {
        this.#options.journal.write({ kind: 'lost', op, error: String(error) });
      }
      return null;
    }
  }

  /** The state of a task of one's own, or null. */
  async read(agent: string, taskId: string): Promise<string | null> {
    const { caller, journal, owner } = this.#options;
    const asked = Date.now();
    try {
      const path = `${pathOf(agent)}/tasks/${taskId}`;
      const answer = await caller.ask(this.#endpoint(), {
        method: 'GET',
        path,
        timeoutMs: ANSWER_TIMEOUT_MS,
        signal: this.#options.signal,
      });
      const { state } = taskIn(answer.json);
      if (answer.status === 200 && answer.json === undefined) journal.write({ kind: 'unreadable', path });
      journal.write({ kind: 'read', asked, owner, taskId, status: answer.status, state });
      return state;
    } catch {
      // No answer tells nothing.
      return null;
    }
  }

  /** Polls until the turn is over. */
  async poll(agent: string, taskId: string): Promise<string> {
    for (;;) {
      const state = await this.read(agent, taskId);
      if (state !== null && endsTurn(state)) return state;
      await this.pause(this.random.between(100, 400));
    }
  }

  /** Cancels until it is known what became of it. */
  async cancel(agent: string, taskId: string): Promise<void> {
    const { journal, owner, nextNumber } = this.#options;
    const op = nextNumber();
    journal.write({ kind: 'canceling', op, owner, taskId });
    const path = `${pathOf(agent)}/tasks/${taskId}:cancel`;
    await this.#until(op, {
      method: 'POST',
      path,
      body: {},
      timeoutMs: ANSWER_TIMEOUT_MS,
      signal: this.#options.signal,
    }).catch((error: unknown) => {
      // It has ended already, perhaps by the first try.
      if (!(error instanceof GaveUp) || error.message === 'the run is over') throw error;
    });
  }

  /** All pages. What is lost on the way is not tried again, unless it is the last look. */
  async list(agent: string, isFinal = false): Promise<void> {
    const { caller, journal, owner } = this.#options;
    const taskIds: string[] = [];
    let totalSize = 0;
    let pageToken = '';
    do {
      const query = new URLSearchParams({ pageSize: '100', pageToken }).toString();
      const ask: Ask = {
        method: 'GET',
        path: `${pathOf(agent)}/tasks?${query}`,
        timeoutMs: ANSWER_TIMEOUT_MS,
        signal: this.#options.signal,
      };
      const { status, json } = await caller.ask(this.#endpoint(), ask);
      if (status === 200 && json === undefined) journal.write({ kind: 'unreadable', path: ask.path });
      if (status !== 200 || json === undefined) return;
      const page = json as { tasks: { id: string }[]; nextPageToken: string; totalSize: number };
      taskIds.push(...page.tasks.map(({ id }) => id));
      ({ totalSize, nextPageToken: pageToken } = page);
      // While others write, a few pages are enough.
    } while (pageToken !== '' && (isFinal || taskIds.length < 300));
    journal.write({ kind: 'listed', owner, agent, taskIds, totalSize, isFinal });
  }
}

/** What a follower has got, over all its connections. */
class Follower {
  readonly agent: string;
  readonly number: number;
  readonly #options: ClientOptions;
  onFirst: ((taskId: string, state: string | null) => void) | null = null;
  taskId: string | null = null;
  position = 0;
  isDone = false;
  #state: string | null = null;
  #isFirstOfConnection = false;
  #isSubscription = false;

  constructor(options: ClientOptions, agent: string) {
    this.#options = options;
    this.agent = agent;
    this.number = options.nextNumber();
  }

  get id(): string {
    return this.taskId ?? '';
  }

  connect(isSubscription: boolean): void {
    this.#isFirstOfConnection = true;
    this.#isSubscription = isSubscription;
  }

  event(seq: number, data: string): void {
    const { journal, owner } = this.#options;
    const { state } = factsOf(data);
    const isTask = data.startsWith('{"task":');
    const taskId = this.taskId ?? taskIdIn(data);
    // The Task as it is: at the beginning of a subscription without a position, and of a send that joined or continued.
    const isSnapshot =
      this.#isFirstOfConnection && isTask && this.position === 0 && (this.#isSubscription || seq !== 1);
    const isFirst = this.taskId === null;
    this.#isFirstOfConnection = false;
    this.taskId = taskId;
    this.position = seq;
    this.#state = state ?? this.#state;
    journal.write({ kind: 'event', follower: this.number, owner, taskId, seq, isSnapshot, data });
    if (isFirst) this.onFirst?.(taskId, state);
    if (endsTurn(state) && !(isSnapshot && state === 'TASK_STATE_INPUT_REQUIRED')) {
      this.isDone = true;
      journal.write({ kind: 'followed', follower: this.number, taskId, seq });
    }
  }

  told(): Told {
    return { taskId: this.id, state: this.#state };
  }
}

function taskIdIn(data: string): string {
  const { task, statusUpdate, artifactUpdate } = JSON.parse(data) as {
    readonly task?: { readonly id: string };
    readonly statusUpdate?: { readonly taskId: string };
    readonly artifactUpdate?: { readonly taskId: string };
  };
  return task?.id ?? statusUpdate?.taskId ?? artifactUpdate?.taskId ?? '';
}

function pathOf(agent: string): string {
  return `/a2a/agents/${agent}`;
}

/** 500 is a finding, and for the client no other than the rest. */
function isTryAgain(status: number): boolean {
  return [429, 500, 502, 503, 504].includes(status);
}
