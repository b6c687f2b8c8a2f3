/** The one decision point: every operation passes it before any look-up that could give something away. */
import { AppError } from '../../protocol/errors.ts';
import type { Principal, Scope } from './principal.ts';

/** What can be done, and the scope that it needs. */
export const ACTIONS = {
  'task.send': 'tasks:write',
  'task.cancel': 'tasks:write',
  'task.get': 'tasks:read',
  'task.list': 'tasks:read',
  'task.subscribe': 'tasks:read',
  'push.write': 'tasks:write',
  'push.read': 'tasks:read',
  'delivery.write': 'tasks:write',
  'delivery.read': 'tasks:read',
  'capture.write': 'tasks:write',
  'capture.read': 'tasks:read',
  'card.extended': 'tasks:read',
  'key.read': 'admin',
  'key.write': 'admin',
  'session.read': 'admin',
  'settings.read': 'admin',
  'health.read': 'admin',
  'encryption.read': 'admin',
  'encryption.write': 'admin',
  'signing-key.read': 'admin',
  'signing-key.write': 'admin',
} as const satisfies Record<string, Scope>;
export type Action = keyof typeof ACTIONS;

/** What it is done to. Tasks need no owner here: every look-up of a task is scoped to its owner. */
export type Resource = { readonly kind: 'agent'; readonly agentId: string } | { readonly kind: 'server' };

/**
 * Throws PERMISSION_DENIED, naming the missing scope or agent. It says nothing of tasks: another owner's task is not
 * found, which is decided by the look-up, not here.
 */
export function authorize(principal: Principal, action: Action, resource: Resource): void {
  const scope = ACTIONS[action];
  if (!principal.scopes.has(scope) && !principal.scopes.has('admin')) {
    throw new AppError('PERMISSION_DENIED', `This key has no scope ${scope}, which ${action} needs`, {
      metadata: { scope, action },
    });
  }
  if (resource.kind === 'agent' && principal.agents !== null && !principal.agents.has(resource.agentId)) {
    throw new AppError('PERMISSION_DENIED', `This key may not use the agent ${resource.agentId}`, {
      metadata: { agentId: resource.agentId, action },
    });
  }
}
