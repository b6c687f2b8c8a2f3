/** Taking over the tasks of replicas that died, and of this one where a failed commit made it let go. */
import { toAppError } from '../../protocol/errors.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { Message } from '../../protocol/v1/types.ts';
import type { AgentRegistry } from '../agents/registry.ts';
import type { EngineHost } from './engine-host.ts';
import { agentMessageJson, announceStep, type Step, statusStep } from './events.ts';
import type { Executor } from './executor.ts';
import { contentOf } from './log.ts';
import { RELEASED, type TaskHead } from './store.ts';

/** Tasks looked at per sweep. */
const BATCH = 100;
/** Sweeps between two looks at this replica's own leases. */
const OWN_LEASES_EVERY = 10;

export class Recoverer {
  readonly #engine: EngineHost;
  readonly #agents: AgentRegistry;
  #isSweeping = false;
  #sweeps = 0;

  constructor(engine: EngineHost, agents: AgentRegistry) {
    this.#engine = engine;
    this.#agents = agents;
  }

  /** Claims orphaned tasks as far as there is room. Never rejects: what fails is logged and tried again. */
  async sweep(): Promise<void> {
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    const { store, replicaId, logger } = this.#engine;
    try {
      for (const head of await store.findOrphans(BATCH)) await this.#recover(head, true);
      if (this.#sweeps++ % OWN_LEASES_EVERY === 0) {
        // Those that run here are among them: enough are looked at to find the others too.
        const own = await store.findLeased(replicaId, this.#engine.runningCount + BATCH);
        for (const head of own) if (this.#engine.runOf(head.id) === undefined) await this.#recover(head, false);
      }
    } catch (err) {
      logger.error({ err }, 'orphaned tasks could not be taken over');
    } finally {
      this.#isSweeping = false;
    }
  }

  async #recover(head: TaskHead, isOrphan: boolean): Promise<void> {
    const { logger } = this.#engine;
    const bindings = { taskId: head.id, agentId: head.agentId };
    try {
      // Read again: a run of this process may have ended between the look and now.
      const fresh = await this.#engine.store.readHead(head, head.id);
      if (fresh === undefined || fresh.leaseEpoch !== head.leaseEpoch || fresh.leaseReplica === null) return;
      if (this.#engine.runOf(head.id) !== undefined) return;
      await this.#claim(fresh, isOrphan);
    } catch (err) {
      const error = toAppError(err);
      if (error.code === 'LIMIT_EXCEEDED') logger.warn(bindings, 'no room to take over a task yet');
      else logger.error({ ...bindings, err }, 'task could not be taken over');
    }
  }

  async #claim(head: TaskHead, isOrphan: boolean): Promise<void> {
    const engine = this.#engine;
    const agent = this.#agents.find(head.agentId);
    const cause = isOrphan ? 'the server that ran it stopped' : 'its last step could not be stored';
    if (agent === undefined) {
      await this.#fail(head, `The task was interrupted (${cause}), and its agent is not there any more`);
      return;
    }
    const { executor } = agent;
    if (executor.recovery === 'fail') {
      await this.#fail(head, `The task was interrupted: ${cause}, and this agent cannot take it up again`);
      return;
    }
    // What an orderly stop let go of has not failed, however often that happens.
    if (head.leaseReplica !== RELEASED && head.attempt >= engine.limits.maxAttempts) {
      await this.#fail(head, `The task was interrupted: ${cause}, ${head.attempt} times (tasks.maxAttempts)`);
      return;
    }
    const message = await this.#turnMessage(head);
    if (message === null) {
      await this.#fail(head, 'The task was interrupted, and the message that began it could not be read');
      return;
    }
    engine.checkRoom(head.ownerId);
    await this.#again(head, executor, message);
  }

  async #again(before: TaskHead, executor: Executor, message: Message): Promise<void> {
    const engine = this.#engine;
    const claimed: TaskHead = {
      ...before,
      leaseReplica: engine.replicaId,
      leaseEpoch: before.leaseEpoch + 1,
      attempt: before.leaseReplica === RELEASED ? Math.max(2, before.attempt) : before.attempt + 1,
    };
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
    if (message === null) return null;
    this.#engine.metrics.taskCreated(before.agentId);
    return announceStep(before, message);
  }

  /** The user's message that began the current turn, from the row that stored it. */
  async #turnMessage(head: TaskHead): Promise<Message | null> {
    const { rows } = (await this.#engine.store.readTask(head, head.id, {
      historyLength: undefined,
      artifacts: false,
    })) ?? { rows: [] };
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
