/**
 * What this replica and the others tell each other over the bus. Who follows a task that runs elsewhere says so, and its
 * holder answers with what it commits from then on; so nothing is sent for tasks that nobody follows elsewhere. Whatever is
 * lost on the way is found in the database: by looking at it now and then (`elsewhere.ts`), and by its leases.
 */
import type { Clock } from '../clock.ts';
import type { Logger } from '../logger.ts';
import type { SubscriptionHub } from '../tasks/hub.ts';
import type { TaskLimits } from '../tasks/limits.ts';
import type { LogRow } from '../tasks/log.ts';
import type { TaskRun } from '../tasks/run.ts';
import { isTerminal } from '../tasks/states.ts';
import { QUEUED, RELEASED, type TaskHead, type TaskStore } from '../tasks/store.ts';
import type { BusTarget } from './bus.ts';
import { Mailbox, type MailboxOptions } from './mailbox.ts';
import { decodeLetter, type ReplicaMessage } from './messages.ts';
import { Words } from './words.ts';

export interface ReplicaLinkOptions extends MailboxOptions {
  /** Another replica changed this API key, or ended this session. */
  readonly onKey?: (keyId: string) => void;
  readonly onSession?: (sessionId: string) => void;
  /** Another replica has stored work that nobody does yet. */
  readonly onWork?: () => void;
}

/** What the link needs of its engine. */
export interface LinkHost {
  readonly replicaId: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: TaskLimits;
  readonly store: TaskStore;
  readonly hub: SubscriptionHub;
  runOf(taskId: string): TaskRun | undefined;
}

/** Replicas that follow one task: no more than there are, but for those that are gone. */
const MAX_FOLLOWING = 64;
/** Turns that have just ended: who asks for one a moment too late is told. */
const MAX_ENDED = 1024;
/** A holder that says nothing for so long does not hear. */
const CANCEL_ANSWER_MS = 2000;
/** What a holder may take beyond the grace that it gives its agent. */
const CANCEL_MARGIN_MS = 1000;
/** Between two looks at a task that is being canceled elsewhere. */
const CANCEL_LOOK_MS = 1000;
const WARN_EVERY_MS = 60_000;
/**
 * So long after its last letter a replica is spoken to that the database no longer lists: one that stops leaves the database
 * first, and waits for answers then. Where it waits for longer, it finds them in the database.
 */
const HEARD_MS = 60_000;

export class ReplicaLink {
  readonly #host: LinkHost;
  readonly #options: ReplicaLinkOptions;
  /** Of each task that runs here, the replicas that follow it. */
  readonly #followedBy = new Map<string, Set<string>>();
  readonly #ended = new Map<string, number>();
  readonly #words: Words;
  readonly #mailbox: Mailbox;
  #toFollow = new Set<string>();
  #isUp = false;
  #others = 0;
  #heardAtMs = Number.NEGATIVE_INFINITY;
  #warnedAtMs = Number.NEGATIVE_INFINITY;

  constructor(host: LinkHost, options: ReplicaLinkOptions) {
    this.#host = host;
    this.#options = options;
    this.#words = new Words(host.clock);
    this.#mailbox = new Mailbox(host.replicaId, options, () => this.#sayFollows());
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Without another replica nothing is said: none in the database, and none heard of. */
  get #isTalking(): boolean {
    return this.#isUp && (this.#others > 0 || Math.abs(this.#host.clock.now() - this.#heardAtMs) < HEARD_MS);
  }

