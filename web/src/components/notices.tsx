/** What a view says when it has nothing to show: it is loading, it is empty, it failed. */
import { RotateCw, TriangleAlert } from 'lucide-react';
import { type ReactNode, useEffect, useState } from 'react';
import { ApiError } from '../api/client.ts';
import { Button } from './button.tsx';
import { CopyButton } from './copy.tsx';

/** Nothing for the first 300 ms: what is there by then needs no placeholder. */
export function Loading({ rows = 6, label = 'Loading' }: { rows?: number; label?: string }) {
  const [isLate, setLate] = useState(false);
  useEffect(() => {
    const timer = window.setTimeout(() => setLate(true), 300);
    return () => window.clearTimeout(timer);
  }, []);
  return (
    <div role="status" aria-label={label} className="grid gap-px p-3">
      {isLate &&
        Array.from({ length: rows }, (_, row) => (
          <div
            // Rows without any content
            key={row}
            className="my-2 h-3 animate-breathe rounded-sm bg-line"
            style={{ width: `${88 - ((row * 37) % 45)}%` }}
          />
        ))}
    </div>
  );
}

/** An empty view teaches: what would fill it, as a command that can be copied. */
export function Empty({ title, children, command }: { title: string; children?: ReactNode; command?: string }) {
  return (
    <div className="mx-auto grid max-w-2xl gap-2 px-4 py-12">
      <h2 className="text-base font-semibold">{title}</h2>
      {children !== undefined && <div className="text-quiet">{children}</div>}
      {command !== undefined && <Command text={command} />}
    </div>
  );
}

export function Command({ text }: { text: string }) {
  return (
    <div className="relative mt-1 min-w-0 rounded-md border border-line bg-sunk">
      {/* What scrolls must be reachable by the keyboard */}
      <pre tabIndex={0} className="overflow-x-auto p-3 pr-10 font-mono text-xs">
        {text}
      </pre>
      <CopyButton text={text} label="command" className="absolute top-2 right-2 bg-sunk" />
    </div>
  );
}

/** What happened, what it means, what to do, and the request id to copy. */
export function Failure({ error, what, onRetry }: { error: unknown; what: string; onRetry?: () => void }) {
  const { title, detail, requestId } = explain(error, what);
  return (
    <div role="alert" className="mx-auto grid max-w-2xl gap-2 px-4 py-12">
      <h2 className="flex items-center gap-2 text-base font-semibold">
        <TriangleAlert className="size-4 shrink-0 text-failed" />
        {title}
      </h2>
      <p className="text-quiet">{detail}</p>
      {requestId !== null && (
        <p className="flex items-center gap-1 text-xs text-quiet">
          Request <code className="font-mono text-ink">{requestId}</code>
          <CopyButton text={requestId} label="request id" />
        </p>
      )}
      {onRetry !== undefined && (
        <Button onClick={onRetry} className="w-fit">
          <RotateCw className="size-3.5" />
          Try again
        </Button>
      )}
    </div>
  );
}

export function explain(error: unknown, what: string): { title: string; detail: string; requestId: string | null } {
  if (!(error instanceof ApiError))
    return { title: `${what} failed in the browser`, detail: String(error), requestId: null };
  const { status, message, requestId } = error;
  if (status === 0) {
    const detail =
      'The server does not answer. It may be restarting, or the network is gone; what you see stays as it was.';
    return { title: `${what}: no connection`, detail, requestId: null };
  }
  if (status === 403)
    return { title: `${what}: not allowed`, detail: `${message}. Sign in with a key that may.`, requestId };
  if (status === 404) return { title: `${what}: not found`, detail: message, requestId };
  if (status === 429) return { title: `${what}: too many requests`, detail: message, requestId };
  return { title: `${what} failed`, detail: message, requestId };
}
