/** What is around every page: who is signed in decides whether it is the frame or the sign-in page. */
import { useQuery } from '@tanstack/react-query';
import { Outlet } from '@tanstack/react-router';
import { sessionQuery } from '../api/session.ts';
import { Failure, Loading } from '../components/notices.tsx';
import { Frame } from './frame.tsx';
import { SignIn } from './sign-in.tsx';

export function Root() {
  const { data, error, refetch } = useQuery(sessionQuery);
  if (data?.principal) {
    return (
      // Another session, another frame: nothing that one has seen or typed is left for the next.
      <Frame key={data.session?.id ?? ''}>
        <Outlet />
      </Frame>
    );
  }
  return (
    <main className="h-full overflow-y-auto">
      {data !== undefined && <SignIn />}
      {data === undefined && error !== null && <Failure what="Parley" error={error} onRetry={() => void refetch()} />}
      {data === undefined && error === null && <Loading />}
    </main>
  );
}
