/** /api/v1/agents: the agents that the caller may use, their cards and what is to be said of these. */
import type { FastifyInstance } from 'fastify';
import { authorize } from '../../core/access/authorize.ts';
import { checkCard } from '../../core/agents/card-checks.ts';
import type { Agent, AgentRegistry } from '../../core/agents/registry.ts';
import type { StateCounts, TaskBrowsing } from '../../core/tasks/browsing.ts';
import { noCounts } from '../../core/tasks/browsing.ts';
import { AppError } from '../../protocol/errors.ts';
import type { AgentCard } from '../../protocol/v1/types.ts';
import type {} from '../request.ts';
import { type AgentDetail, type AgentList, type AgentRow, agentIdParamsSchema } from './agent-contract.ts';
import { validate } from './validate.ts';

export interface AgentRoutesDeps {
  readonly agents: AgentRegistry;
  readonly browsing: TaskBrowsing;
  /** Where clients reach this server; known once it listens. */
  readonly publicUrl: () => string;
  /** The card of an agent at this address. */
  readonly cardOf: (agent: Agent, address: string) => AgentCard;
}

const PATH = '/api/v1/agents';

export function registerAgents(app: FastifyInstance, deps: AgentRoutesDeps): void {
  const { agents, browsing, publicUrl, cardOf } = deps;

  const detailOf = (agent: Agent, counts: StateCounts | undefined): AgentDetail => {
    const url = `${publicUrl()}/a2a/agents/${agent.id}`;
    const card = cardOf(agent, url);
    const checks = [...checkCard(card)];
    const count = (level: string): number => checks.filter((check) => check.level === level).length;
    return {
      id: agent.id,
      isDefault: agent.id === agents.defaultId,
      url,
      cardUrl: `${url}/.well-known/agent-card.json`,
      name: card.name,
      description: card.description,
      version: card.version,
      counts: counts ?? noCounts(),
      problems: { warnings: count('warning'), errors: count('error') },
      card,
      checks,
    };
  };

  app.get(PATH, async (request): Promise<AgentList> => {
    const { principal } = request;
    const counts = await browsing.countsByAgent(principal);
    const shown = agents.all().filter(({ id }) => principal.agents?.has(id) !== false);
    return { agents: shown.map((agent) => rowOf(detailOf(agent, counts.get(agent.id)))) };
  });

  app.get(`${PATH}/:agentId`, async (request): Promise<AgentDetail> => {
    const { agentId } = validate(agentIdParamsSchema, request.params);
    authorize(request.principal, 'task.list', { kind: 'agent', agentId });
    const agent = agents.find(agentId);
    if (agent === undefined) throw new AppError('NOT_FOUND', `There is no agent ${agentId}`);
    return detailOf(agent, (await browsing.countsByAgent(request.principal)).get(agentId));
  });
}

function rowOf({ card: _card, checks: _checks, ...row }: AgentDetail): AgentRow {
  return row;
}
