/** The agents of this server: a card and an executor each, found by id. */
import { AppError } from '../../protocol/errors.ts';
import type { AgentCapabilities, AgentCard } from '../../protocol/v1/types.ts';
import type { Executor } from '../tasks/executor.ts';

/** What an agent says of itself; addresses, transports and security are the server's to add. */
export type AgentDescription = Omit<
  AgentCard,
  'supportedInterfaces' | 'securitySchemes' | 'securityRequirements' | 'signatures' | 'capabilities'
> & { readonly capabilities: AgentCapabilities };

export interface Agent {
  /** `[a-z][a-z0-9-]{0,62}`; part of its address. */
  readonly id: string;
  readonly description: AgentDescription;
  readonly executor: Executor;
  /** Tasks of it that one process runs at once; absent or 0: what `tasks.maxRunningPerAgent` says. */
  readonly maxRunning?: number;
}

export const AGENT_ID = /^[a-z][a-z0-9-]{0,62}$/;

export class AgentRegistry {
  readonly #agents = new Map<string, Agent>();
  readonly defaultId: string;

  /** Throws INVALID_REQUEST for an id that is malformed or taken, and where the default agent is not among them. */
  constructor(agents: readonly Agent[], defaultId: string) {
    for (const agent of agents) {
      if (!AGENT_ID.test(agent.id)) throw new AppError('INVALID_REQUEST', `not an agent id: ${agent.id}`);
      if (this.#agents.has(agent.id)) throw new AppError('INVALID_REQUEST', `two agents have the id ${agent.id}`);
      this.#agents.set(agent.id, agent);
    }
    if (!this.#agents.has(defaultId)) {
      throw new AppError('INVALID_REQUEST', `agents.default names the agent ${defaultId}, which is not there`);
    }
    this.defaultId = defaultId;
  }

  find(agentId: string): Agent | undefined {
    return this.#agents.get(agentId);
  }

  all(): readonly Agent[] {
    return [...this.#agents.values()];
  }
}
