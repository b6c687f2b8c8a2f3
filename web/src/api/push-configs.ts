/** Who is told of the events of a task. */
import { infiniteQueryOptions } from '@tanstack/react-query';
import type {
  CreatePushConfigRequest,
  PushConfig,
  PushConfigList,
} from '../../../src/http/admin/push-config-contract.ts';
import { every, query, request } from './client.ts';

export type { CreatePushConfigRequest, PushConfig } from '../../../src/http/admin/push-config-contract.ts';

const pathOf = (taskId: string) => `/api/v1/tasks/${encodeURIComponent(taskId)}/push-configs`;

export const pushConfigsQuery = (taskId: string) =>
  infiniteQueryOptions({
    queryKey: ['push-configs', taskId],
    queryFn: ({ pageParam, signal }) =>
      request<PushConfigList>(`${pathOf(taskId)}${query({ pageToken: pageParam })}`, { signal }),
    initialPageParam: '',
    // They come from others too, and go with the end of the task, which nobody tells here.
    refetchInterval: every(5000),
    getNextPageParam: ({ nextPageToken }) => (nextPageToken === '' ? undefined : nextPageToken),
  });

export function createPushConfig(taskId: string, body: CreatePushConfigRequest): Promise<PushConfig> {
  return request<PushConfig>(pathOf(taskId), { method: 'POST', body });
}

export function deletePushConfig(taskId: string, id: string): Promise<null> {
  return request<null>(`${pathOf(taskId)}/${encodeURIComponent(id)}`, { method: 'DELETE' });
}
