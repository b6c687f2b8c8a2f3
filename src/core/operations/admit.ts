/** What every operation passes first: the decision point, then what the agent's card demands. */
import { type Action, authorize } from '../access/authorize.ts';
import { checkExtensions } from '../agents/capabilities.ts';
import type { TaskScope } from '../tasks/store.ts';
import type { Call } from './call.ts';

/** Whose tasks the caller reaches. Throws PERMISSION_DENIED or EXTENSION_SUPPORT_REQUIRED. */
export function admit(call: Call, action: Action): TaskScope {
  authorize(call.principal, action, { kind: 'agent', agentId: call.agent.id });
  checkExtensions(call.agent, call.extensions);
  return scopeOf(call);
}

export function scopeOf(call: Call): TaskScope {
  return { ownerId: call.principal.ownerId, agentId: call.agent.id };
}
