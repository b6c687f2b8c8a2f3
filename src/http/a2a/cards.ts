/** Agent cards: public, cacheable, readable by clients of both versions (A2A 1.0 section 8). */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Agent, AgentRegistry } from '../../core/agents/registry.ts';
import { AppError } from '../../protocol/errors.ts';
import { combinedCard } from '../../protocol/v0_3/translate-card.ts';
import type { AgentCard, AgentInterface } from '../../protocol/v1/types.ts';
import { etagOf, namesTag } from '../etag.ts';

export interface CardOptions {
  readonly agents: AgentRegistry;
  /** Where clients reach this server, once it listens; never taken from a request. */
  readonly publicUrl: () => string;
  /** `host:port` of gRPC, once it listens; null where it is switched off. */
  readonly grpcAddress: () => string | null;
  /** `false` where authentication is switched off. */
  readonly isSecured: boolean;
  /** When what the cards say last changed. */
  readonly changedAt: Date;
}

/** Long enough to spare requests, short enough that a changed card is seen soon. */
const CACHE_CONTROL = 'public, max-age=60, must-revalidate';

interface ServedCard {
  readonly body: string;
  readonly etag: string;
}

/** Where an agent is reached, and how. */
export interface AgentPlace {
  /** Of JSON-RPC and REST. */
  readonly url: string;
  /** `host:port`; null: not by gRPC. */
  readonly grpcAddress: string | null;
  /** Whether it is the one that answers where a call names no agent. */
  readonly isDefault: boolean;
  /** `false` where authentication is switched off. */
  readonly isSecured: boolean;
}

/** What the server adds to an agent's description: addresses, transports, security. */
export function cardOf(agent: Agent, place: AgentPlace): AgentCard {
  const { isSecured } = place;
  return {
    ...agent.description,
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

export function registerCards(app: FastifyInstance, options: CardOptions): void {
  const { agents, publicUrl, grpcAddress, isSecured, changedAt } = options;
  const lastModified = changedAt.toUTCString();
  const served = new Map<string, ServedCard>();
  /** Made when first asked for: before that the port may not be known. */
  const cardAt = (agent: Agent | undefined, path: string): ServedCard | undefined => {
    if (agent === undefined) return undefined;
    let card = served.get(path);
    if (card === undefined) {
      const isDefault = agent.id === agents.defaultId;
      const place = { url: `${publicUrl()}${path}`, grpcAddress: grpcAddress(), isDefault, isSecured };
      const body = JSON.stringify(combinedCard(cardOf(agent, place)));
      card = { body, etag: etagOf(body) };
      served.set(path, card);
    }
    return card;
  };

  const send = (card: ServedCard | undefined, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    if (card === undefined) throw new AppError('NOT_FOUND', 'There is no such agent');
    reply.header('etag', card.etag).header('last-modified', lastModified).header('cache-control', CACHE_CONTROL);
    // Foreign pages were refused before (hosts.ts); one answer for all others, so that shared caches need not tell them apart.
    reply.header('access-control-allow-origin', '*');
    if (isFresh(request, card.etag, changedAt)) return reply.code(304).send();
    return reply.header('content-type', 'application/json').send(card.body);
  };

  const config = { isPublic: true } as const;
  for (const path of ['/.well-known/agent-card.json', '/a2a/.well-known/agent-card.json']) {
    app.get(path, { config }, (request, reply) => send(cardAt(agents.find(agents.defaultId), '/a2a'), request, reply));
  }
  app.get('/a2a/agents/:agentId/.well-known/agent-card.json', { config }, (request, reply) => {
    const { agentId } = request.params as { agentId: string };
    return send(cardAt(agents.find(agentId), `/a2a/agents/${agentId}`), request, reply);
  });
}

/** RFC 9110 section 13.2.2: the entity tag counts before the date. */
function isFresh(request: FastifyRequest, etag: string, changedAt: Date): boolean {
  const tags = request.headers['if-none-match'];
  if (tags !== undefined) return namesTag(tags, etag);
  const since = request.headers['if-modified-since'];
  if (since === undefined) return false;
  return Math.floor(changedAt.getTime() / 1000) <= Math.floor(Date.parse(since) / 1000);
}
