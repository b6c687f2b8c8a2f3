/** That a task waits for a replica with room, since when, and why. */
import type { Queued } from '../api/tasks.ts';
import { Duration } from './time.tsx';

const WHY = {
  server: ['server full', 'The replica that answered runs as many tasks as it may'],
  owner: ['owner full', 'The replica that answered runs as many tasks of its owner as it may'],
  agent: ['agent full', 'The replica that answered runs as many tasks of its agent as it may'],
} as const;

export function QueuedText({ queued: { since, full } }: { queued: Queued }) {
  const [why, meaning] = full === null ? ['about to begin', ''] : WHY[full];
  return (
    <span title={meaning}>
      queued for <Duration since={since} until={null} />: {why}
    </span>
  );
}
