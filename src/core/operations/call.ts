/** One call of an operation, whatever it came by. */
import type { Principal } from '../access/principal.ts';
import type { Agent } from '../agents/registry.ts';

export interface Call {
  readonly principal: Principal;
  readonly agent: Agent;
  readonly idempotencyKey: string | undefined;
  /** For the log. */
  readonly requestId?: string | undefined;
  /** URIs of the extensions that the client activates. */
  readonly extensions: readonly string[];
  /** The last event that the client has, where it resumes a stream. */
  readonly lastEventId: number | undefined;
  /** Aborted when the client has left. Only waiting ends then; tasks go on. */
  readonly signal: AbortSignal;
}
