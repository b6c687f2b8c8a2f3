/** What goes over the wire: captured while it did, or made again from the log. */
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { captureOf, capturesQuery } from '../../api/captures.ts';
import { type FrameForm, framesQuery } from '../../api/tasks.ts';
import { Segments } from '../../components/field.tsx';
import { More } from '../../components/more.tsx';
import { Empty, Failure, Loading } from '../../components/notices.tsx';
import { CapturedFrames } from '../captures/captured-frames.tsx';
import { CaptureControl } from '../captures/control.tsx';
import { FrameRow } from '../captures/frame-row.tsx';
import { useCapturedFrames } from '../captures/use-captured-frames.ts';

interface Props {
  readonly taskId: string;
  readonly agentId: string;
  readonly lastSeq: number;
  readonly selected: number | undefined;
  readonly onSelect: (seq: number) => void;
}

type Origin = 'captured' | 'rebuilt';

export function Frames(props: Props) {
  const { taskId, agentId, selected, onSelect } = props;
  const { data: captures } = useQuery(capturesQuery);
  const isCapturing = captureOf(captures, agentId) !== undefined;
  const { data, error } = useCapturedFrames({ taskId }, isCapturing);
  const hasCaptured = (data?.pages[0]?.frames.length ?? 0) > 0;
  const [chosen, setChosen] = useState<Origin | null>(null);
  if (data === undefined && error === null) return <Loading />;
  // What really went over the wire comes first, where there is some.
  const origin = hasCaptured ? (chosen ?? 'captured') : 'rebuilt';
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-3 px-3 py-3 md:px-4">
      <div className="flex flex-wrap items-center justify-between gap-2">
        {hasCaptured ? (
          <Segments<Origin>
            label="Origin of the frames"
            value={origin}
            choices={[
              ['captured', 'Captured'],
              ['rebuilt', 'Rebuilt'],
            ]}
            onChange={setChosen}
          />
        ) : (
          <p className="text-quiet">
            {isCapturing
              ? 'Calls about this task that begin from now on are shown here. What is sent from this console is no call over A2A.'
              : 'No call about this task was captured.'}
          </p>
        )}
        <CaptureControl agentId={agentId} />
      </div>
      {origin === 'captured' ? (
        <>
          <p className="text-xs text-quiet">
            As they went over the wire. Secrets are masked, heartbeats left out, JSON is indented for reading.
          </p>
          <CapturedFrames of={{ taskId }} isCapturing={isCapturing} selected={selected} onSelect={onSelect} />
        </>
      ) : (
        <Rebuilt {...props} />
      )}
    </div>
  );
}

/** One version and binding, or both versions side by side. */
function Rebuilt(props: Props) {
  const [version, setVersion] = useState<'1.0' | '0.3' | 'both'>('1.0');
  const [binding, setBinding] = useState<FrameForm['binding']>('JSONRPC');
  return (
    <>
      <div className="flex flex-wrap items-center gap-2">
        <Segments
          label="Version of the protocol"
          value={version}
          choices={[
            ['1.0', '1.0'],
            ['0.3', '0.3'],
            ['both', 'Side by side'],
          ]}
          onChange={setVersion}
        />
        <Segments
          label="Binding"
          value={binding}
          choices={[
            ['JSONRPC', 'JSON-RPC'],
            ['HTTP+JSON', 'REST'],
          ]}
          onChange={setBinding}
        />
        <p className="text-xs text-quiet">Rebuilt from the log, as a stream of this version and binding has it.</p>
      </div>
      {version === 'both' ? (
        <div className="grid min-w-0 gap-4 @3xl:grid-cols-2">
          <Column key={`1.0 ${binding}`} {...props} form={{ version: '1.0', binding }} title="A2A 1.0" />
          <Column key={`0.3 ${binding}`} {...props} form={{ version: '0.3', binding }} title="A2A 0.3" />
        </div>
      ) : (
        <Column key={`${version} ${binding}`} {...props} form={{ version, binding }} title={null} />
      )}
    </>
  );
}

function Column({
  taskId,
  lastSeq,
  selected,
  onSelect,
  form,
  title,
}: Props & { form: FrameForm; title: string | null }) {
  const list = useInfiniteQuery({ ...framesQuery(taskId, form, lastSeq), placeholderData: keepPreviousData });
  const { data, error, isPending, refetch } = list;
  const frames = data?.pages.flatMap((page) => page.frames) ?? [];
  return (
    <section aria-label={`Frames, A2A ${form.version}`} className="min-w-0">
      {title !== null && <h2 className="mb-1 font-semibold">{title}</h2>}
      {isPending && <Loading />}
      {data === undefined && error !== null && (
        <Failure what="Reading the frames" error={error} onRetry={() => void refetch()} />
      )}
      {data !== undefined && frames.length === 0 && (
        <Empty title="No frames">The log holds none of its events any more.</Empty>
      )}
      <ol>
        {frames.map((frame, index) => (
          <FrameRow
            // Frames are only ever added at the end
            key={index}
            frame={frame}
            isSelected={frame.seq !== null && frame.seq === selected}
            onOpen={() => frame.seq !== null && onSelect(frame.seq)}
          />
        ))}
      </ol>
      <More list={list} what="frames" />
    </section>
  );
}
