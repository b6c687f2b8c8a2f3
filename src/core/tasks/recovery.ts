/** Beginning what was claimed: queued turns, and tasks of replicas that died, or of this one where it had to let go. */
import type { JsonObject } from '../../protocol/json.ts';
import type { Message } from '../../protocol/v1/types.ts';
import type { AgentRegistry } from '../agents/registry.ts';
import type { EngineHost } from './engine-host.ts';
import { agentMessageJson, announceStep, type Step, statusStep } from './events.ts';
import type { Executor } from './executor.ts';
import { contentOf } from './log.ts';
import type { TaskRun } from './run.ts';
import { type ClaimedTask, QUEUED, RELEASED, type TaskHead } from './store.ts';

/** Beyond those that run here, so many of this replica's leases are looked at. */
const BATCH = 100;

/** A task that this replica has taken, or is about to take by the first write of its run. */
interface Taken {
  /** The head that the next write builds on. */
  readonly before: TaskHead;
  /** The same, with this replica as its holder and the attempt that now begins. */
  readonly claimed: TaskHead;
  /** Why its turn broke off. */
  readonly cause: string;
  /** It was let go of in good order, which is no failed attempt. */
  readonly isReleased: boolean;
}

export class Recoverer {
  readonly #engine: EngineHost;
  readonly #agents: AgentRegistry;

  constructor(engine: EngineHost, agents: AgentRegistry) {
    this.#engine = engine;
    this.#agents = agents;
  }

  /** Begins what was claimed: a queued turn, or one that broke off, as far as its agent can take it up. */
  async begin({ head, from }: ClaimedTask): Promise<void> {
    this.#dropStale(head);
    if (from === QUEUED) await this.#beginQueued(head);
    else {
      const cause = 'the server that ran it stopped';
      await this.#recover({ before: head, claimed: head, cause, isReleased: from === RELEASED });
    }
  }

