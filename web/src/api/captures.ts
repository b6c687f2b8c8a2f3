/** Captures of wire frames, and the frames. */
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import type {
  Capture,
  CapturedFramePage,
  CaptureList,
  StartCaptureRequest,
} from '../../../src/http/admin/capture-contract.ts';
import { every, query, request } from './client.ts';

export type { Capture, CapturedFrame } from '../../../src/http/admin/capture-contract.ts';

const PATH = '/api/v1/captures';
const PAGE_SIZE = 200;
/** Frames that have come are looked for this often while something is captured. */
export const CAPTURING_MS = 3000;

const isRunning = ({ endedAt }: Capture) => endedAt === null;

export const capturesQuery = queryOptions({
  queryKey: ['captures'],
  queryFn: async ({ signal }) => (await request<CaptureList>(PATH, { signal })).captures,
  refetchInterval: (asked) => every(asked.state.data?.some(isRunning) === true ? CAPTURING_MS : 30_000)(asked),
});

/** The capture that has the calls of this agent now. */
export function captureOf(captures: readonly Capture[] | undefined, agentId: string): Capture | undefined {
  return captures?.find((capture) => isRunning(capture) && (capture.agentId ?? agentId) === agentId);
}

/** Of a task, or of a capture. */
export type FramesOf = { readonly taskId: string } | { readonly captureId: string };

export const capturedFramesQuery = (of: FramesOf, isCapturing: boolean) =>
  infiniteQueryOptions({
    queryKey: ['captures', 'frames', of],
    queryFn: ({ pageParam, signal }) => {
      const path =
        'taskId' in of
          ? `/api/v1/tasks/${encodeURIComponent(of.taskId)}/captured-frames`
          : `${PATH}/${encodeURIComponent(of.captureId)}/frames`;
      return request<CapturedFramePage>(`${path}${query({ after: pageParam, limit: PAGE_SIZE })}`, { signal });
    },
    initialPageParam: 0,
    getNextPageParam: ({ nextAfter }) => nextAfter,
    refetchInterval: isCapturing ? every(CAPTURING_MS) : false,
  });

export function startCapture(body: StartCaptureRequest): Promise<Capture> {
  return request<Capture>(PATH, { method: 'POST', body });
}

/** One that runs ends; one that is over is forgotten with its frames. */
export function endCapture(id: string): Promise<null> {
  return request<null>(`${PATH}/${encodeURIComponent(id)}`, { method: 'DELETE' });
}