  start(): void {
    const { bus, metrics } = this.#options;
    bus.start(this.#host.replicaId, {
      onPayload: (payload) => this.#onPayload(payload),
      onState: (isUp) => this.#onState(isUp),
      onDropped: (payloads) => metrics.dropped('queue', payloads),
    });
  }

  async stop(): Promise<void> {
    this.#mailbox.flush();
    await this.#options.bus.stop();
    this.#isUp = false;
  }

  /** How many other replicas live, as the database says. */
  noteOthers(count: number): void {
    this.#change(() => {
      this.#others = count;
    });
  }

  #onState(isUp: boolean): void {
    this.#change(() => {
      this.#isUp = isUp;
    });
    if (isUp) this.#host.logger.info('the bus between replicas is up');
    else this.#host.logger.warn('the bus between replicas is down; they look into the database until it is back');
  }

  #change(apply: () => void): void {
    const wasTalking = this.#isTalking;
    apply();
    if (wasTalking || !this.#isTalking) return;
    this.#send('all', { kind: 'hello' });
    for (const taskId of this.#host.hub.followedIds()) this.followed(taskId);
  }

  // ---- what happens here ----

  /** Somebody here follows this task: where another replica runs it, or will, that one is told. */
  followed(taskId: string): void {
    if (!this.#isTalking) return;
    this.#toFollow.add(taskId);
    this.#mailbox.schedule();
  }

  /** Events of a run of this process were committed. */
  committed(taskId: string, rows: readonly LogRow[]): void {
    if (this.#followedBy.size === 0) return;
    const to = this.#followedBy.get(taskId);
    if (to === undefined || to.size === 0 || !this.#isTalking) return;
    this.#mailbox.sendMoved(to, taskId, rows);
  }

  /** A task that was there before has a new holder, or its end, by a commit of this process. */
  took({ id: taskId, seq, leaseEpoch: epoch }: TaskHead): void {
    if (this.#isTalking) this.#send('all', { kind: 'began', taskId, seq, epoch });
  }

  /** A run of this process is over. */
  ended({ taskId, stored }: TaskRun): void {
    this.#followedBy.delete(taskId);
    if (!this.#isTalking) return;
    if (stored !== null) {
      this.#ended.delete(taskId);
      this.#ended.set(taskId, stored.seq);
      const oldest = this.#ended.size > MAX_ENDED ? this.#ended.keys().next().value : undefined;
      if (oldest !== undefined) this.#ended.delete(oldest);
    }
    if (this.#host.hub.has(taskId)) this.followed(taskId);
  }

  announceKey(keyId: string): void {
    if (this.#isTalking) this.#send('all', { kind: 'key', keyId });
  }

  announceSession(sessionId: string): void {
    if (this.#isTalking) this.#send('all', { kind: 'session', sessionId });
  }

  /** Work was stored that any replica may do. */
  announceWork(): void {
    if (this.#isTalking) this.#mailbox.sendWork();
  }

  /** Whether the holder of this task can be asked to cancel it. */
  canAsk({ leaseReplica }: TaskHead): boolean {
    return (
      this.#isTalking &&
      leaseReplica !== null &&
      leaseReplica !== RELEASED &&
      leaseReplica !== QUEUED &&
      leaseReplica !== this.#host.replicaId
    );
  }

  /**
   * Asks the holder to cancel this task. Resolves when the holder has let go of it, in whatever way; when the grace for its
   * agent is over; or soon where it does not answer.
   */
  async cancel(head: TaskHead): Promise<void> {
    const { clock, limits, store } = this.#host;
    const { id: taskId, leaseEpoch: epoch, leaseReplica } = head;
    if (leaseReplica === null) return;
    const watch = this.#words.watch(taskId);
    try {
      this.#send({ replicaId: leaseReplica }, { kind: 'cancel', taskId, epoch });
      if (!(await watch.next(CANCEL_ANSWER_MS))) return;
      const untilMs = clock.now() + limits.cancelGraceMs + CANCEL_MARGIN_MS;
      for (;;) {
        const now = await store.readHead(head, taskId);
        if (now === undefined || isTerminal(now.state) || now.leaseReplica === null || now.leaseEpoch !== epoch) return;
        const leftMs = untilMs - clock.now();
        if (leftMs <= 0) return;
        await watch.next(Math.min(CANCEL_LOOK_MS, leftMs));
      }
    } finally {
      watch.close();
    }
  }

  // ---- what others say ----

  #onPayload(payload: Uint8Array): void {
    const { seal, metrics } = this.#options;
    const text = seal.open(payload);
    const letter = text === null ? null : decodeLetter(text);
    if (letter === null) {
      metrics.dropped('unreadable', 1);
      this.#warnUnreadable(text === null);
      return;
    }
    if (letter.from === this.#host.replicaId) return;
    metrics.payloadReceived();
    this.#change(() => {
      this.#heardAtMs = this.#host.clock.now();
    });
    for (const message of letter.messages) {
      try {
        this.#take(letter.from, message);
      } catch (err) {
        this.#host.logger.error({ err, kind: message.kind }, 'a message of another replica could not be acted on');
      }
    }
  }

  #warnUnreadable(isSealed: boolean): void {
    const nowMs = this.#host.clock.now();
    if (nowMs - this.#warnedAtMs < WARN_EVERY_MS) return;
    this.#warnedAtMs = nowMs;
    this.#host.logger.warn(
      isSealed
        ? 'a message on the bus was not sealed with an encryption key of this replica: all replicas need the same ENCRYPTION_KEY'
        : 'a message of another replica is of no known form: does it run another version?',
    );
  }

  #take(from: string, message: ReplicaMessage): void {
    const { hub } = this.#host;
    switch (message.kind) {
      case 'hello':
        return;
      case 'follow':
        this.#onFollow(from, message.taskId, message.seq);
        return;
      case 'left':
        this.#followedBy.get(message.taskId)?.delete(from);
        return;
      case 'moved': {
        const { taskId, seq, rows } = message;
        const isAwaited = this.#words.tell(taskId);
        if (!hub.has(taskId)) {
          if (!isAwaited) this.#send({ replicaId: from }, { kind: 'left', taskId });
        } else if (rows === undefined) hub.poke(taskId, seq);
        else hub.publish(taskId, rows);
        return;
      }
      case 'began':
        this.#onBegan(from, message.taskId, message.seq, message.epoch);
        return;
      case 'cancel':
        this.#onCancel(from, message.taskId, message.epoch);
        return;
      case 'key':
        this.#options.onKey?.(message.keyId);
        return;
      case 'session':
        this.#options.onSession?.(message.sessionId);
        return;
      case 'work':
        this.#options.onWork?.();
    }
  }

  #onFollow(from: string, taskId: string, seq: number): void {
    const run = this.#host.runOf(taskId);
    if (run !== undefined) this.#addFollower(taskId, from);
    const headSeq = run === undefined ? this.#ended.get(taskId) : run.stored?.seq;
    if (headSeq !== undefined && headSeq > seq) {
      this.#send({ replicaId: from }, { kind: 'moved', taskId, seq: headSeq });
    }
  }

  #addFollower(taskId: string, replicaId: string): void {
    const followers = this.#followedBy.get(taskId) ?? new Set();
    if (followers.size >= MAX_FOLLOWING) {
      const oldest = followers.values().next().value;
      if (oldest !== undefined) followers.delete(oldest);
    }
    this.#followedBy.set(taskId, followers.add(replicaId));
  }

  #onBegan(from: string, taskId: string, seq: number, epoch: number): void {
    const { hub } = this.#host;
    this.#words.tell(taskId);
    const run = this.#host.runOf(taskId);
    // Its next write would be refused; so its agent ends now and not then.
    if (run?.isAdmitted === true && run.leaseEpoch < epoch) run.lost();
    if (!hub.has(taskId)) return;
    hub.poke(taskId, seq);
    this.#send({ replicaId: from }, { kind: 'follow', taskId, seq: hub.positionOf(taskId) });
  }

  #onCancel(from: string, taskId: string, epoch: number): void {
    const run = this.#host.runOf(taskId);
    this.#send({ replicaId: from }, { kind: 'moved', taskId, seq: run?.stored?.seq ?? this.#ended.get(taskId) ?? 0 });
    // Another epoch: the turn that was meant is over, whoever says so, and whenever.
    if (run?.leaseEpoch !== epoch) return;
    this.#addFollower(taskId, from);
    run.cancel();
  }

  /** Who follows what, as late as possible: what runs here by now, or is followed no more, is left out. */
  #sayFollows(): void {
    const { hub } = this.#host;
    const toFollow = this.#toFollow;
    this.#toFollow = new Set();
    for (const taskId of toFollow) {
      if (hub.has(taskId) && this.#host.runOf(taskId) === undefined) {
        this.#send('all', { kind: 'follow', taskId, seq: hub.positionOf(taskId) });
      }
    }
  }

  #send(target: BusTarget, message: ReplicaMessage): void {
    this.#mailbox.send(target, message);
  }
}
