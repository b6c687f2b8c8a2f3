/** Tasks: lists, one task with its events, and what can be done to it. */
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import type { Glances, Queued } from '../../../src/http/admin/glance-contract.ts';
import type {
  CancelAnswer,
  ContinueTaskRequest,
  CreateTaskRequest,
  FramePage,
  RelatedTasks,
  SendAnswer,
  TaskDetail,
  TaskEventPage,
  TaskList,
  TaskListQuery,
} from '../../../src/http/admin/task-contract.ts';
import { createStore } from '../lib/store.ts';
import { every, query, request } from './client.ts';

export type { TaskDetail, TaskEvent, TaskRow } from '../../../src/http/admin/task-contract.ts';
export type Glance = Glances['glances'][number];
export type { Queued };
/** Conditions of a list, as the API takes them. */
export type TaskConditions = Omit<TaskListQuery, 'pageSize' | 'pageToken'>;

const PATH = '/api/v1/tasks';
/** Of the first page, which somebody waits for, and of those that are read ahead. */
const FIRST_PAGE_SIZE = 100;
const PAGE_SIZE = 200;
const EVENTS_PAGE_SIZE = 1000;
/** A blocking send waits for the agent; the server has its own limit. */
const BLOCKING_LIMIT_MS = 15 * 60_000;

const pathOf = (id: string) => `${PATH}/${encodeURIComponent(id)}`;

export function listTasks(conditions: TaskListQuery, signal?: AbortSignal): Promise<TaskList> {
  return request<TaskList>(`${PATH}${query(conditions)}`, signal === undefined ? {} : { signal });
}

export const taskListQuery = (conditions: TaskConditions) =>
  infiniteQueryOptions({
    queryKey: ['tasks', 'list', conditions],
    queryFn: ({ pageParam, signal }) =>
      listTasks(
        { ...conditions, pageSize: String(pageParam === '' ? FIRST_PAGE_SIZE : PAGE_SIZE), pageToken: pageParam },
        signal,
      ),
    initialPageParam: '',
    // To compare all that is held with each page that comes would take longer than to read it.
    structuralSharing: false,
    meta: { isLive: true },
    getNextPageParam: ({ nextPageToken }) => (nextPageToken === '' ? undefined : nextPageToken),
  });

export const taskQuery = (id: string) =>
  queryOptions({
    queryKey: ['tasks', 'one', id],
    queryFn: ({ signal }) => request<TaskDetail>(pathOf(id), { signal }),
  });

/** At most 100 ids. */
export async function readGlances(ids: readonly string[], signal?: AbortSignal): Promise<readonly Glance[]> {
  const options = signal === undefined ? {} : { signal };
  const { glances } = await request<Glances>(`/api/v1/task-glances${query({ ids: ids.join(',') })}`, options);
  return glances;
}

/** Since when a task waits in the queue, and behind what, as long as somebody looks; null: it does not. */
export const queuedQuery = (id: string) =>
  queryOptions({
    queryKey: ['tasks', 'queued', id],
    queryFn: async ({ signal }) => (await readGlances([id], signal))[0]?.queued ?? null,
    refetchInterval: every(2000),
  });

export function readEvents(id: string, after: number, signal: AbortSignal): Promise<TaskEventPage> {
  return request<TaskEventPage>(`${pathOf(id)}/events${query({ after, limit: EVENTS_PAGE_SIZE })}`, { signal });
}

export const relatedQuery = (id: string) =>
  queryOptions({
    queryKey: ['tasks', 'related', id],
    queryFn: ({ signal }) => request<RelatedTasks>(`${pathOf(id)}/related`, { signal }),
    // The others of its context are not followed.
    refetchInterval: every(5000),
  });

export interface FrameForm {
  readonly version: '1.0' | '0.3';
  readonly binding: 'JSONRPC' | 'HTTP+JSON';
}

/** `lastSeq` is in the key: frames of a task that goes on are read again. */
export const framesQuery = (id: string, form: FrameForm, lastSeq: number) =>
  infiniteQueryOptions({
    queryKey: ['tasks', 'frames', id, form, lastSeq],
    queryFn: ({ pageParam, signal }) =>
      request<FramePage>(`${pathOf(id)}/frames${query({ ...form, after: pageParam, limit: 200 })}`, { signal }),
    initialPageParam: 0,
    getNextPageParam: ({ nextAfter }) => nextAfter,
  });

/** Tasks that were sent from this tab. */
export const sentTaskIds = createStore<ReadonlySet<string>>(new Set());

export async function createTask(body: CreateTaskRequest): Promise<SendAnswer> {
  const answer = await request<SendAnswer>(PATH, { method: 'POST', body, timeLimitMs: BLOCKING_LIMIT_MS });
  if (answer.task !== null) sentTaskIds.set(new Set([...sentTaskIds.get(), answer.task.id]));
  return answer;
}

export function continueTask(id: string, body: ContinueTaskRequest): Promise<SendAnswer> {
  return request<SendAnswer>(`${pathOf(id)}/messages`, { method: 'POST', body, timeLimitMs: BLOCKING_LIMIT_MS });
}

export function cancelTask(id: string): Promise<CancelAnswer> {
  return request<CancelAnswer>(`${pathOf(id)}/cancel`, { method: 'POST', body: {} });
}
