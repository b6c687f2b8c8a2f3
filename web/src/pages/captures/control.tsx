/** Starts a capture of an agent's calls, says how long it still runs, and stops it. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Radio } from 'lucide-react';
import { type Capture, captureOf, capturesQuery, endCapture, startCapture } from '../../api/captures.ts';
import { useMayWrite } from '../../api/session.ts';
import { Button } from '../../components/button.tsx';
import { useAction } from '../../components/use-action.ts';
import { formatDuration, plural } from '../../lib/format.ts';
import { useNow } from '../../lib/now.ts';

const MINUTES = 10;
const SECOND_MS = 1000;

export function CaptureControl({ agentId }: { agentId: string }) {
  const client = useQueryClient();
  const mayWrite = useMayWrite();
  const { data } = useQuery(capturesQuery);
  const running = captureOf(data, agentId);
  const onSettled = () => client.invalidateQueries({ queryKey: capturesQuery.queryKey });
  const start = useAction({
    run: () => startCapture({ agentId, minutes: MINUTES }),
    what: 'Capturing',
    onSettled,
  });
  const stop = useAction({ run: (id: string) => endCapture(id), what: 'Stopping', onSettled });
  if (running === undefined) {
    if (!mayWrite) return null;
    return (
      <Button onClick={() => start.act()} disabled={start.isPending || data === undefined}>
        <Radio className="size-3.5" />
        Capture the next {MINUTES} minutes
      </Button>
    );
  }
  return (
    <div className="flex flex-wrap items-center gap-x-2.5 gap-y-1">
      <Countdown capture={running} />
      {mayWrite && (
        <Button onClick={() => stop.act(running.id)} disabled={stop.isPending}>
          Stop capturing
        </Button>
      )}
    </div>
  );
}

function Countdown({ capture }: { capture: Capture }) {
  const { agentId, keyId, startedAt, endsAt, frames } = capture;
  const [fromMs, untilMs] = [Date.parse(startedAt), Date.parse(endsAt)];
  // The clock of the views ticks once a second, and may be behind the beginning.
  const left = useNow((nowMs) => formatDuration(Math.max(0, secondsUp(untilMs - Math.max(nowMs, fromMs)))));
  const what = `${keyId === null ? 'calls' : 'calls of one key'} to ${agentId ?? 'every agent'}`;
  return (
    <span className="inline-flex min-w-0 items-center gap-2">
      <span aria-hidden="true" className="size-2 shrink-0 animate-breathe rounded-full bg-failed" />
      <span>
        Capturing {what} <span className="text-quiet">· {plural(frames, 'frame')} · </span>
        {/* A clock that is read out each second would drown everything else. */}
        <span role="timer" aria-live="off">
          {left} left
        </span>
      </span>
    </span>
  );
}

const secondsUp = (ms: number): number => Math.ceil(ms / SECOND_MS) * SECOND_MS;
