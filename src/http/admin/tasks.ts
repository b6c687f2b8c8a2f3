/** GET /api/v1/tasks and what is below it: lists across agents, whole tasks, their events, frames and relations. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { TaskBrowsing } from '../../core/tasks/browsing.ts';
import { decodePageToken, encodePageToken } from '../../core/tasks/page-token.ts';
import type { TaskHead } from '../../core/tasks/store.ts';
import { invalidParams } from '../../protocol/violations.ts';
import type {} from '../request.ts';
import { rebuiltFrames } from './frames.ts';
import {
  type FramePage,
  framesQuerySchema,
  listTasksQuerySchema,
  type RelatedTasks,
  type TaskDetail,
  type TaskList,
  taskEventsQuerySchema,
  taskIdParamsSchema,
} from './task-contract.ts';
import { eventJson, rowOf } from './task-json.ts';
import { validate } from './validate.ts';

const MAX_RELATED = 100;
export interface TaskRoutesDeps {
  readonly browsing: TaskBrowsing;
  readonly replicaId: string;
}

export const TASKS_PATH = '/api/v1/tasks';

export function registerTasks(app: FastifyInstance, { browsing, replicaId }: TaskRoutesDeps): void {
  app.get(TASKS_PATH, async (request): Promise<TaskList> => {
    const query = validate(listTasksQuerySchema, request.query);
    const { principal } = request;
    const filter = {
      states: query.state,
      agentIds: query.agent,
      contextId: query.context,
      ownerId: query.owner,
      statusFromMs: query.from === undefined ? undefined : Date.parse(query.from),
      statusBeforeMs: query.before === undefined ? undefined : Date.parse(query.before),
    };
    const counts = await browsing.counts(principal, filter);
    if (query.ids !== undefined) {
      refuseWithIds(request.query);
      const tasks = await browsing.byIds(principal, query.ids);
      return { tasks: tasks.map(rowOf), nextPageToken: '', counts, searched: null };
    }
    const after = decodePageToken(query.pageToken) ?? null;
    const { pageSize, text } = query;
    const page =
      text === undefined
        ? await browsing.list(principal, filter, after, pageSize)
        : await browsing.search(principal, filter, text, after, pageSize);
    const nextPageToken = page.next === null ? '' : encodePageToken(page.next);
    return { tasks: page.tasks.map(rowOf), nextPageToken, counts, searched: page.searched };
  });

  app.get(`${TASKS_PATH}/:id`, async (request, reply) => {
    const head = await browsing.find(request.principal, validate(taskIdParamsSchema, request.params).id);
    const { taskJson, row } = await browsing.whole(head);
    const diagnostics = JSON.stringify(diagnosticsOf(head, replicaId));
    return sendJson(reply, `{"task":${taskJson},"row":${JSON.stringify(rowOf(row))},"diagnostics":${diagnostics}}`);
  });

  app.get(`${TASKS_PATH}/:id/events`, async (request, reply) => {
    const { after, limit } = validate(taskEventsQuerySchema, request.query);
    const head = await browsing.find(request.principal, validate(taskIdParamsSchema, request.params).id);
    const { rows, isCut } = await browsing.events(head.id, after, limit);
    const events = rows.map(({ row, atMs }) => eventJson(row, atMs));
    const reached = rows.at(-1)?.row.seq ?? after;
    const lastSeq = Math.max(head.seq, reached);
    const nextAfter = isCut && reached < lastSeq ? reached : null;
    const rest = `"firstSeq":${head.firstSeq},"lastSeq":${lastSeq},"nextAfter":${JSON.stringify(nextAfter)}`;
    return sendJson(reply, `{"events":[${events.join(',')}],${rest}}`);
  });

  app.get(`${TASKS_PATH}/:id/related`, async (request): Promise<RelatedTasks> => {
    const { principal } = request;
    const head = await browsing.find(principal, validate(taskIdParamsSchema, request.params).id);
    const tasks = await browsing.related(principal, head, MAX_RELATED);
    return { contextId: head.contextId, tasks: tasks.map(rowOf) };
  });

  app.get(`${TASKS_PATH}/:id/frames`, async (request): Promise<FramePage> => {
    const { version, binding, after, limit } = validate(framesQuerySchema, request.query);
    const head = await browsing.find(request.principal, validate(taskIdParamsSchema, request.params).id);
    const { rows, isCut } = await browsing.events(head.id, after, limit);
    const reached = rows.at(-1)?.row.seq ?? after;
    const frames = rebuiltFrames(head, rows, version, binding);
    return { origin: 'rebuilt', version, binding, frames, nextAfter: isCut && reached < head.seq ? reached : null };
  });
}

export function sendJson(reply: FastifyReply, json: string): FastifyReply {
  return reply.header('content-type', 'application/json; charset=utf-8').send(json);
}

function diagnosticsOf(head: TaskHead, replicaId: string): TaskDetail['diagnostics'] {
  const { firstSeq, turnSeq, messageCount, sizeChars, leaseReplica, leaseEpoch, attempt } = head;
  const isLeaseHere = leaseReplica === replicaId;
  return { firstSeq, turnSeq, messageCount, sizeChars, leaseReplica, isLeaseHere, leaseEpoch, attempt };
}

/** Ids say it all: another condition beside them would be passed over in silence. */
function refuseWithIds(query: unknown): void {
  const others = Object.keys(query as object).filter((name) => name !== 'ids');
  if (others.length === 0) return;
  throw invalidParams(others.map((field) => ({ field, description: 'goes not together with ids' })));
}
