/** Who is signed in here. The key goes to the server once and is kept nowhere; what stays is a cookie no script can read. */
import { notifyManager, type QueryClient, queryOptions, useQuery } from '@tanstack/react-query';
import type { SessionList, SignInRequest, WhoAmI } from '../../../src/http/admin/session-contract.ts';
import { csrfToken, every, request } from './client.ts';

const PATH = '/api/v1/session';

/** Tabs of one browser share the session: what one of them does to it the others are told. */
const tabs = new BroadcastChannel('parley.session');

export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: async ({ client, signal }) => take(client, await request<WhoAmI>(PATH, { signal })),
  staleTime: Number.POSITIVE_INFINITY,
});

/** All that was loaded for another is forgotten. */
function take(client: QueryClient, who: WhoAmI): WhoAmI {
  csrfToken.set(who.csrfToken);
  const before = client.getQueryData<WhoAmI>(['session']);
  if (before !== undefined && before.session?.id !== who.session?.id) forget(client);
  return who;
}

export function listenForSessions(client: QueryClient): void {
  tabs.addEventListener('message', () => void client.refetchQueries(sessionQuery));
}

/** Whom this browser is for the server; only below the frame, where somebody is. */
export function usePrincipal() {
  const { data } = useQuery(sessionQuery);
  return data?.principal ?? null;
}

/** Whether who is signed in may send, cancel and the like: what they may not do is not offered. */
export function useMayWrite(): boolean {
  const principal = usePrincipal();
  return principal !== null && (principal.isAdmin || principal.scopes.includes('tasks:write'));
}

export async function signIn(client: QueryClient, body: SignInRequest): Promise<void> {
  const who = await request<WhoAmI>(PATH, { method: 'POST', body });
  client.setQueryData(sessionQuery.queryKey, take(client, who));
  tabs.postMessage('signed-in');
}

/** All that was loaded: the next person may see less. The session itself is being looked at, and stays. */
function forget(client: QueryClient): void {
  client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== sessionQuery.queryKey[0] });
}

export async function signOut(client: QueryClient): Promise<void> {
  await request<null>(PATH, { method: 'DELETE' });
  tabs.postMessage('signed-out');
  await client.refetchQueries(sessionQuery);
  // Not before views are told: until then one that is opened would ask for what it is refused.
  await new Promise<void>((resolve) => notifyManager.schedule(resolve));
}

export const sessionsQuery = (all: boolean) =>
  queryOptions({
    queryKey: ['sessions', all],
    queryFn: ({ signal }) => request<SessionList>(`/api/v1/sessions${all ? '?all=true' : ''}`, { signal }),
    refetchInterval: every(10_000),
  });

export function revokeSession(id: string): Promise<null> {
  return request<null>(`/api/v1/sessions/${encodeURIComponent(id)}`, { method: 'DELETE' });
}
