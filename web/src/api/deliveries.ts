/** Push deliveries that wait or were given up. What was delivered is not kept. */
import { infiniteQueryOptions } from '@tanstack/react-query';
import type { Delivery, DeliveryList, Redelivered } from '../../../src/http/admin/delivery-contract.ts';
import { every, query, request } from './client.ts';

export type { Delivery } from '../../../src/http/admin/delivery-contract.ts';

const PATH = '/api/v1/push/deliveries';
const pathOf = (id: string) => `${PATH}/${encodeURIComponent(id)}`;

export interface DeliveryConditions {
  readonly state?: Delivery['state'];
  readonly taskId?: string;
}

export const deliveriesKey = ['deliveries'] as const;

export const deliveriesQuery = (conditions: DeliveryConditions) =>
  infiniteQueryOptions({
    queryKey: [...deliveriesKey, conditions],
    queryFn: ({ pageParam, signal }) =>
      request<DeliveryList>(`${PATH}${query({ ...conditions, pageSize: 100, pageToken: pageParam })}`, { signal }),
    initialPageParam: '',
    getNextPageParam: ({ nextPageToken }) => (nextPageToken === '' ? undefined : nextPageToken),
    refetchInterval: every(5000),
  });

export function redeliver(id: string): Promise<Delivery> {
  return request<Delivery>(`${pathOf(id)}/redeliver`, { method: 'POST', body: {} });
}

export function redeliverAll(): Promise<Redelivered> {
  return request<Redelivered>(`${PATH}/redeliver`, { method: 'POST', body: {} });
}

export function discardDelivery(id: string): Promise<null> {
  return request<null>(pathOf(id), { method: 'DELETE' });
}