  /**
   * Another replica had taken the task over from this one, and is dead itself by now; the run of the first lease, which has not
   * noticed, would keep the task from being begun.
   */
  #dropStale({ id, leaseEpoch }: TaskHead): void {
    const run = this.#engine.runOf(id);
    if (run?.isAdmitted === true && run.stored !== null && run.stored.leaseEpoch < leaseEpoch) run.lost();
  }

  async #beginQueued(head: TaskHead): Promise<void> {
    const engine = this.#engine;
    const agent = this.#agents.find(head.agentId);
    const message = agent === undefined ? null : await this.#turnMessage(head);
    if (agent === undefined) await this.#fail(head, 'The agent of this task is not there any more');
    else if (message === null) await this.#fail(head, 'The message that began this task could not be read');
    else if (message !== undefined && engine.runOf(head.id) === undefined) {
      const { executor } = agent;
      await engine.newRun({ executor, message, before: head, head, rows: [], discard: null, dedup: null }).begin();
    }
  }

  /**
   * Takes up tasks that this replica holds and does not run, because a step of theirs could not be stored; not those that
   * `isHeld` names. Never rejects: what fails is logged and tried again.
   */
  async recoverOwn(isHeld: (taskId: string) => boolean): Promise<void> {
    const { store, replicaId, runningCount, logger } = this.#engine;
    try {
      const quiet = this.#quietRuns();
      // Those that run here are among them: enough are looked at to find the others too.
      const limit = runningCount + BATCH;
      const own = await store.findLeased(replicaId, limit);
      if (own.length < limit) this.#dropLost(quiet, own);
      for (const head of own) {
        if (this.#engine.runOf(head.id) === undefined && !isHeld(head.id)) await this.#recoverOwn(head);
      }
    } catch (err) {
      logger.error({ err }, 'leases of this replica could not be looked at');
    }
  }

  /** Runs whose place in the database is known: no write of theirs is under way. */
  #quietRuns(): Map<TaskRun, TaskHead> {
    const quiet = new Map<TaskRun, TaskHead>();
    for (const run of this.#engine.runs()) {
      if (run.isAdmitted && !run.isCommitting && run.stored !== null) quiet.set(run, run.stored);
    }
    return quiet;
  }

  /** A run that has nothing to write would not learn by a refused write that another replica has its task. */
  #dropLost(quiet: ReadonlyMap<TaskRun, TaskHead>, own: readonly TaskHead[]): void {
    const epochs = new Map(own.map(({ id, leaseEpoch }) => [id, leaseEpoch]));
    for (const [run, stored] of quiet) {
      const isUnchanged = run.stored === stored && !run.isCommitting;
      if (isUnchanged && epochs.get(run.taskId) !== stored.leaseEpoch) run.lost();
    }
  }

  async #recoverOwn(head: TaskHead): Promise<void> {
    try {
      // Read again: a run of this process may have ended between the look and now.
      const before = await this.#engine.store.readHead(head, head.id);
      if (before?.leaseEpoch !== head.leaseEpoch || before.leaseReplica !== head.leaseReplica) return;
      if (this.#engine.runOf(head.id) !== undefined) return;
      const claimed = { ...before, leaseEpoch: before.leaseEpoch + 1, attempt: before.attempt + 1 };
      await this.#recover({ before, claimed, cause: 'its last step could not be stored', isReleased: false });
    } catch (err) {
      this.#engine.logger.error({ taskId: head.id, agentId: head.agentId, err }, 'task could not be taken over');
    }
  }

  async #recover(taken: Taken): Promise<void> {
    const { before, claimed, cause, isReleased } = taken;
    const agent = this.#agents.find(before.agentId);
    if (agent === undefined) {
      await this.#fail(before, `The task was interrupted (${cause}), and its agent is not there any more`);
      return;
    }
    const { executor } = agent;
    if (executor.recovery === 'fail') {
      await this.#fail(before, `The task was interrupted: ${cause}, and this agent cannot take it up again`);
      return;
    }
    // What an orderly stop let go of has not failed, however often that happens.
    if (!isReleased && claimed.attempt > this.#engine.limits.maxAttempts) {
      await this.#fail(before, `The task was interrupted: ${cause}, ${claimed.attempt - 1} times (tasks.maxAttempts)`);
      return;
    }
    const message = await this.#turnMessage(before);
    if (message === undefined) return;
    if (message === null) {
      await this.#fail(before, 'The task was interrupted, and the message that began it could not be read');
      return;
    }
    await this.#again(taken, executor, message);
  }

  async #again({ before, claimed }: Taken, executor: Executor, message: Message): Promise<void> {
    const engine = this.#engine;
    const isRestart = executor.recovery === 'restart' && before.seq > 0;
    const step = isRestart
      ? statusStep(claimed, {
          state: 'TASK_STATE_WORKING',
          nowMs: engine.clock.now(),
          metadata: restartMetadata(before, claimed.attempt),
        })
      : null;
    // Looked at after the last wait: a message of the user may have begun a run meanwhile.
    if (engine.runOf(before.id) !== undefined) return;
    const run = engine.newRun({
      executor,
      message,
      before,
      head: step?.head ?? claimed,
      rows: step === null ? [] : [step.row],
      discard: step === null ? null : { afterSeq: before.turnSeq, beforeSeq: step.row.seq },
      dedup: null,
    });
    const admission = await run.begin();
    if (admission.status !== 'admitted') return;
    engine.metrics.taskRecovered(before.agentId, executor.recovery);
    const fields = {
      taskId: before.id,
      agentId: before.agentId,
      attempt: claimed.attempt,
      recovery: executor.recovery,
    };
    engine.logger.warn(fields, 'task taken over');
  }

  async #fail(before: TaskHead, text: string): Promise<void> {
    const engine = this.#engine;
    const messageJson = agentMessageJson({ parts: [{ text }] }, before, engine.ids);
    const announced = before.seq === 0 ? await this.#announce(before) : null;
    const state = 'TASK_STATE_FAILED';
    const step = statusStep(announced?.head ?? before, { state, nowMs: engine.clock.now(), messageJson });
    if (!(await engine.writeEnd(before, announced === null ? [step] : [announced, step]))) return;
    engine.metrics.taskRecovered(before.agentId, 'fail');
    engine.logger.warn({ taskId: before.id, agentId: before.agentId }, 'interrupted task failed');
  }

  /** A task that had no event yet, and will have none of its agent: it gets the one that every task begins with. */
  async #announce(before: TaskHead): Promise<Step | null> {
    const message = await this.#turnMessage(before);
    if (!message) return null;
    this.#engine.metrics.taskCreated(before.agentId);
    return announceStep(before, message);
  }

  /**
   * The user's message that began the current turn, from the row that stored it; null where it is not there, undefined
   * where the task has changed meanwhile (it was canceled, say).
   */
  async #turnMessage(head: TaskHead): Promise<Message | null | undefined> {
    const stored = await this.#engine.store.readTask(head, head.id, { historyLength: undefined, artifacts: false });
    if (stored === undefined) return null;
    if (stored.head.seq !== head.seq) return undefined;
    const { rows } = stored;
    const row = rows.find((candidate) => candidate.seq === head.turnSeq);
    if (row === undefined) return null;
    // Parley's own text.
    const message = JSON.parse(row.userMessage ?? contentOf(row)) as Message;
    if (head.turnSeq > 1) return message;
    // The message that begins a task names none: an agent may tell a first turn from an answer by that.
    const { taskId: _taskId, ...first } = message;
    return first;
  }
}

/** For those who follow the task: what the broken attempt had sent between these events counts no more. */
function restartMetadata(head: TaskHead, attempt: number): JsonObject {
  return { parley: { restarted: true, attempt, discardedAfterSeq: head.turnSeq, discardedUpToSeq: head.seq } };
}
