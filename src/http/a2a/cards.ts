/** Agent cards: public, cacheable, readable by clients of both versions (A2A 1.0 section 8). */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Agent, AgentRegistry } from '../../core/agents/registry.ts';
import { AppError } from '../../protocol/errors.ts';
import type { AgentCard, AgentInterface } from '../../protocol/v1/types.ts';
import { namesTag } from '../etag.ts';
import type { ServedCards } from './served-cards.ts';

export interface CardOptions {
  readonly agents: AgentRegistry;
  readonly cards: ServedCards;
}

/** Long enough to spare requests, short enough that a changed card is seen soon. */
const CACHE_CONTROL = 'public, max-age=60, must-revalidate';

export interface CardFacts {
  /** `false` where authentication is switched off. */
  readonly isSecured: boolean;
  /** Whether callers get an extended card. */
  readonly hasExtended: boolean;
}

/** Where an agent is reached, and how. */
export interface AgentPlace {
  /** Of JSON-RPC and REST. */
  readonly url: string;
  /** `host:port`; null: not by gRPC. */
  readonly grpcAddress: string | null;
  /** Whether it is the one that answers where a call names no agent. */
  readonly isDefault: boolean;
}

/** What the server adds to an agent's description: addresses, transports, security, and the extended card. */
export function cardOf(agent: Agent, place: AgentPlace, { isSecured, hasExtended }: CardFacts): AgentCard {
  return {
    ...agent.description,
    ...(hasExtended ? { capabilities: { ...agent.description.capabilities, extendedAgentCard: true } } : {}),
    supportedInterfaces: interfacesOf(agent, place),
    ...(isSecured
      ? {
          securitySchemes: {
            bearer: { httpAuthSecurityScheme: { scheme: 'Bearer', description: 'An API key of this server' } },
            apiKey: { apiKeySecurityScheme: { location: 'header', name: 'x-api-key' } },
          },
          securityRequirements: [{ schemes: { bearer: { list: [] } } }, { schemes: { apiKey: { list: [] } } }],
        }
      : {}),
  };
}

function interfacesOf({ id }: Agent, { url, grpcAddress, isDefault }: AgentPlace): AgentInterface[] {
  const at = (protocolBinding: string, protocolVersion: string): AgentInterface => ({
    url,
    protocolBinding,
    protocolVersion,
  });
  const json = [at('JSONRPC', '1.0'), at('HTTP+JSON', '1.0'), at('JSONRPC', '0.3'), at('HTTP+JSON', '0.3')];
  if (grpcAddress === null) return json;
  const grpc = { url: grpcAddress, protocolBinding: 'GRPC' };
  // All agents share one port. A call of 1.0 names its agent as the tenant; one of 0.3 has no place for a name that a
  // card could ask for.
  const named = isDefault ? {} : { tenant: id };
  return [
    ...json,
    { ...grpc, ...named, protocolVersion: '1.0' },
    ...(isDefault ? [{ ...grpc, protocolVersion: '0.3' }] : []),
  ];
}

export function registerCards(app: FastifyInstance, { agents, cards }: CardOptions): void {
  const send = async (path: string, agent: Agent | undefined, request: FastifyRequest, reply: FastifyReply) => {
    if (agent === undefined) throw new AppError('NOT_FOUND', 'There is no such agent');
    const { body, etag, changedAtMs } = await cards.at(agent, path);
    reply.header('etag', etag).header('last-modified', new Date(changedAtMs).toUTCString());
    reply.header('cache-control', CACHE_CONTROL);
    // Foreign pages were refused before (hosts.ts); one answer for all others, so that shared caches need not tell them apart.
    reply.header('access-control-allow-origin', '*');
    if (isFresh(request, etag, changedAtMs)) return reply.code(304).send();
    return reply.header('content-type', 'application/json').send(body);
  };

  const config = { isPublic: true } as const;
  for (const path of ['/.well-known/agent-card.json', '/a2a/.well-known/agent-card.json']) {
    app.get(path, { config }, (request, reply) => send('/a2a', agents.find(agents.defaultId), request, reply));
  }
  app.get('/a2a/agents/:agentId/.well-known/agent-card.json', { config }, (request, reply) => {
    const { agentId } = request.params as { agentId: string };
    return send(`/a2a/agents/${agentId}`, agents.find(agentId), request, reply);
  });
}

/** RFC 9110 section 13.2.2: the entity tag counts before the date. */
function isFresh(request: FastifyRequest, etag: string, changedAtMs: number): boolean {
  const tags = request.headers['if-none-match'];
  if (tags !== undefined) return namesTag(tags, etag);
  const since = request.headers['if-modified-since'];
  if (since === undefined) return false;
  return Math.floor(changedAtMs / 1000) <= Math.floor(Date.parse(since) / 1000);
}
