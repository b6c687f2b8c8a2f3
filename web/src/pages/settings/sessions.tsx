/** Who is signed in to the console, and where; each session can be ended from here. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { revokeSession, sessionsQuery } from '../../api/session.ts';
import { Button } from '../../components/button.tsx';
import { Confirm } from '../../components/dialog.tsx';
import { Empty, Failure, Loading } from '../../components/notices.tsx';
import { Age } from '../../components/time.tsx';
import { toast } from '../../components/toasts.tsx';
import { useAction } from '../../components/use-action.ts';

export function Sessions({ isAdmin }: { isAdmin: boolean }) {
  const client = useQueryClient();
  const { data, error, refetch } = useQuery(sessionsQuery(isAdmin));
  const [asked, setAsked] = useState<string | null>(null);
  const { act, isPending } = useAction({
    run: revokeSession,
    what: 'Ending the session',
    onDone: () => toast({ title: 'The session is ended' }),
    onSettled: (id) => {
      setAsked((now) => (now === id ? null : now));
      return client.invalidateQueries({ queryKey: ['sessions'] });
    },
  });
  if (data === undefined) {
    return error === null ? (
      <Loading />
    ) : (
      <Failure what="Reading the sessions" error={error} onRetry={() => void refetch()} />
    );
  }
  if (data.sessions.length === 0)
    return <Empty title="No sessions">Authentication is switched off: nobody signs in.</Empty>;
  return (
    <>
      <ul className="border-t border-line">
        {data.sessions.map(({ id, name, kind, createdAt, lastSeenAt, expiresAt, userAgent, isCurrent }) => (
          <li key={id} className="flex flex-wrap items-center gap-x-4 gap-y-1 border-b border-line py-2">
            <div className="min-w-0 flex-1 basis-64">
              <p className="font-medium">
                {name}
                <span className="font-normal text-quiet">
                  {' '}
                  {kind === 'admin' ? 'admin key' : 'API key'}
                  {isCurrent && ', this one'}
                </span>
              </p>
              <p className="truncate text-xs text-quiet" title={userAgent}>
                {userAgent}
              </p>
            </div>
            <p className="text-xs text-quiet">
              signed in <Age at={createdAt} />, seen <Age at={lastSeenAt} />, ends <Age at={expiresAt} />
            </p>
            {!isCurrent && <Button onClick={() => setAsked(id)}>End</Button>}
          </li>
        ))}
      </ul>
      {asked !== null && (
        <Confirm
          title="End this session?"
          consequence="The browser that holds it is signed out at once and has to sign in again."
          action="End the session"
          isBusy={isPending}
          onConfirm={() => act(asked)}
          onClose={() => setAsked(null)}
        />
      )}
    </>
  );
}
