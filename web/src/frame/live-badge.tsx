/** Whether what is seen is live. */
import { type LiveStatus, liveStatus } from '../api/live.ts';
import { Hint } from '../components/hint.tsx';
import { useStore } from '../lib/store.ts';

export type BadgeStatus = LiveStatus | 'closed';

const LOOKS: Readonly<Record<BadgeStatus, { dot: string; meaning: string }>> = {
  idle: { dot: 'border border-edge', meaning: 'Nothing on this page is followed' },
  connecting: { dot: 'bg-edge animate-breathe', meaning: 'The live connection is being made' },
  live: { dot: 'bg-completed animate-breathe', meaning: 'Changes are shown as they happen' },
  paused: { dot: 'border border-edge', meaning: 'Paused while the page is hidden' },
  closed: { dot: 'bg-edge', meaning: 'The task has ended; there is nothing more to follow' },
  error: {
    dot: 'bg-failed',
    meaning: 'The live connection is broken; it is tried again, and goes on after the last event',
  },
};

export function Badge({ status, what }: { status: BadgeStatus; what: string }) {
  const { dot, meaning } = LOOKS[status];
  return (
    <Hint text={meaning}>
      <span
        role="status"
        aria-label={`${what}: ${status}`}
        data-status={status}
        // As wide as its longest word: what is beside it does not move.
        className="inline-flex h-6 md:min-w-[6.25rem] items-center justify-center gap-1.5 rounded-full border border-line px-2 text-xs whitespace-nowrap text-quiet"
      >
        <span className={`size-1.5 rounded-full ${dot}`} />
        {status}
      </span>
    </Hint>
  );
}

export function LiveBadge() {
  return <Badge status={useStore(liveStatus)} what="Live connection" />;
}
