/** From the metadata of a call to a call of an operation: version, agent, extensions, idempotency key, resume position. */
import type { Principal } from '../core/access/principal.ts';
import { activatedExtensions } from '../core/agents/capabilities.ts';
import type { Agent, AgentRegistry } from '../core/agents/registry.ts';
import type { Call } from '../core/operations/call.ts';
import { extensionsOf, idempotencyKeyOf, lastEventIdOf } from '../core/operations/service-parameters.ts';
import type { OperationCall, ProtocolVersion } from '../protocol/codec.ts';
import { AppError } from '../protocol/errors.ts';
import type { GrpcService } from '../protocol/grpc.ts';
import { negotiateVersion } from '../protocol/version.ts';
import { invalidParams } from '../protocol/violations.ts';
import type { Exchange } from './exchange.ts';

/** The service decides on the version; metadata that asks for another one is VERSION_NOT_SUPPORTED. */
export function checkVersion(exchange: Exchange, { name, codec }: GrpcService): void {
  const asked = exchange.text('a2a-version')?.trim();
  if (asked === undefined || asked === '' || negotiateVersion(asked, undefined) === codec.version) return;
  throw new AppError(
    'VERSION_NOT_SUPPORTED',
    `The service ${name} speaks A2A ${codec.version}, and the metadata a2a-version asks for ${asked}`,
    { metadata: { supportedVersions: codec.version } },
  );
}

/** The agent that `x-parley-agent` names, or the request's `tenant`; without either the default one. Throws NOT_FOUND. */
export function agentOf(exchange: Exchange, { request }: OperationCall, agents: AgentRegistry): Agent {
  const named = exchange.text('x-parley-agent');
  const tenant = 'tenant' in request ? request.tenant : undefined;
  if (named !== undefined && tenant !== undefined && named !== tenant) {
    throw invalidParams([{ field: 'tenant', description: 'differs from the agent in the metadata x-parley-agent' }]);
  }
  const agentId = named ?? tenant ?? agents.defaultId;
  const agent = agents.find(agentId);
  if (agent === undefined) throw new AppError('NOT_FOUND', `There is no agent ${agentId}`);
  return agent;
}

export class GrpcCall implements Call {
  readonly principal: Principal;
  readonly agent: Agent;
  readonly version: ProtocolVersion;
  readonly idempotencyKey: string | undefined;
  readonly requestId: string;
  readonly extensions: readonly string[];
  readonly lastEventId: number | undefined;
  readonly #exchange: Exchange;

  constructor(exchange: Exchange, agent: Agent, version: ProtocolVersion) {
    this.#exchange = exchange;
    this.principal = exchange.principal;
    this.agent = agent;
    this.version = version;
    this.requestId = exchange.requestId;
    this.idempotencyKey = idempotencyKeyOf(exchange.text('idempotency-key'));
    this.extensions = extensionsOf(exchange.text('a2a-extensions') ?? exchange.text('x-a2a-extensions'));
    const activated = activatedExtensions(agent, this.extensions).join(', ');
    if (activated !== '') {
      // The second name is that of 0.3 clients.
      exchange.header('a2a-extensions', activated);
      exchange.header('x-a2a-extensions', activated);
    }
    this.lastEventId = lastEventIdOf(exchange.text('last-event-id'));
  }

  get signal(): AbortSignal {
    return this.#exchange.signal;
  }
}
