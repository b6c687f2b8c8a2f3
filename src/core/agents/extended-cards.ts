/** GetExtendedAgentCard (A2A 1.0 section 3.1.11). */
import { AppError } from '../../protocol/errors.ts';
import type { AgentCard } from '../../protocol/v1/types.ts';
import { admit } from '../operations/admit.ts';
import type { Call } from '../operations/call.ts';

/** No agent declares an extended card yet. */
export class ExtendedCards {
  async get(call: Call): Promise<AgentCard> {
    admit(call, 'card.extended');
    throw new AppError('UNSUPPORTED_OPERATION', 'This agent has no extended card; its public card says all');
  }
}
