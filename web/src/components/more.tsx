/** The rest of a list that is read page by page. */
import { Button } from './button.tsx';
import { explain } from './notices.tsx';

interface Props {
  readonly list: {
    readonly hasNextPage: boolean;
    readonly isFetchingNextPage: boolean;
    readonly isFetchNextPageError: boolean;
    readonly error: Error | null;
    readonly fetchNextPage: () => unknown;
  };
  /** `frames`, `keys`. */
  readonly what: string;
}

export function More({ list, what }: Props) {
  const { hasNextPage, isFetchingNextPage, isFetchNextPageError, error, fetchNextPage } = list;
  if (!hasNextPage) return null;
  return (
    <div className="mt-3 flex flex-wrap items-center gap-3">
      <Button onClick={() => void fetchNextPage()} disabled={isFetchingNextPage}>
        {isFetchingNextPage ? `Reading more ${what}` : `More ${what}`}
      </Button>
      {isFetchNextPageError && (
        <p role="alert" className="text-failed">
          {explain(error, `Reading more ${what}`).detail}
        </p>
      )}
    </div>
  );
}
