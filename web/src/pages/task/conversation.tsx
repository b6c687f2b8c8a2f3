/** The events as a conversation. */
import { Box } from 'lucide-react';
import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import { Button } from '../../components/button.tsx';
import { Loading } from '../../components/notices.tsx';
import { Parts } from '../../components/parts.tsx';
import { StateLabel } from '../../components/state.tsx';
import { Age } from '../../components/time.tsx';
import type { ConversationItem } from '../../lib/events.ts';
import { plural } from '../../lib/format.ts';
import type { TaskView } from './use-task.ts';

/** Of a long conversation the end is shown first. */
const STEP = 200;
/** So near to the end, one reads along. */
const NEAR_PX = 80;

interface Props {
  readonly items: readonly ConversationItem[];
  readonly view: TaskView;
  readonly selected: number | undefined;
  readonly onSelect: (seq: number) => void;
}

export function Conversation({ items, view, selected, onSelect }: Props) {
  const [shown, setShown] = useState(STEP);
  const scroller = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const { firstSeq } = view.detail.diagnostics;
  const visible = items.slice(-shown);
  // While one reads along, the end stays in sight; who has scrolled up is left there.
  // At each change of what is shown
  useLayoutEffect(() => {
    if (isAtEnd.current && selected === undefined) scroller.current?.scrollTo({ top: scroller.current.scrollHeight });
    // oxlint-disable-next-line react/exhaustive-deps
  }, [items]);
  useEffect(() => {
    if (selected === undefined) return;
    scroller.current?.querySelector(`[data-seq="${selected}"]`)?.scrollIntoView({ block: 'nearest' });
  }, [selected]);
  return (
    <div
      ref={scroller}
      // What scrolls must be reachable by the keyboard
      tabIndex={0}
      role="log"
      aria-label="Conversation"
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        isAtEnd.current = scrollHeight - scrollTop - clientHeight < NEAR_PX;
      }}
      className="min-h-0 flex-1 overflow-y-auto"
    >
      <div className="mx-auto grid max-w-3xl gap-5 px-3 py-4 md:px-5">
        {firstSeq > 1 && (
          <p className="text-quiet">
            The log begins with event {firstSeq}: what was before has been removed by retention. The whole task is under
            Raw.
          </p>
        )}
        {items.length > shown && (
          <Button onClick={() => setShown(shown + STEP * 5)} className="w-fit">
            {plural(items.length - shown, 'earlier entry').replace('entrys', 'entries')}
          </Button>
        )}
        {items.length === 0 && view.isReading && <Loading />}
        {visible.map((item) => (
          <div
            key={`${item.kind}-${item.seq}-${item.kind === 'message' ? item.message.messageId : ''}`}
            data-seq={item.seq}
          >
            <Entry item={item} isSelected={isIn(item, selected)} onSelect={() => onSelect(item.seq)} />
          </div>
        ))}
        {view.readMore !== null && (
          <Button onClick={view.readMore} className="w-fit">
            Read more events
          </Button>
        )}
      </div>
    </div>
  );
}

function isIn(item: ConversationItem, seq: number | undefined): boolean {
  if (seq === undefined) return false;
  return item.kind === 'artifact' ? seq >= item.seq && seq <= item.lastSeq : seq === item.seq;
}

function Entry({ item, isSelected, onSelect }: { item: ConversationItem; isSelected: boolean; onSelect: () => void }) {
  const mark = isSelected ? 'border-accent' : 'border-transparent';
  const when = (
    <button type="button" onClick={onSelect} className="rounded-sm hover:text-ink" title={`Event ${item.seq}`}>
      #{item.seq}
      {item.at !== null && (
        <>
          {' · '}
          <Age at={item.at} />
        </>
      )}
    </button>
  );
  if (item.kind === 'state') {
    return (
      <p className={`flex items-center gap-2.5 border-l-2 pl-3 text-xs text-quiet ${mark}`}>
        <StateLabel state={item.state} className="text-sm font-medium" />
        {when}
      </p>
    );
  }
  if (item.kind === 'artifact') {
    const { name, artifactId, description, parts } = item.artifact;
    return (
      <section className={`border-l-2 pl-3 ${mark}`} aria-label={`Artifact ${name ?? artifactId}`}>
        <p className="mb-1.5 flex items-center gap-2 text-xs text-quiet">
          <Box className="size-3.5" />
          <span>
            artifact <span className="font-medium text-ink">{name ?? artifactId}</span>
          </span>
          {when}
          {item.lastSeq > item.seq && <span>in {item.lastSeq - item.seq + 1} chunks</span>}
        </p>
        {description !== undefined && <p className="mb-1.5 text-quiet">{description}</p>}
        <div className="text-base">
          <Parts parts={parts} isMarkdown />
        </div>
      </section>
    );
  }
  const isUser = item.message.role === 'ROLE_USER';
  return (
    <section className={`border-l-2 pl-3 ${mark}`} aria-label={isUser ? 'Message of the user' : 'Message of the agent'}>
      <p className="mb-1 flex items-center gap-2 text-xs text-quiet">
        <span className="font-medium text-ink">{isUser ? 'user' : 'agent'}</span>
        {when}
      </p>
      <div
        className={
          isUser ? 'w-fit max-w-full rounded-lg border border-line bg-raised px-3 py-2 text-base' : 'text-base'
        }
      >
        <Parts parts={item.message.parts} isMarkdown={!isUser} />
      </div>
    </section>
  );
}
