/** What a follower has got, over all its connections, which may be of different bindings and versions. */
import { endsTurn, factsOf } from '../checker/events.ts';
import type { Journal } from '../journal.ts';
import type { Form } from '../wire/call.ts';

export interface Told {
  readonly taskId: string;
  readonly state: string | null;
}

export class Follower {
  readonly agent: string;
  readonly number: number;
  readonly #journal: Journal;
  readonly #owner: string;
  onFirst: ((form: Form, taskId: string, state: string | null) => void) | null = null;
  taskId: string | null = null;
  position = 0;
  isDone = false;
  #state: string | null = null;
  #form: Form = 'REST 1.0';
  #isFirstOfConnection = false;
  #isSubscription = false;

  constructor(journal: Journal, owner: string, agent: string, number: number) {
    this.#journal = journal;
    this.#owner = owner;
    this.agent = agent;
    this.number = number;
  }

  get id(): string {
    return this.taskId ?? '';
  }

  connect(form: Form, isSubscription: boolean): void {
    this.#form = form;
    this.#isFirstOfConnection = true;
    this.#isSubscription = isSubscription;
  }

  event(seq: number, event: unknown): void {
    const data = JSON.stringify(event);
    const { state, taskId: named, isTask } = factsOf(data);
    const taskId = this.taskId ?? named;
    // The Task as it is: at the beginning of a subscription without a position, and of a send that joined or continued.
    const isSnapshot =
      this.#isFirstOfConnection && isTask && this.position === 0 && (this.#isSubscription || seq !== 1);
    const isFirst = this.taskId === null;
    this.#isFirstOfConnection = false;
    this.taskId = taskId;
    this.position = seq;
    this.#state = state ?? this.#state;
    const [follower, owner, form] = [this.number, this.#owner, this.#form];
    this.#journal.write({ kind: 'event', follower, form, owner, taskId, seq, isSnapshot, data });
    if (isFirst) this.onFirst?.(form, taskId, state);
    if (endsTurn(state) && !(isSnapshot && state === 'TASK_STATE_INPUT_REQUIRED')) {
      this.isDone = true;
      this.#journal.write({ kind: 'followed', follower, taskId, seq });
    }
  }

  told(): Told {
    return { taskId: this.id, state: this.#state };
  }
}
