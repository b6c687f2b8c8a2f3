/** /api/v1/live: one stream per tab, of the list of tasks and of the tasks that it follows. */
import type { FastifyInstance } from 'fastify';
import { authorize } from '../../core/access/authorize.ts';
import { invalidParams } from '../../protocol/violations.ts';
import type {} from '../request.ts';
import { followTasksRequestSchema, liveIdParamsSchema, liveQuerySchema } from './live-contract.ts';
import type { LiveStreams } from './live-streams.ts';
import { validate } from './validate.ts';

const PATH = '/api/v1/live';
const MAX_SEQ = 1_048_576;

export function registerLive(app: FastifyInstance, { streams }: { readonly streams: LiveStreams }): void {
  app.get(PATH, async (request, reply) => {
    authorize(request.principal, 'task.subscribe', { kind: 'server' });
    const { list, tasks } = validate(liveQuerySchema, request.query);
    const follows = parseFollows(tasks);
    const connection = streams.create(reply, list === 'true');
    for (const { id, after } of follows) connection.follow(id, after);
    return reply;
  });

  app.post(`${PATH}/:liveId/tasks`, async (request, reply) => {
    const { principal, session } = request;
    authorize(principal, 'task.subscribe', { kind: 'server' });
    const { liveId } = validate(liveIdParamsSchema, request.params);
    const { add, remove } = validate(followTasksRequestSchema, request.body);
    const connection = streams.find(liveId, principal, session?.id);
    for (const taskId of remove) connection.unfollow(taskId);
    for (const { id, after } of add) connection.follow(id, after);
    return reply.code(204).send();
  });
}

/** `id:after,id:after`. */
function parseFollows(text: string): { readonly id: string; readonly after: number }[] {
  if (text === '') return [];
  return text.split(',').map((item, index) => {
    const [, id, after] = /^([^:,]{1,64}):(\d{1,7})$/.exec(item) ?? [];
    if (id === undefined || Number(after) > MAX_SEQ) {
      throw invalidParams([
        { field: `tasks[${index}]`, description: 'must be the id of a task, a colon and a number' },
      ]);
    }
    return { id, after: Number(after) };
  });
}
