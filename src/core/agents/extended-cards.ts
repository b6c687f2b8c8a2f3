/** GetExtendedAgentCard (A2A 1.0 section 3.1.11): the public card, and what this caller may do. */
import { AppError } from '../../protocol/errors.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { AgentCard, AgentExtension } from '../../protocol/v1/types.ts';
import type { Principal } from '../access/principal.ts';
import { admit } from '../operations/admit.ts';
import type { Call } from '../operations/call.ts';
import type { CardSigner } from '../signing/card-signer.ts';
import type { Agent, AgentRegistry } from './registry.ts';

/** The extension of the extended card that says who the caller is here; docs/cards.md describes its params. */
export const CALLER_EXTENSION = 'urn:parley:extension:caller:v1';
/** Agents named in a card; their number is told beside them. */
const MAX_AGENTS = 500;

export interface ExtendedCardsOptions {
  readonly agents: AgentRegistry;
  /** The public card of an agent, unsigned. */
  readonly cardOf: (agent: Agent) => AgentCard;
  /** Whether callers get an extended card: they are told apart, and it is not switched off. */
  readonly isConfigured: boolean;
  /** The limits in force for one caller, by their configuration keys. */
  readonly limits: Readonly<Record<string, number>>;
  /** null: cards are not signed. */
  readonly signer: CardSigner | null;
}

export class ExtendedCards {
  readonly #options: ExtendedCardsOptions;

  constructor(options: ExtendedCardsOptions) {
    this.#options = options;
  }

  /**
   * Throws UNSUPPORTED_OPERATION where the public card declares no extended one, EXTENDED_AGENT_CARD_NOT_CONFIGURED where
   * the agent declares it and this server gives none.
   */
  async get(call: Call): Promise<AgentCard> {
    admit(call, 'card.extended');
    const { agents, cardOf, isConfigured, limits, signer } = this.#options;
    const publicCard = cardOf(call.agent);
    if (publicCard.capabilities.extendedAgentCard !== true) {
      throw new AppError('UNSUPPORTED_OPERATION', 'This agent has no extended card; its public card says all');
    }
    if (!isConfigured) {
      throw new AppError(
        'EXTENDED_AGENT_CARD_NOT_CONFIGURED',
        'This agent declares an extended card, and this server has none: cards.extended is off, or auth.mode is none',
      );
    }
    const { capabilities } = publicCard;
    const extension = callerExtension(call.principal, usableBy(call.principal, agents), cardOf, limits);
    const card: AgentCard = {
      ...publicCard,
      capabilities: { ...capabilities, extensions: [...(capabilities.extensions ?? []), extension] },
    };
    if (signer === null) return card;
    return { ...card, signatures: await signer.signPrivate(card) };
  }
}

function usableBy({ agents: allowed }: Principal, agents: AgentRegistry): readonly Agent[] {
  return agents.all().filter(({ id }) => allowed === null || allowed.has(id));
}

function callerExtension(
  principal: Principal,
  usable: readonly Agent[],
  cardOf: (agent: Agent) => AgentCard,
  limits: Readonly<Record<string, number>>,
): AgentExtension {
  const agents = usable.slice(0, MAX_AGENTS).map((agent): JsonObject => {
    const { name, supportedInterfaces } = cardOf(agent);
    return { id: agent.id, name, url: supportedInterfaces[0]?.url ?? '' };
  });
  return {
    uri: CALLER_EXTENSION,
    description: 'Who is calling, and what this key may do here',
    params: {
      principal: { kind: principal.kind, name: principal.name },
      scopes: [...principal.scopes],
      agents,
      agentCount: usable.length,
      limits: { ...limits },
    },
  };
}
