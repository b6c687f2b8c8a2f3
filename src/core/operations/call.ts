/** One call of an operation, whatever it came by. */

import type { ProtocolVersion } from '../../protocol/codec.ts';
import type { Principal } from '../access/principal.ts';
import type { Agent } from '../agents/registry.ts';

export interface Call {
  readonly principal: Principal;
  readonly agent: Agent;
  /** Of the request: what is sent later, on its behalf, is in this version too. */
  readonly version: ProtocolVersion;
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
