/** Captured frames, call by call, as they went over the wire. */
import type { UseInfiniteQueryResult } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { CapturedFrame, FramesOf } from '../../api/captures.ts';
import { More } from '../../components/more.tsx';
import { Empty, Failure, Loading } from '../../components/notices.tsx';
import { Exact } from '../../components/time.tsx';
import { formatBytes, formatDuration, shortId } from '../../lib/format.ts';
import { FrameRow } from './frame-row.tsx';
import { useCapturedFrames } from './use-captured-frames.ts';

interface Props {
  readonly of: FramesOf;
  readonly isCapturing: boolean;
  readonly selected?: number | undefined;
  readonly onSelect?: (seq: number) => void;
}

export function CapturedFrames({ of, isCapturing, selected, onSelect }: Props) {
  const list = useCapturedFrames(of, isCapturing);
  const frames = useMemo(() => list.data?.pages.flatMap((page) => page.frames) ?? [], [list.data]);
  const exchanges = useMemo(() => byExchange(frames), [frames]);
  if (list.data === undefined) return <NotRead list={list} />;
  if (exchanges.length === 0) {
    return (
      <Empty title="No frames">
        {isCapturing
          ? 'Nobody has called since the capture began. Calls over A2A are captured, from their beginning; what is sent from this console is none.'
          : 'Nobody called while it ran.'}
      </Empty>
    );
  }
  return (
    <>
      <ol className="grid grid-cols-[minmax(0,1fr)] gap-4">
        {exchanges.map((exchange) => (
          <Exchange
            key={exchange[0]?.exchangeId}
            frames={exchange}
            hasTaskLink={'captureId' in of}
            selected={selected}
            onSelect={onSelect}
          />
        ))}
      </ol>
      <More list={list} what="frames" />
    </>
  );
}

function NotRead({ list: { error, refetch } }: { list: Pick<UseInfiniteQueryResult, 'error' | 'refetch'> }) {
  if (error === null) return <Loading />;
  return <Failure what="Reading the frames" error={error} onRetry={() => void refetch()} />;
}

/** Calls in the order of their beginnings: those that were under way at once are told one after the other. */
function byExchange(frames: readonly CapturedFrame[]): readonly (readonly CapturedFrame[])[] {
  const exchanges = new Map<string, CapturedFrame[]>();
  for (const frame of frames) {
    const exchange = exchanges.get(frame.exchangeId);
    if (exchange === undefined) exchanges.set(frame.exchangeId, [frame]);
    else exchange.push(frame);
  }
  return [...exchanges.values()];
}

const TRANSPORTS: Readonly<Record<CapturedFrame['transport'], string>> = {
  JSONRPC: 'JSON-RPC',
  'HTTP+JSON': 'REST',
  GRPC: 'gRPC',
};

function Exchange({
  frames,
  hasTaskLink,
  selected,
  onSelect,
}: {
  frames: readonly CapturedFrame[];
  hasTaskLink: boolean;
  selected: number | undefined;
  onSelect: ((seq: number) => void) | undefined;
}) {
  const [first] = frames;
  if (first === undefined) return null;
  const { at, transport, version, keyId, taskId } = first;
  const beganAtMs = Date.parse(at);
  return (
    <li>
      <h2 className="flex flex-wrap items-center gap-x-2.5 border-b border-line px-1 pb-1">
        <span className="font-medium">
          {TRANSPORTS[transport]} {version ?? '0.3 (no version named)'}
        </span>
        <Exact at={at} className="text-quiet" />
        <span className="font-normal text-quiet" title={keyId ?? undefined}>
          {keyId === null ? 'by the admin' : `by the key ${shortId(keyId)}`}
        </span>
        {hasTaskLink && taskId !== null && (
          <Link
            to="/tasks/$taskId"
            params={{ taskId }}
            search={{ tab: 'frames' }}
            className="font-mono text-xs text-accent hover:underline"
          >
            {shortId(taskId)}
          </Link>
        )}
      </h2>
      <ol>
        {frames.map((frame) => (
          <FrameRow
            key={frame.num}
            frame={frame}
            isSelected={frame.seq !== null && frame.seq === selected}
            onOpen={() => frame.seq !== null && onSelect?.(frame.seq)}
            note={
              <span className="flex shrink-0 items-center gap-2 text-xs text-quiet">
                {frame.isCut && <span className="text-input">cut</span>}
                {frame.bodyBytes > 0 && formatBytes(frame.bodyBytes)}
                {frame !== first && (
                  <span className="hidden w-14 text-right @lg:inline">
                    +{formatDuration(Date.parse(frame.at) - beganAtMs)}
                  </span>
                )}
              </span>
            }
            remark={<Remark frame={frame} />}
          />
        ))}
      </ol>
    </li>
  );
}

function Remark({ frame: { isCut, isDecoded, bodyBytes } }: { frame: CapturedFrame }) {
  if (!isCut && !isDecoded) return null;
  return (
    <p className="text-xs text-quiet">
      {isDecoded && `Decoded: on the wire it was ${formatBytes(bodyBytes)} of protobuf. `}
      {isCut &&
        `Cut: this is the beginning${isDecoded ? '' : ` of ${formatBytes(bodyBytes)}`}; captures.maxFrameBytes says how much is kept.`}
    </p>
  );
}
