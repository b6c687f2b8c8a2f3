/** How many tasks this process runs, in all, for each owner and of each agent, and whether there is room for more. */
import type { AgentRegistry } from '../agents/registry.ts';
import type { TaskLimits } from './limits.ts';
import type { ClaimQuery, TaskScope } from './store.ts';

type RoomLimits = Pick<TaskLimits, 'maxRunning' | 'maxRunningPerOwner' | 'maxRunningPerAgent'>;

/** A limit that is reached: its key and value. */
export interface Full {
  /** Whose limit it is. */
  readonly of: 'server' | 'owner' | 'agent';
  readonly key: string;
  readonly limit: number;
}

export class Room {
  readonly #limits: RoomLimits;
  readonly #agents: AgentRegistry;
  readonly #byOwner = new Map<string, number>();
  readonly #byAgent = new Map<string, number>();
  #running = 0;
  /** Places that a claim under way may fill. */
  #reserved = 0;

  constructor(limits: RoomLimits, agents: AgentRegistry) {
    this.#limits = limits;
    this.#agents = agents;
  }

  /** From 0 to 1. */
  get load(): number {
    return Math.min(1, this.#running / Math.max(1, this.#limits.maxRunning));
  }

  /** Which limit keeps one more of these tasks from running here; null: none. */
  fullFor({ ownerId, agentId }: TaskScope): Full | null {
    const { maxRunning, maxRunningPerOwner } = this.#limits;
    const reserved = this.#reserved;
    if (this.#running + reserved >= maxRunning) return { of: 'server', key: 'tasks.maxRunning', limit: maxRunning };
    if ((this.#byOwner.get(ownerId) ?? 0) + reserved >= maxRunningPerOwner) {
      return { of: 'owner', key: 'tasks.maxRunningPerOwner', limit: maxRunningPerOwner };
    }
    const ofAgent = this.#limitOf(agentId);
    return ofAgent !== null && (this.#byAgent.get(agentId) ?? 0) + reserved >= ofAgent.limit ? ofAgent : null;
  }

  #limitOf(agentId: string): Full | null {
    const { maxRunningPerAgent } = this.#limits;
    const own = this.#agents.find(agentId)?.maxRunning ?? 0;
    if (own > 0) return { of: 'agent', key: `maxRunning of the agent ${agentId}`, limit: own };
    return maxRunningPerAgent > 0 ? { of: 'agent', key: 'tasks.maxRunningPerAgent', limit: maxRunningPerAgent } : null;
  }

  /**
   * What a claim may ask for, so that no limit can be passed whoever the tasks belong to. `share`: of the free places, so
   * that other replicas get some too. `isPassingOver`: something may be left that waits for an owner or agent at its limit.
   */
  claimable(share: number): Pick<ClaimQuery, 'limit' | 'running' | 'maxPerOwner' | 'exceptAgents'> & {
    readonly isPassingOver: boolean;
  } {
    const { maxRunning, maxRunningPerOwner } = this.#limits;
    let limit = Math.ceil(Math.max(0, maxRunning - this.#running) * share);
    const exceptAgents: string[] = [];
    for (const { id } of this.#agents.all()) {
      const ofAgent = this.#limitOf(id);
      if (ofAgent === null) continue;
      const left = ofAgent.limit - (this.#byAgent.get(id) ?? 0);
      if (left <= 0) exceptAgents.push(id);
      else limit = Math.min(limit, left);
    }
    const isPassingOver = exceptAgents.length > 0 || [...this.#byOwner.values()].some((n) => n >= maxRunningPerOwner);
    return { limit, running: this.#byOwner, maxPerOwner: maxRunningPerOwner, exceptAgents, isPassingOver };
  }

  /** Keeps places for a claim under way; 0: it is over. */
  reserve(places: number): void {
    this.#reserved = places;
  }

  add({ ownerId, agentId }: TaskScope): void {
    this.#running++;
    change(this.#byOwner, ownerId, 1);
    change(this.#byAgent, agentId, 1);
  }

  remove({ ownerId, agentId }: TaskScope): void {
    this.#running--;
    change(this.#byOwner, ownerId, -1);
    change(this.#byAgent, agentId, -1);
  }
}

function change(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
