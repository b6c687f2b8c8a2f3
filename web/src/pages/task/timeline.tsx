/** The events along the time; the longest gap is as tall as a gap gets, the others are drawn to its scale. */
import { useVirtualizer } from '@tanstack/react-virtual';
import { Box, ChevronRight, MessageSquare } from 'lucide-react';
import { useEffect, useMemo, useRef } from 'react';
import type { TaskEvent } from '../../api/tasks.ts';
import { Button } from '../../components/button.tsx';
import { Code } from '../../components/code.tsx';
import { StateIcon } from '../../components/state.tsx';
import { statusOf, type TimelineRow, textOf, timelineOf } from '../../lib/events.ts';
import { formatBytes, formatDuration, formatExact, formatOffset } from '../../lib/format.ts';
import { zone } from '../../lib/preferences.ts';
import { STATES } from '../../lib/states.ts';
import { useStore } from '../../lib/store.ts';
import type { TaskView } from './use-task.ts';

const ROW_PX = 30;
const MAX_GAP_PX = 96;
/** From here on a gap says how long it is. */
const LABEL_PX = 15;

interface Props {
  readonly view: TaskView;
  readonly selected: number | undefined;
  readonly onSelect: (seq: number) => void;
}

export function Timeline({ view, selected, onSelect }: Props) {
  const { events } = view;
  const rows = useMemo(() => timelineOf(events), [events]);
  const longestMs = useMemo(() => rows.reduce((max, { gapMs }) => Math.max(max, gapMs), 0), [rows]);
  const gapPx = (gapMs: number) => (longestMs < 100 ? 0 : Math.round((gapMs / longestMs) * MAX_GAP_PX));
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => ROW_PX + gapPx(rows[index]?.gapMs ?? 0),
    getItemKey: (index) => rows[index]?.logged.seq ?? index,
    overscan: 10,
  });
  // Only when the view is opened: later the person scrolls.
  const first = useRef(selected);
  useEffect(() => {
    const index = rows.findIndex(({ logged }) => logged.seq === first.current);
    if (index < 0) return;
    first.current = undefined;
    virtual.scrollToIndex(index, { align: 'center' });
  }, [rows, virtual]);
  return (
    // What scrolls must be reachable by the keyboard
    <div ref={scroller} tabIndex={0} role="region" aria-label="Timeline" className="min-h-0 flex-1 overflow-y-auto">
      <ol className="relative" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((item) => {
          const row = rows[item.index];
          if (row === undefined) return null;
          return (
            <li
              key={item.key}
              data-index={item.index}
              ref={virtual.measureElement}
              className="absolute inset-x-0 top-0"
              style={{ transform: `translateY(${item.start}px)` }}
            >
              <Gap row={row} height={gapPx(row.gapMs)} />
              <EventRow
                row={row}
                isSelected={row.logged.seq === selected}
                onSelect={() => onSelect(row.logged.seq === selected ? 0 : row.logged.seq)}
              />
            </li>
          );
        })}
      </ol>
      {view.readMore !== null && (
        <Button onClick={view.readMore} className="m-4">
          Read more events
        </Button>
      )}
    </div>
  );
}

function Gap({ row, height }: { row: TimelineRow<TaskEvent>; height: number }) {
  if (height < 2) return null;
  return (
    <div className="flex items-center pl-[4.9rem] text-xs text-quiet" style={{ height }}>
      <span aria-hidden="true" className="mr-4 h-full border-l border-dashed border-edge" />
      {height >= LABEL_PX && formatDuration(row.gapMs)}
    </div>
  );
}

function EventRow({
  row,
  isSelected,
  onSelect,
}: {
  row: TimelineRow<TaskEvent>;
  isSelected: boolean;
  onSelect: () => void;
}) {
  const { logged, offsetMs } = row;
  const isUtc = useStore(zone) === 'utc';
  return (
    <>
      <button
        type="button"
        aria-expanded={isSelected}
        onClick={onSelect}
        title={logged.at === null ? 'No time was kept' : formatExact(Date.parse(logged.at), isUtc)}
        className={`grid h-[30px] w-full grid-cols-[2.75rem_1rem_4.25rem_minmax(0,1fr)_1rem] items-center gap-2 px-3 text-left hover:bg-hover md:px-4 ${isSelected ? 'bg-selected' : ''}`}
      >
        <span className="text-right font-mono text-xs text-quiet">{logged.seq}</span>
        <Glyph logged={logged} />
        <span className="text-right font-mono text-xs text-quiet">
          {offsetMs === null ? '' : formatOffset(offsetMs)}
        </span>
        <What logged={logged} />
        <ChevronRight className={`size-3.5 text-quiet transition-transform ${isSelected ? 'rotate-90' : ''}`} />
      </button>
      {isSelected && (
        <div className="grid gap-2 px-3 pt-1 pb-3 md:px-4 @2xl:pl-[9.75rem]">
          {logged.userMessage !== null && (
            <Code label="message" text={JSON.stringify(logged.userMessage, null, 2)} className="max-h-80" />
          )}
          <Code label="event" text={JSON.stringify(logged.event, null, 2)} className="max-h-96" />
        </div>
      )}
    </>
  );
}

function Glyph({ logged }: { logged: TaskEvent }) {
  const status = statusOf(logged);
  if (status !== undefined) return <StateIcon state={status.state} />;
  const Icon = logged.kind === 'artifact' ? Box : MessageSquare;
  return <Icon aria-hidden="true" className="size-3.5 text-quiet" />;
}

function What({ logged }: { logged: TaskEvent }) {
  const status = statusOf(logged);
  if (status !== undefined) {
    const { word, color } = STATES[status.state];
    const first = 'task' in logged.event ? logged.event.task.history?.[0] : undefined;
    const message = status.message ?? logged.userMessage ?? first;
    return (
      <span className="flex min-w-0 gap-2.5">
        <span className={`whitespace-nowrap ${color}`}>{word}</span>
        {message !== undefined && <span className="truncate text-quiet">{textOf(message.parts)}</span>}
      </span>
    );
  }
  if ('artifactUpdate' in logged.event) {
    const { artifact, append, lastChunk } = logged.event.artifactUpdate;
    const size = JSON.stringify(artifact.parts).length;
    return (
      <span className="flex min-w-0 gap-2.5">
        <span className="whitespace-nowrap">
          {append === true ? 'artifact, more' : 'artifact'}
          {lastChunk === true && append === true ? ', last' : ''}
        </span>
        <span className="truncate text-quiet">
          {artifact.name ?? artifact.artifactId} · {textOf(artifact.parts)}
        </span>
        <span className="ml-auto whitespace-nowrap text-quiet">{formatBytes(size)}</span>
      </span>
    );
  }
  const message = 'message' in logged.event ? logged.event.message : null;
  return (
    <span className="flex min-w-0 gap-2.5">
      message <span className="truncate text-quiet">{message === null ? '' : textOf(message.parts)}</span>
    </span>
  );
}
