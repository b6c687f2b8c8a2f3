/** Says that the server cannot be reached; what is shown stays, and is brought up to date as soon as it can. */
import { useQueryClient } from '@tanstack/react-query';
import { CloudOff } from 'lucide-react';
import { useEffect } from 'react';
import { ApiError, isReachable } from '../api/client.ts';
import { sessionQuery } from '../api/session.ts';
import { explain } from '../components/notices.tsx';
import { toast } from '../components/toasts.tsx';
import { useStore } from '../lib/store.ts';

const TRY_MS = 3000;

export function OfflineBar() {
  const client = useQueryClient();
  const reachable = useStore(isReachable);
  useEffect(() => {
    if (reachable) return;
    // One that is under way is left to it: answers may take longer than that.
    const ask = () => void client.refetchQueries({ ...sessionQuery, exact: true }, { cancelRefetch: false });
    const timer = window.setInterval(ask, TRY_MS);
    return () => {
      window.clearInterval(timer);
      // What is followed is brought up to date by the live connection.
      void client.invalidateQueries({ predicate: ({ meta, state }) => !(meta?.['isLive'] === true && state.data) });
    };
  }, [reachable, client]);
  // A view that has something to show goes on showing it when it could not be read again: that is said here.
  useEffect(() => {
    const failing = new Set<string>();
    return client.getQueryCache().subscribe((event) => {
      const { queryHash, state } = event.query;
      if (event.type === 'removed') failing.delete(queryHash);
      if (event.type !== 'updated') return;
      if (event.action.type === 'success') failing.delete(queryHash);
      if (event.action.type !== 'error' || state.data === undefined) return;
      const error: unknown = event.action.error;
      if (!(error instanceof ApiError) || error.status === 0 || error.status === 401) return;
      // Once: it is asked for again every few seconds.
      if (failing.has(queryHash)) return;
      failing.add(queryHash);
      const { title, detail } = explain(error, 'Bringing this page up to date');
      toast({ title, detail, isBad: true });
    });
  }, [client]);
  if (reachable) return null;
  return (
    <div role="status" className="flex items-center gap-2 border-b border-line bg-sunk px-4 py-1.5 text-xs">
      <CloudOff className="size-3.5 text-failed" />
      The server does not answer. What you see is as of the last answer; it is asked again every few seconds.
    </div>
  );
}
