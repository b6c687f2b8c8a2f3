/** An executor whose every step a test decides. */
import type { Agent } from '../../src/core/agents/registry.ts';
import type { AgentEvent, Executor, Run } from '../../src/core/tasks/executor.ts';
import { toAppError } from '../../src/protocol/errors.ts';

type Move =
  | { readonly kind: 'yield'; readonly event: AgentEvent }
  | { readonly kind: 'return' }
  | { readonly kind: 'throw'; readonly error: unknown };

/** One call of `execute`, moved by the test. */
export class PuppetRun {
  readonly run: Run;
  /** The generator's finally block has run. */
  isClosed = false;
  #moves: Move[] = [];
  #wake: (() => void) | null = null;

  constructor(run: Run) {
    this.run = run;
  }

  yield(...events: readonly AgentEvent[]): void {
    for (const event of events) this.#moves.push({ kind: 'yield', event });
    this.#wake?.();
  }

  return(): void {
    this.#moves.push({ kind: 'return' });
    this.#wake?.();
  }

  throw(error: unknown): void {
    this.#moves.push({ kind: 'throw', error });
    this.#wake?.();
  }

  async next(): Promise<Move> {
    for (;;) {
      const move = this.#moves.shift();
      if (move !== undefined) return move;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
  }
}

export interface ExecutorTraits {
  readonly recovery?: Executor['recovery'];
  readonly effects?: Executor['effects'];
  readonly replies?: Executor['replies'];
  readonly maxDurationMs?: number;
}

export function executorOf(execute: Executor['execute'], traits: ExecutorTraits = {}): Executor {
  return { execute, recovery: 'resume', effects: 'none', replies: 'task', maxDurationMs: 0, ...traits };
}

export function agentOf(executor: Executor, id = 'agent'): Agent {
  return {
    id,
    executor,
    description: {
      name: id,
      description: 'An agent of a test.',
      version: '1.0.0',
      capabilities: { streaming: true, pushNotifications: false, extendedAgentCard: false },
      defaultInputModes: ['*/*'],
      defaultOutputModes: ['*/*'],
      skills: [],
    },
  };
}

export interface Puppet {
  readonly agent: Agent;
  /** All calls of `execute` so far. */
  readonly runs: readonly PuppetRun[];
  /** The latest call. Throws while there is none. */
  readonly last: PuppetRun;
}

export function puppet(traits: ExecutorTraits = {}, id = 'agent'): Puppet {
  const runs: PuppetRun[] = [];
  async function* execute(run: Run): AsyncGenerator<AgentEvent> {
    const moved = new PuppetRun(run);
    runs.push(moved);
    // As a well-behaved agent does: it ends when its run is aborted.
    const aborted = new Promise<never>((_resolve, reject) => {
      run.signal.addEventListener('abort', () => reject(toAppError(run.signal.reason)), { once: true });
    });
    aborted.catch(() => undefined);
    try {
      for (;;) {
        const move = await Promise.race([moved.next(), aborted]);
        if (move.kind === 'return') return;
        if (move.kind === 'throw') throw move.error;
        yield move.event;
      }
    } finally {
      moved.isClosed = true;
    }
  }
  return {
    agent: agentOf(executorOf(execute, traits), id),
    runs,
    get last() {
      const last = runs.at(-1);
      if (last === undefined) throw new Error('the agent was not run yet');
      return last;
    },
  };
}

/** Events of agents, as short as tests want them. */
export const working: AgentEvent = { type: 'status', state: 'TASK_STATE_WORKING' };
export const completed: AgentEvent = { type: 'status', state: 'TASK_STATE_COMPLETED' };
export const authRequired: AgentEvent = { type: 'status', state: 'TASK_STATE_AUTH_REQUIRED' };

export const inputRequired = (question: string): AgentEvent => ({
  type: 'status',
  state: 'TASK_STATE_INPUT_REQUIRED',
  message: { parts: [{ text: question }] },
});

export const chunk = (text: string, artifactId = 'out', append = true): AgentEvent => ({
  type: 'artifact',
  artifact: { artifactId, parts: [{ text }] },
  append,
});
