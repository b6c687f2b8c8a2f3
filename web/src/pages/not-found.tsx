/** An address of the console that leads nowhere. */
import { Link, useLocation } from '@tanstack/react-router';

export function NotFoundPage() {
  const { pathname } = useLocation();
  return (
    <div className="mx-auto grid max-w-2xl gap-2 px-4 py-16">
      <h1 className="text-lg font-semibold">There is no such page</h1>
      <p className="text-quiet">
        <code className="font-mono break-all text-ink">/ui{pathname}</code> is no address of the console.
      </p>
      <p>
        <Link to="/" className="text-accent underline underline-offset-3">
          To the overview
        </Link>
      </p>
    </div>
  );
}
