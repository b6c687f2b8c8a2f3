/** How a replica is: a dot in a colour and the word for it. */
import type { Replica } from '../api/server.ts';

const LOOKS: Readonly<Record<Replica['status'], { readonly dot: string; readonly word: string }>> = {
  alive: { dot: 'bg-completed', word: 'text-ink' },
  late: { dot: 'bg-input', word: 'text-input' },
  gone: { dot: 'bg-failed', word: 'text-failed' },
  stopped: { dot: 'border border-edge', word: 'text-quiet' },
};

export function ReplicaStatus({ status }: { status: Replica['status'] }) {
  const { dot, word } = LOOKS[status];
  return (
    <span className={`inline-flex items-center gap-1.5 ${word}`}>
      <span aria-hidden="true" className={`size-2 rounded-full ${dot}`} />
      {status}
    </span>
  );
}
