/** From an HTTP request to a call of an operation: agent, version, extensions, idempotency key, resume position. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '../../core/access/principal.ts';
import { activatedExtensions } from '../../core/agents/capabilities.ts';
import type { Agent, AgentRegistry } from '../../core/agents/registry.ts';
import type { Call } from '../../core/operations/call.ts';
import { extensionsOf, idempotencyKeyOf, lastEventIdOf } from '../../core/operations/service-parameters.ts';
import type { ProtocolVersion } from '../../protocol/codec.ts';
import { AppError } from '../../protocol/errors.ts';
import { negotiateVersion } from '../../protocol/version.ts';

/** Header, then query parameter of the same name, else 0.3 (A2A 1.0 section 3.6). */
export function versionOf(request: FastifyRequest): ProtocolVersion {
  return negotiateVersion(headerOf(request, 'a2a-version'), queryOf(request, 'A2A-Version'));
}

/** The agent that the address names; without a name the default one. Throws NOT_FOUND. */
export function agentOf(request: FastifyRequest, agents: AgentRegistry): Agent {
  const { agentId } = request.params as { agentId?: string };
  const agent = agents.find(agentId ?? agents.defaultId);
  if (agent === undefined) throw new AppError('NOT_FOUND', `There is no agent ${agentId ?? agents.defaultId}`);
  return agent;
}

/** A call whose `signal` is only made, and the connection only watched, when somebody asks for it. */
export class HttpCall implements Call {
  readonly principal: Principal;
  readonly agent: Agent;
  readonly version: ProtocolVersion;
  readonly idempotencyKey: string | undefined;
  readonly requestId: string;
  readonly extensions: readonly string[];
  readonly lastEventId: number | undefined;
  readonly #reply: FastifyReply;
  #signal: AbortSignal | null = null;

  constructor(request: FastifyRequest, reply: FastifyReply, agent: Agent, version: ProtocolVersion) {
    this.#reply = reply;
    this.version = version;
    this.principal = request.principal;
    this.agent = agent;
    this.requestId = request.id;
    this.idempotencyKey = idempotencyKeyOf(headerOf(request, 'idempotency-key'));
    // The second name is that of 0.3 clients.
    this.extensions = extensionsOf(headerOf(request, 'a2a-extensions') ?? headerOf(request, 'x-a2a-extensions'));
    tellActivated(reply, agent, this.extensions);
    // In the query for clients that cannot set headers.
    this.lastEventId = lastEventIdOf(headerOf(request, 'last-event-id') ?? queryOf(request, 'lastEventId'));
  }

  get signal(): AbortSignal {
    if (this.#signal === null) {
      const controller = new AbortController();
      // Of the response, not of the connection: that one lives on through many calls, and would keep them all.
      const { raw } = this.#reply;
      if (raw.closed || raw.destroyed || raw.socket?.destroyed === true) controller.abort();
      else raw.once('close', () => controller.abort());
      this.#signal = controller.signal;
    }
    return this.#signal;
  }
}

function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(',') : value;
}

function queryOf(request: FastifyRequest, name: string): string | undefined {
  const value = (request.query as Record<string, string | string[] | undefined>)[name];
  return Array.isArray(value) ? value[0] : value;
}

/** The answer names the extensions that the agent has activated, under both names: 0.3 has another one. */
function tellActivated(reply: FastifyReply, agent: Agent, requested: readonly string[]): void {
  const activated = activatedExtensions(agent, requested);
  if (activated.length === 0) return;
  const names = activated.join(', ');
  reply.header('a2a-extensions', names).header('x-a2a-extensions', names);
}

/** What is made for one caller is kept by that caller alone, and not longer than a public card. */
export function keepPrivate(reply: FastifyReply): void {
  const before = reply.getHeader('vary');
  const vary = ['Authorization', 'X-Api-Key', 'A2A-Version', ...(typeof before === 'string' ? [before] : [])];
  reply.header('cache-control', 'private, max-age=60, must-revalidate').header('vary', vary.join(', '));
}
