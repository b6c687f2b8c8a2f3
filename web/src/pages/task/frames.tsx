/** What goes over the wire: one version and binding, or both versions side by side. */
import { useInfiniteQuery } from '@tanstack/react-query';
import { ArrowDownLeft, ArrowUpRight } from 'lucide-react';
import { useState } from 'react';
import { type Frame, type FrameForm, framesQuery } from '../../api/tasks.ts';
import { Button } from '../../components/button.tsx';
import { Code, pretty } from '../../components/code.tsx';
import { Segments } from '../../components/field.tsx';
import { Empty, Failure, Loading } from '../../components/notices.tsx';

interface Props {
  readonly taskId: string;
  readonly lastSeq: number;
  readonly selected: number | undefined;
  readonly onSelect: (seq: number) => void;
}

export function Frames(props: Props) {
  const [version, setVersion] = useState<'1.0' | '0.3' | 'both'>('1.0');
  const [binding, setBinding] = useState<FrameForm['binding']>('JSONRPC');
  return (
    <div className="grid gap-3 px-3 py-3 md:px-4">
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
          <Column {...props} form={{ version: '1.0', binding }} title="A2A 1.0" />
          <Column {...props} form={{ version: '0.3', binding }} title="A2A 0.3" />
        </div>
      ) : (
        <Column {...props} form={{ version, binding }} title={null} />
      )}
    </div>
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
  const { data, error, isPending, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(
    framesQuery(taskId, form, lastSeq),
  );
  const frames = data?.pages.flatMap((page) => page.frames) ?? [];
  return (
    <section aria-label={`Frames, A2A ${form.version}`} className="min-w-0">
      {title !== null && <h2 className="mb-1 font-semibold">{title}</h2>}
      {isPending && <Loading />}
      {error !== null && <Failure what="Reading the frames" error={error} onRetry={() => void refetch()} />}
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
      {hasNextPage && (
        <Button onClick={() => void fetchNextPage()} disabled={isFetchingNextPage} className="mt-3">
          More frames
        </Button>
      )}
    </section>
  );
}

function FrameRow({ frame, isSelected, onOpen }: { frame: Frame; isSelected: boolean; onOpen: () => void }) {
  const { direction, kind, line, headers, body, seq } = frame;
  const Icon = direction === 'in' ? ArrowDownLeft : ArrowUpRight;
  const head = [line, ...headers.map(([name, value]) => `${name}: ${value}`)].filter((text) => text !== '').join('\n');
  return (
    <li className="border-b border-line [contain-intrinsic-size:auto_30px] [content-visibility:auto]">
      <details onToggle={({ currentTarget, nativeEvent }) => currentTarget.open && nativeEvent.isTrusted && onOpen()}>
        <summary
          className={`flex h-[30px] list-none items-center gap-2 px-1 hover:bg-hover ${isSelected ? 'bg-selected' : ''}`}
        >
          <Icon
            aria-label={direction === 'in' ? 'to the server' : 'from the server'}
            className="size-3.5 shrink-0 text-quiet"
          />
          <span className="w-16 shrink-0 text-quiet">{kind}</span>
          {seq !== null && <span className="shrink-0 font-mono text-xs text-quiet">#{seq}</span>}
          <span className="truncate font-mono text-xs">{line === '' ? gist(body) : line}</span>
        </summary>
        <div className="grid gap-2 py-2">
          {head !== '' && <Code text={head} label="head" />}
          {body !== '' && <Code text={bodyOf(body)} label="body" className="max-h-96" />}
        </div>
      </details>
    </li>
  );
}

/** What an event says, without what all of them begin with. */
function gist(body: string): string {
  const data = /^data: ?(.*)$/m.exec(body)?.[1] ?? body;
  return data.replace(/^\{"jsonrpc":"2\.0","id":[^,]*,"result":/, '').slice(0, 300);
}

/** The JSON of an event indented, its other lines as they are. */
function bodyOf(body: string): string {
  if (!/^(id|event|data):/m.test(body)) return pretty(body);
  return body.replace(/^data: ?(.*)$/gm, (_line, data: string) => `data: ${pretty(data)}`);
}
