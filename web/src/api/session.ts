/** Who is signed in here. The key goes to the server once and is kept nowhere; what stays is a cookie no script can read. */
import { type QueryClient, queryOptions, useQuery } from '@tanstack/react-query';
import type { SessionList, SignInRequest, WhoAmI } from '../../../src/http/admin/session-contract.ts';
import { csrfToken, request } from './client.ts';

const PATH = '/api/v1/session';

async function keepToken(answer: Promise<WhoAmI>): Promise<WhoAmI> {
  const who = await answer;
  csrfToken.set(who.csrfToken);
  return who;
}

export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: ({ signal }) => keepToken(request<WhoAmI>(PATH, { signal })),
  staleTime: Number.POSITIVE_INFINITY,
});

/** Whom this browser is for the server; only below the frame, where somebody is. */
export function usePrincipal() {
  const { data } = useQuery(sessionQuery);
  return data?.principal ?? null;
}

export async function signIn(client: QueryClient, body: SignInRequest): Promise<void> {
  const who = await keepToken(request<WhoAmI>(PATH, { method: 'POST', body }));
  forget(client);
  client.setQueryData(sessionQuery.queryKey, who);
}

/** All that was loaded: the next person may see less. The session itself is being looked at, and stays. */
function forget(client: QueryClient): void {
  client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== sessionQuery.queryKey[0] });
}

export async function signOut(client: QueryClient): Promise<void> {
  await request<null>(PATH, { method: 'DELETE' });
  csrfToken.set(null);
  forget(client);
  await client.refetchQueries(sessionQuery);
}

export const sessionsQuery = (all: boolean) =>
  queryOptions({
    queryKey: ['sessions', all],
    queryFn: ({ signal }) => request<SessionList>(`/api/v1/sessions${all ? '?all=true' : ''}`, { signal }),
  });

export function revokeSession(id: string): Promise<null> {
  return request<null>(`/api/v1/sessions/${encodeURIComponent(id)}`, { method: 'DELETE' });
}
