/** Overview, agents, keys, settings and health. */
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';
import type { AgentDetail, AgentList } from '../../../src/http/admin/agent-contract.ts';
import type { CreateKeyRequest, IssuedKey, Key, KeyList } from '../../../src/http/admin/contract.ts';
import type { Overview, OverviewWindow } from '../../../src/http/admin/overview-contract.ts';
import type { ServerHealth, Settings } from '../../../src/http/admin/server-contract.ts';
import { every, query, request } from './client.ts';

export type { AgentDetail, AgentRow, CardCheck } from '../../../src/http/admin/agent-contract.ts';
export type { CreateKeyRequest, IssuedKey, Key } from '../../../src/http/admin/contract.ts';
export type { Overview, OverviewSeries, OverviewWindow } from '../../../src/http/admin/overview-contract.ts';
export type { Replica, ServerHealth } from '../../../src/http/admin/server-contract.ts';

const KEYS = '/api/v1/keys';
const keyPath = (id: string) => `${KEYS}/${encodeURIComponent(id)}`;

export const overviewQuery = (window: OverviewWindow) =>
  queryOptions({
    queryKey: ['overview', window],
    queryFn: ({ signal }) => request<Overview>(`/api/v1/overview${query({ window })}`, { signal }),
    refetchInterval: every(10_000),
    placeholderData: keepPreviousData,
  });

export const agentsQuery = queryOptions({
  queryKey: ['agents'],
  queryFn: ({ signal }) => request<AgentList>('/api/v1/agents', { signal }),
});

export const agentQuery = (id: string) =>
  queryOptions({
    queryKey: ['agents', id],
    queryFn: ({ signal }) => request<AgentDetail>(`/api/v1/agents/${encodeURIComponent(id)}`, { signal }),
  });

export const keysQuery = infiniteQueryOptions({
  queryKey: ['keys'],
  queryFn: ({ pageParam, signal }) =>
    request<KeyList>(`${KEYS}${query({ pageSize: 100, pageToken: pageParam })}`, { signal }),
  initialPageParam: '',
  // They expire, and are used.
  refetchInterval: every(10_000),
  getNextPageParam: ({ nextPageToken }) => (nextPageToken === '' ? undefined : nextPageToken),
});

export function createKey(body: CreateKeyRequest): Promise<IssuedKey> {
  return request<IssuedKey>(KEYS, { method: 'POST', body });
}

export function changeKey(id: string, body: { readonly disabled: boolean }): Promise<Key> {
  return request<Key>(keyPath(id), { method: 'PATCH', body });
}

export function rotateKey(id: string, graceSeconds: number): Promise<IssuedKey> {
  return request<IssuedKey>(`${keyPath(id)}/rotate`, { method: 'POST', body: { graceSeconds } });
}

export function revokeKey(id: string): Promise<null> {
  return request<null>(keyPath(id), { method: 'DELETE' });
}

export const settingsQuery = queryOptions({
  queryKey: ['settings'],
  queryFn: ({ signal }) => request<Settings>('/api/v1/settings', { signal }),
});

export const healthQuery = queryOptions({
  queryKey: ['health'],
  queryFn: ({ signal }) => request<ServerHealth>('/api/v1/health', { signal }),
  refetchInterval: every(10_000),
});
