/**
 * A client that keeps a journal: it writes down what it asks, what it is told, and when it is told nothing. Each request goes
 * in a binding and version of its own, a repeated one and a resumed stream, too: to the server they are all the same.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { endsTurn, isTerminal } from '../checker/events.ts';
import type { Journal } from '../journal.ts';
import type { Random } from '../random.ts';
import { type Answer, type Call, type Endpoint, FORMS, type Form, LISTING_FORMS } from '../wire/call.ts';
import { type Caller, taskIn } from './caller.ts';
import { Follower, type Told } from './follower.ts';

const ANSWER_TIMEOUT_MS = 20_000;
/** The servers are told to send a comment every second. */
const SILENCE_MS = 5000;

export interface ClientOptions {
  readonly owner: string;
  /** The balancer, and each replica by itself. */
  readonly endpoints: readonly Endpoint[];
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

/** A message that is sent, perhaps more than once. */
interface Operation {
  readonly op: number;
  readonly call: Call;
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
    const { endpoints, random } = this.#options;
    const [balancer] = endpoints;
    return balancer !== undefined && random.chance(0.6) ? balancer : random.pick(endpoints);
  }

  #form(): Form {
    return this.random.pick(FORMS);
  }

  /** Waits until the client tries again. @throws GaveUp when the run is over */
  async pause(ms: number): Promise<void> {
    const { signal } = this.#options;
    await delay(ms, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) throw new GaveUp('the run is over');
  }

  #operation(
    operation: 'SendMessage' | 'SendStreamingMessage',
    message: Message,
    returnImmediately: boolean,
  ): Operation {
    const { agent, text, hook } = message;
    const taskId = message.taskId ?? null;
    const { journal, owner, random, nextNumber, signal } = this.#options;
    const op = nextNumber();
    const messageId = randomUUID();
    const key = random.chance(0.5) ? randomUUID() : null;
    journal.write({ kind: 'sent', op, owner, agent, key, messageId, text, taskId, hook: hook?.path ?? null });
    const send = { messageId, text, taskId, returnImmediately, hookUrl: hook?.url ?? null };
    const timeoutMs = operation === 'SendMessage' ? ANSWER_TIMEOUT_MS : SILENCE_MS;
    return { op, call: { agent, asked: { operation, send }, idempotencyKey: key ?? undefined, timeoutMs, signal } };
  }

  /** Sends until it is known what became of it. */
  async send(message: Message, returnImmediately: boolean): Promise<Told> {
    const { op, call } = this.#operation('SendMessage', message, returnImmediately);
    const answer = await this.#until(op, call);
    // As one whose answer was lost behind the server: the repetition must join the first.
    if (this.random.chance(0.2)) await this.#until(op, call);
    const { id, state } = taskIn(answer.result);
    if (id === null) throw new GaveUp('no task');
    return { taskId: id, state };
  }

  /** Asks, and asks again where the answer is lost or says to; each answer is written down. */
  async #until(op: number, call: Call): Promise<Answer> {
    const { caller, journal } = this.#options;
    for (;;) {
      const form = this.#form();
      try {
        const answer = await caller.ask(form, this.#endpoint(), call);
        this.#answered(op, form, answer);
        const { status } = answer;
        if (status === 200) return answer;
        if (!isTryAgain(status)) throw new GaveUp(`${status}`);
      } catch (error) {
        if (error instanceof GaveUp) throw error;
        journal.write({ kind: 'lost', op, form, error: String(error) });
      }
      await this.pause(this.random.between(100, 500));
    }
  }

  #answered(op: number, form: Form, { status, result, error }: Answer): void {
    const { id, state } = taskIn(result);
    this.#options.journal.write({ kind: 'answered', op, form, status, taskId: id, state, error });
  }

  /** Sends and follows to the end of the turn, however often the stream breaks. */
  async stream(message: Message, onFirst?: (taskId: string) => void): Promise<Told> {
    const { op, call } = this.#operation('SendStreamingMessage', message, false);
    const follower = this.#follower(message.agent);
    follower.onFirst = (form, taskId, state) => {
      this.#options.journal.write({ kind: 'answered', op, form, status: 200, taskId, state, error: null });
      onFirst?.(taskId);
    };
    for (;;) {
      if (follower.taskId !== null) return this.#followOn(follower);
      const form = this.#form();
      const answer = await this.#connect(follower, form, call, op);
      if (follower.isDone) return follower.told();
      if (answer !== null && answer.status !== 200) {
        this.#answered(op, form, answer);
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
    const { journal, signal } = this.#options;
    while (!follower.isDone) {
      const { agent, id: taskId, position } = follower;
      const lastEventId = position === 0 ? undefined : position;
      const form = this.#form();
      const asked = { operation: 'SubscribeToTask', taskId } as const;
      const call = { agent, asked, lastEventId, timeoutMs: SILENCE_MS, signal };
      const answer = await this.#connect(follower, form, call, null);
      if (follower.isDone) break;
      // 204: it has all there is. A task that has ended takes no new subscription (400).
      if (answer?.status === 204) {
        journal.write({ kind: 'followed', follower: follower.number, taskId, seq: follower.position });
        break;
      }
      if (answer !== null && answer.status !== 200 && !isTryAgain(answer.status)) {
        const state = lastEventId === undefined ? await this.poll(agent, taskId) : null;
        if (state !== null && isTerminal(state)) break;
        const op = this.#options.nextNumber();
        const { owner } = this.#options;
        const sent = { op, owner, agent, key: null, messageId: '', text: 'subscribe', taskId, hook: null };
        journal.write({ kind: 'sent', ...sent });
        this.#answered(op, form, answer);
        throw new GaveUp(`${answer.status}`);
      }
      await this.pause(this.random.between(50, 300));
    }
    return follower.told();
  }

  #follower(agent: string): Follower {
    const { journal, owner, nextNumber } = this.#options;
    return new Follower(journal, owner, agent, nextNumber());
  }

  /** null: the stream broke, or there was none. */
  async #connect(follower: Follower, form: Form, call: Call, op: number | null): Promise<Answer | null> {
    const { caller, journal, signal } = this.#options;
    const endpoint = this.#endpoint();
    follower.connect(form, op === null);
    try {
      return await caller.follow(form, endpoint, call, (id, event) => follower.event(id, event));
    } catch (error) {
      if (op !== null && follower.taskId === null) {
        journal.write({ kind: 'lost', op, form, error: String(error) });
      } else if (signal.aborted) {
        const { number, id: taskId, position: seq } = follower;
        journal.write({ kind: 'abandoned', follower: number, form, server: endpoint.url, taskId, seq });
      }
      return null;
    }
  }

  /** The state of a task of one's own, or null. */
  async read(agent: string, taskId: string): Promise<string | null> {
    const { caller, journal, owner, signal } = this.#options;
    const at = Date.now();
    const form = this.#form();
    const asked = { operation: 'GetTask', taskId } as const;
    try {
      const call = { agent, asked, timeoutMs: ANSWER_TIMEOUT_MS, signal };
      const { status, result } = await caller.ask(form, this.#endpoint(), call);
      const { state } = taskIn(result);
      if (status === 200 && result === undefined) journal.write({ kind: 'unreadable', form, path: `task ${taskId}` });
      journal.write({ kind: 'read', form, asked: at, owner, taskId, status, state });
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
    const { journal, owner, nextNumber, signal } = this.#options;
    const op = nextNumber();
    journal.write({ kind: 'canceling', op, owner, taskId });
    const asked = { operation: 'CancelTask', taskId } as const;
    const call = { agent, asked, timeoutMs: ANSWER_TIMEOUT_MS, signal };
    await this.#until(op, call).catch((error: unknown) => {
      // It has ended already, perhaps by the first try.
      if (!(error instanceof GaveUp) || error.message === 'the run is over') throw error;
    });
  }

  /** All pages. What is lost on the way is not tried again, unless it is the last look. */
  async list(agent: string, form: Form = this.random.pick(LISTING_FORMS), isFinal = false): Promise<void> {
    const { caller, journal, owner, signal } = this.#options;
    const taskIds: string[] = [];
    let totalSize: number | null = null;
    let pageToken = '';
    do {
      const asked = { operation: 'ListTasks', pageSize: 100, pageToken } as const;
      const call = { agent, asked, timeoutMs: ANSWER_TIMEOUT_MS, signal };
      const { status, result } = await caller.ask(form, this.#endpoint(), call);
      if (status === 200 && result === undefined) journal.write({ kind: 'unreadable', form, path: `list of ${agent}` });
      if (status !== 200 || result === undefined) return;
      const page = result as { tasks: { id: string }[]; nextPageToken?: string; totalSize?: number };
      taskIds.push(...page.tasks.map(({ id }) => id));
      ({ totalSize = null, nextPageToken: pageToken = '' } = page);
      // While others write, a few pages are enough.
    } while (pageToken !== '' && (isFinal || taskIds.length < 300));
    journal.write({ kind: 'listed', form, owner, agent, taskIds, totalSize, isFinal });
  }
}

/** 500 is a finding, and for the client no other than the rest. */
function isTryAgain(status: number): boolean {
  return [429, 500, 502, 503, 504].includes(status);
}
