/** POST /api/v1/tasks and what is below it: giving an agent work, answering it, and canceling, as an agent's own address does. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Agent, AgentRegistry } from '../../core/agents/registry.ts';
import type { Ids } from '../../core/ids.ts';
import type { Call } from '../../core/operations/call.ts';
import type { TaskBrowsing } from '../../core/tasks/browsing.ts';
import type { SendResult, TaskService } from '../../core/tasks/service.ts';
import type { TaskHead } from '../../core/tasks/store.ts';
import { AppError } from '../../protocol/errors.ts';
import type { Message } from '../../protocol/v1/types.ts';
import { HttpCall } from '../a2a/call.ts';
import type {} from '../request.ts';
import { continueTaskRequestSchema, createTaskRequestSchema, taskIdParamsSchema } from './task-contract.ts';
import { sendJson, TASKS_PATH } from './tasks.ts';
import { validate } from './validate.ts';

export interface TaskActionDeps {
  readonly browsing: TaskBrowsing;
  readonly service: TaskService;
  readonly agents: AgentRegistry;
  readonly ids: Ids;
}

/** Tasks and messages of the management API are in this form. */
const VERSION = '1.0';

export function registerTaskActions(app: FastifyInstance, deps: TaskActionDeps): void {
  const { browsing, service, agents, ids } = deps;

  const agentOf = (agentId: string): Agent => {
    const agent = agents.find(agentId);
    if (agent === undefined) throw new AppError('NOT_FOUND', `There is no agent ${agentId}`);
    return agent;
  };
  /** Of a task that the caller may see; who acts on another's task acts for its owner, and the log says so. */
  const callOn = async (request: FastifyRequest, reply: FastifyReply, what: string) => {
    const { principal } = request;
    const head = await browsing.find(principal, validate(taskIdParamsSchema, request.params).id);
    const call = actingFor(head, new HttpCall(request, reply, agentOf(head.agentId), VERSION));
    if (head.ownerId !== principal.ownerId) {
      const { name, keyId } = principal;
      const about = { audit: `task-of-other-${what}`, by: name, keyId, taskId: head.id, ownerId: head.ownerId };
      request.log.info(about, 'acted on a task of another owner');
    }
    return { head, call };
  };

  app.post(TASKS_PATH, async (request, reply) => {
    const { agentId, message, mode } = validate(createTaskRequestSchema, request.body);
    const call = new HttpCall(request, reply, agentOf(agentId), VERSION);
    const result = await service.send(call, {
      message: messageOf(message, ids),
      configuration: { returnImmediately: mode === 'immediate' },
    });
    return sendJson(reply.code(201), sendAnswer(result));
  });

  app.post(`${TASKS_PATH}/:id/messages`, async (request, reply) => {
    const { message, mode } = validate(continueTaskRequestSchema, request.body);
    const { head, call } = await callOn(request, reply, 'answered');
    const result = await service.send(call, {
      message: { ...messageOf(message, ids), taskId: head.id },
      configuration: { returnImmediately: mode === 'immediate' },
    });
    return sendJson(reply, sendAnswer(result));
  });

  app.post(`${TASKS_PATH}/:id/cancel`, async (request, reply) => {
    const { head, call } = await callOn(request, reply, 'canceled');
    return sendJson(reply, `{"task":${await service.cancel(call, { id: head.id })}}`);
  });
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

interface SentMessage {
  readonly messageId?: string | undefined;
  readonly contextId?: string | undefined;
  readonly parts: Message['parts'];
}

function messageOf({ messageId, contextId, parts }: SentMessage, ids: Ids): Message {
  return {
    messageId: messageId ?? ids.next(),
    ...(contextId === undefined ? {} : { contextId }),
    role: 'ROLE_USER',
    parts,
  };
}

function sendAnswer(result: SendResult): string {
  return 'task' in result ? `{"task":${result.task},"message":null}` : `{"task":null,"message":${result.message}}`;
}
