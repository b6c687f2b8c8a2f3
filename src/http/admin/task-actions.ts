/** POST /api/v1/tasks and what is below it: giving an agent work, answering it, and canceling, as an agent's own address does. */
import type { FastifyInstance } from 'fastify';
import type { Ids } from '../../core/ids.ts';
import type { SendResult, TaskService } from '../../core/tasks/service.ts';
import type { Message } from '../../protocol/v1/types.ts';
import { HttpCall } from '../a2a/call.ts';
import type {} from '../request.ts';
import { callOnTask, knownAgent, type TaskCallDeps, VERSION } from './task-calls.ts';
import { continueTaskRequestSchema, createTaskRequestSchema } from './task-contract.ts';
import { sendJson, TASKS_PATH } from './tasks.ts';
import { validate } from './validate.ts';

export interface TaskActionDeps extends TaskCallDeps {
  readonly service: TaskService;
  readonly ids: Ids;
}

export function registerTaskActions(app: FastifyInstance, deps: TaskActionDeps): void {
  const { service, agents, ids } = deps;

  app.post(TASKS_PATH, async (request, reply) => {
    const { agentId, message, mode } = validate(createTaskRequestSchema, request.body);
    const call = new HttpCall(request, reply, knownAgent(agents, agentId), VERSION);
    const result = await service.send(call, {
      message: messageOf(message, ids),
      configuration: { returnImmediately: mode === 'immediate' },
    });
    return sendJson(reply.code(201), sendAnswer(result));
  });

  app.post(`${TASKS_PATH}/:id/messages`, async (request, reply) => {
    const { message, mode } = validate(continueTaskRequestSchema, request.body);
    const { head, call } = await callOnTask(deps, request, reply, 'answered');
    const result = await service.send(call, {
      message: { ...messageOf(message, ids), taskId: head.id },
      configuration: { returnImmediately: mode === 'immediate' },
    });
    return sendJson(reply, sendAnswer(result));
  });

  app.post(`${TASKS_PATH}/:id/cancel`, async (request, reply) => {
    const { head, call } = await callOnTask(deps, request, reply, 'canceled');
    return sendJson(reply, `{"task":${await service.cancel(call, { id: head.id })}}`);
  });
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
