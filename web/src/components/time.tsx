/** Times and durations: relative to read, exact on hover. */
import { formatAge, formatDuration, formatExact } from '../lib/format.ts';
import { useNow } from '../lib/now.ts';
import { zone } from '../lib/preferences.ts';
import { useStore } from '../lib/store.ts';

export function Age({ at, className = '' }: { at: string | number; className?: string }) {
  const ms = typeof at === 'number' ? at : Date.parse(at);
  const text = useNow((nowMs) => formatAge(ms, nowMs));
  const isUtc = useStore(zone) === 'utc';
  return (
    <time
      dateTime={new Date(ms).toISOString()}
      title={formatExact(ms, isUtc)}
      className={`whitespace-nowrap ${className}`}
    >
      {text}
    </time>
  );
}

export function Exact({ at, className = '' }: { at: string | number; className?: string }) {
  const ms = typeof at === 'number' ? at : Date.parse(at);
  const isUtc = useStore(zone) === 'utc';
  return (
    <time dateTime={new Date(ms).toISOString()} className={`font-mono text-xs whitespace-nowrap ${className}`}>
      {formatExact(ms, isUtc)}
    </time>
  );
}

/** From `since` until `until`, or until now while that is null. */
export function Duration({ since, until }: { since: string; until: string | null }) {
  const from = Date.parse(since);
  const running = useNow((nowMs) => (until === null ? formatDuration(nowMs - from) : ''));
  return (
    <span className="whitespace-nowrap">{until === null ? running : formatDuration(Date.parse(until) - from)}</span>
  );
}
