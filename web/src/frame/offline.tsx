/** Says that the server cannot be reached; what is shown stays, and is brought up to date as soon as it can. */
import { useQueryClient } from '@tanstack/react-query';
import { CloudOff } from 'lucide-react';
import { useEffect } from 'react';
import { isReachable } from '../api/client.ts';
import { useStore } from '../lib/store.ts';

const TRY_MS = 3000;

export function OfflineBar() {
  const client = useQueryClient();
  const reachable = useStore(isReachable);
  useEffect(() => {
    if (reachable) return;
    const timer = window.setInterval(() => void client.refetchQueries({ type: 'active' }), TRY_MS);
    return () => {
      window.clearInterval(timer);
      void client.invalidateQueries();
    };
  }, [reachable, client]);
  if (reachable) return null;
  return (
    <div role="status" className="flex items-center gap-2 border-b border-line bg-sunk px-4 py-1.5 text-xs">
      <CloudOff className="size-3.5 text-failed" />
      The server does not answer. What you see is as of the last answer; it is asked again every few seconds.
    </div>
  );
}
