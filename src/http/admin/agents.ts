/** /api/v1/agents: the agents that the caller may use, their cards and what is to be said of these. */
import type { FastifyInstance } from 'fastify';
import { authorize } from '../../core/access/authorize.ts';
import { checkCard } from '../../core/agents/card-checks.ts';
import type { Agent, AgentRegistry } from '../../core/agents/registry.ts';
import { noCounts, type StateCounts, type TaskBrowsing } from '../../core/tasks/browsing.ts';
import { AppError } from '../../protocol/errors.ts';
import { agentCardSchema } from '../../protocol/v1/card-schemas.ts';
import type { ServedCards } from '../a2a/served-cards.ts';
import type {} from '../request.ts';
import { type AgentDetail, type AgentList, type AgentRow, agentIdParamsSchema } from './agent-contract.ts';
import { validate } from './validate.ts';

export interface AgentRoutesDeps {
  readonly agents: AgentRegistry;
  readonly browsing: TaskBrowsing;
  /** Where clients reach this server; known once it listens. */
  readonly publicUrl: () => string;
  readonly cards: ServedCards;
}

const PATH = '/api/v1/agents';

export function registerAgents(app: FastifyInstance, deps: AgentRoutesDeps): void {
  const { agents, browsing, publicUrl, cards } = deps;

  const detailOf = async (agent: Agent, counts: StateCounts | undefined): Promise<AgentDetail> => {
    const path = `/a2a/agents/${agent.id}`;
    const url = `${publicUrl()}${path}`;
    const served = await cards.at(agent, path);
    // What 0.3 has besides is left out.
    const card = agentCardSchema.parse(JSON.parse(served.body));
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
    const details = await Promise.all(shown.map((agent) => detailOf(agent, counts.get(agent.id))));
    return { agents: details.map(rowOf) };
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
