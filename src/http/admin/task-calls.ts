/** What a person does to a task through the management API, as a call of its owner: the log says who acts on another's. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Agent, AgentRegistry } from '../../core/agents/registry.ts';
import type { Call } from '../../core/operations/call.ts';
import type { TaskBrowsing } from '../../core/tasks/browsing.ts';
import type { TaskHead } from '../../core/tasks/store.ts';
import { AppError } from '../../protocol/errors.ts';
import { HttpCall } from '../a2a/call.ts';
import type {} from '../request.ts';
import { taskIdParamsSchema } from './task-contract.ts';
import { validate } from './validate.ts';

/** Tasks and messages of the management API are in this form. */
export const VERSION = '1.0';

export interface TaskCallDeps {
  readonly browsing: TaskBrowsing;
  readonly agents: AgentRegistry;
}

export function knownAgent(agents: AgentRegistry, agentId: string): Agent {
  const agent = agents.find(agentId);
  if (agent === undefined) throw new AppError('NOT_FOUND', `There is no agent ${agentId}`);
  return agent;
}

/** On the task that the address names, which the caller must be able to see. @param what for the log: `canceled`. */
export async function callOnTask(
  { browsing, agents }: TaskCallDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  what: string,
): Promise<{ readonly head: TaskHead; readonly call: Call }> {
  const { principal } = request;
  const head = await browsing.find(principal, validate(taskIdParamsSchema, request.params).id);
  const call = actingFor(head, new HttpCall(request, reply, knownAgent(agents, head.agentId), VERSION));
  if (head.ownerId !== principal.ownerId) {
    const { name, keyId } = principal;
    const about = { audit: `task-of-other-${what}`, by: name, keyId, taskId: head.id, ownerId: head.ownerId };
    request.log.info(about, 'acted on a task of another owner');
  }
  return { head, call };
}

function actingFor(head: TaskHead, call: HttpCall): Call {
  const { principal, agent, version, idempotencyKey, requestId, extensions, lastEventId } = call;
  return {
    principal: { ...principal, ownerId: head.ownerId },
    agent,
    version,
    idempotencyKey,
    requestId,
    extensions,
    lastEventId,
    get signal() {
      return call.signal;
    },
  };
}
