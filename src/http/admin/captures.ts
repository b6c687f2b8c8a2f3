/** /api/v1/captures: capturing what goes over the wire, and what was captured. */
import type { FastifyInstance } from 'fastify';
import type { CaptureRecord, StoredFrame } from '../../core/captures/capture-store.ts';
import type { Captures } from '../../core/captures/captures.ts';
import type {} from '../request.ts';
import {
  type Capture,
  type CapturedFrame,
  type CapturedFramePage,
  type CaptureList,
  captureFramesQuerySchema,
  captureIdParamsSchema,
  startCaptureRequestSchema,
} from './capture-contract.ts';
import { knownAgent, type TaskCallDeps } from './task-calls.ts';
import { taskIdParamsSchema } from './task-contract.ts';
import { toTime } from './task-json.ts';
import { TASKS_PATH } from './tasks.ts';
import { validate } from './validate.ts';

export interface CaptureRoutesDeps extends TaskCallDeps {
  readonly captures: Captures;
}

const PATH = '/api/v1/captures';

export function registerCaptures(app: FastifyInstance, { captures, browsing, agents }: CaptureRoutesDeps): void {
  app.post(PATH, async (request, reply): Promise<Capture> => {
    const asked = validate(startCaptureRequestSchema, request.body);
    const { agentId } = asked;
    if (agentId !== undefined) knownAgent(agents, agentId);
    const record = await captures.begin(request.principal, asked);
    void reply.code(201).header('location', `${PATH}/${record.id}`);
    return show(record);
  });

  app.get(PATH, async (request): Promise<CaptureList> => {
    return { captures: (await captures.list(request.principal)).map(show) };
  });

  app.get(`${PATH}/:id`, async (request): Promise<Capture> => {
    return show(await captures.find(request.principal, validate(captureIdParamsSchema, request.params).id));
  });

  app.delete(`${PATH}/:id`, async (request, reply) => {
    await captures.end(request.principal, validate(captureIdParamsSchema, request.params).id);
    return reply.code(204).send();
  });

  app.get(`${PATH}/:id/frames`, async (request): Promise<CapturedFramePage> => {
    const { after, limit } = validate(captureFramesQuerySchema, request.query);
    const { id } = validate(captureIdParamsSchema, request.params);
    return pageOf(await captures.framesOfCapture(request.principal, id, after, limit + 1), limit);
  });

  app.get(`${TASKS_PATH}/:id/captured-frames`, async (request): Promise<CapturedFramePage> => {
    const { after, limit } = validate(captureFramesQuerySchema, request.query);
    const head = await browsing.find(request.principal, validate(taskIdParamsSchema, request.params).id);
    return pageOf(await captures.framesOfTask(head, after, limit + 1), limit);
  });
}

/** @param frames one more than the page holds, if there are more. */
function pageOf(frames: readonly StoredFrame[], limit: number): CapturedFramePage {
  const page = frames.slice(0, limit);
  return { frames: page.map(showFrame), nextAfter: frames.length > limit ? (page.at(-1)?.num ?? null) : null };
}

function show({ starterKeyId: _starter, startedAtMs, endsAtMs, endedAtMs, ...same }: CaptureRecord): Capture {
  return {
    ...same,
    startedAt: toTime(startedAtMs),
    endsAt: toTime(endsAtMs),
    endedAt: endedAtMs === null ? null : toTime(endedAtMs),
  };
}

function showFrame({
  captureId: _capture,
  ownerId: _owner,
  n: _n,
  atMs,
  headers,
  ...same
}: StoredFrame): CapturedFrame {
  return { ...same, at: toTime(atMs), headers: headers.map(([name, value]) => [name, value]) };
}
