/** What was read from the server, kept for the views. */
import { QueryClient } from '@tanstack/react-query';
import { isPassing, signedOut } from './client.ts';
import { listenForSessions, sessionQuery } from './session.ts';

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      // What the server has refused, it would refuse again.
      retry: (count, error) => count < 2 && isPassing(error),
      retryDelay: (count) => 400 * 2 ** count,
      refetchOnWindowFocus: true,
      networkMode: 'always',
    },
    mutations: { networkMode: 'always' },
  },
});

signedOut.notify = () => {
  // Only where somebody was: the sign-in page itself gets 401 for a wrong key.
  if (queryClient.getQueryData(sessionQuery.queryKey)?.principal) void queryClient.refetchQueries(sessionQuery);
};
listenForSessions(queryClient);
