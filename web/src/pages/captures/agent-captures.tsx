/** Captures of one agent's calls: the control, and what was captured lately. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { type Capture, capturesQuery, endCapture } from '../../api/captures.ts';
import { useMayWrite } from '../../api/session.ts';
import { Button } from '../../components/button.tsx';
import { Age } from '../../components/time.tsx';
import { useAction } from '../../components/use-action.ts';
import { plural } from '../../lib/format.ts';
import { Section } from '../page.tsx';
import { CapturedFrames } from './captured-frames.tsx';
import { CaptureControl } from './control.tsx';

const MAX_SHOWN = 5;

export function AgentCaptures({ agentId }: { agentId: string }) {
  const { data = [] } = useQuery(capturesQuery);
  const own = data.filter((capture) => (capture.agentId ?? agentId) === agentId).slice(0, MAX_SHOWN);
  return (
    <Section title="On the wire" aside={<CaptureControl agentId={agentId} />}>
      <p className="max-w-3xl text-quiet">
        Requests, answers and the events of streams can be kept as they go over the wire, for minutes and within limits.
        Nothing is captured until somebody asks for it; secrets are masked.
      </p>
      {own.length > 0 && (
        <ul className="mt-2 border-t border-line">
          {own.map((capture) => (
            <CaptureRow key={capture.id} capture={capture} />
          ))}
        </ul>
      )}
    </Section>
  );
}

const ENDS: Readonly<Record<NonNullable<Capture['endedWhy']>, string>> = {
  stopped: 'stopped',
  time: 'its time was over',
  full: 'it was full',
};

function CaptureRow({ capture }: { capture: Capture }) {
  const { id, agentId, keyId, startedBy, startedAt, endedWhy, frames } = capture;
  const [isOpen, setOpen] = useState(false);
  const client = useQueryClient();
  const mayWrite = useMayWrite();
  const forget = useAction({
    run: () => endCapture(id),
    what: 'Forgetting',
    onSettled: () => client.invalidateQueries({ queryKey: capturesQuery.queryKey }),
  });
  return (
    <li className="border-b border-line py-1.5">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <span className="font-medium">{plural(frames, 'frame')}</span>
        <span className="text-quiet">
          {agentId === null ? 'of every agent, ' : ''}
          {keyId === null ? '' : 'of one key, '}
          by {startedBy} · <Age at={startedAt} /> · {endedWhy === null ? 'runs' : ENDS[endedWhy]}
        </span>
        <span className="ml-auto flex gap-1">
          {frames > 0 && (
            <Button look="quiet" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
              {isOpen ? 'Hide the frames' : 'Show the frames'}
            </Button>
          )}
          {endedWhy !== null && mayWrite && (
            <Button look="quiet" onClick={() => forget.act()} disabled={forget.isPending}>
              Forget
            </Button>
          )}
        </span>
      </div>
      {isOpen && (
        <div className="py-2">
          <CapturedFrames of={{ captureId: id }} isCapturing={endedWhy === null} />
        </div>
      )}
    </li>
  );
}
