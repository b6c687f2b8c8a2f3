/** One task as it is and as it goes on: its row, all of its events, and whether more can come. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState } from 'react';
import { isPassing } from '../../api/client.ts';
import { followTask, liveStatus } from '../../api/live.ts';
import { readEvents, relatedQuery, type TaskDetail, type TaskEvent, taskQuery } from '../../api/tasks.ts';
import type { BadgeStatus } from '../../frame/live-badge.tsx';
import { stateAfter } from '../../lib/events.ts';
import { STATES, type TaskState } from '../../lib/states.ts';
import { useStore } from '../../lib/store.ts';
import { useThrottled } from '../../lib/use-throttled.ts';

/** More events than these are read when asked for. */
const MAX_READ = 20_000;
/** What is read on its own is read again at most this often while events come. */
const DETAIL_MS = 1000;
/** Events that could not be read for want of an answer are asked for again. */
const RETRY_MS = 3000;

/** `held`: there are more events than were read, so that nothing can be followed yet. */
type Phase = 'reading' | 'held' | 'following' | 'ended' | 'refused' | 'failed';

export interface TaskView {
  readonly detail: TaskDetail;
  readonly state: TaskState;
  readonly events: readonly TaskEvent[];
  /** Events are being read; what is there is the beginning. */
  readonly isReading: boolean;
  readonly readMore: (() => void) | null;
  readonly badge: BadgeStatus;
  /** Why the task cannot be followed or its events cannot be read. */
  readonly problem: string | null;
}

/** @param id stays the same: another task, another component */
export function useTask(id: string): {
  readonly view: TaskView | null;
  readonly error: Error | null;
  readonly retry: () => void;
} {
  const { data: detail, error, refetch } = useQuery({ ...taskQuery(id), refetchOnWindowFocus: false });
  const [events, setEvents] = useState<readonly TaskEvent[]>([]);
  const [phase, setPhase] = useState<Phase>('reading');
  const [problem, setProblem] = useState<string | null>(null);
  const [allowed, setAllowed] = useState(MAX_READ);
  const status = useStore(liveStatus);
  const isKnown = detail !== undefined;
  const client = useQueryClient();
  const held = useRef(events);
  held.current = events;

  const latestSeq = useRef(0);
  latestSeq.current = detail?.row.seq ?? 0;
  /** The task as a whole, its diagnostics, its relations: what an event has changed of them. */
  const readDetail = useThrottled(DETAIL_MS, async () => {
    await Promise.all([
      client.invalidateQueries({ queryKey: taskQuery(id).queryKey }),
      client.invalidateQueries({ queryKey: relatedQuery(id).queryKey }),
    ]);
  });

  useEffect(() => {
    if (!isKnown) return;
    const abort = new AbortController();
    let unfollow: (() => void) | null = null;
    let waiting: TaskEvent[] = [];
    let frame = 0;
    let timer = 0;
    const flush = () => {
      frame = 0;
      const arrived = waiting;
      waiting = [];
      setEvents((before) => [...before, ...arrived]);
      readDetail();
    };
    const follow = (after: number) => {
      setPhase('following');
      unfollow = followTask(id, {
        after,
        onEvent: (event) => {
          waiting.push(event);
          if (frame === 0) frame = requestAnimationFrame(flush);
        },
        // The log was cut while nobody looked: what is left of it is read again.
        onSnapshot: () => void read(0, []),
        onEnd: () => setPhase('ended'),
        onRefused: (message) => {
          setPhase('refused');
          setProblem(message);
        },
      });
    };
    const read = async (after: number, before: readonly TaskEvent[]) => {
      unfollow?.();
      unfollow = null;
      setPhase('reading');
      let all = before;
      let next: number | null = after;
      let firstSeq = 1;
      let lastSeq = 0;
      try {
        while (next !== null && all.length < allowed) {
          const page = await readEvents(id, next, abort.signal);
          all = [...all, ...page.events];
          next = page.nextAfter;
          ({ firstSeq, lastSeq } = page);
          setEvents(all);
        }
      } catch (failure) {
        if (abort.signal.aborted) return;
        setPhase('failed');
        setProblem(failure instanceof Error ? failure.message : String(failure));
        if (isPassing(failure)) timer = window.setTimeout(() => void read(all.at(-1)?.seq ?? 0, all), RETRY_MS);
        return;
      }
      setProblem(null);
      // The task was read before its events were.
      if (lastSeq > latestSeq.current) readDetail();
      const state = stateAfter(all);
      const heldSeq = all.at(-1)?.seq ?? 0;
      // Only the log of a task that has ended is cut. What is left of it need not say so.
      const isCut = firstSeq > heldSeq;
      if (next !== null) setPhase('held');
      else if (isCut || (state !== undefined && STATES[state].isTerminal)) setPhase('ended');
      else follow(heldSeq);
    };
    void read(held.current.at(-1)?.seq ?? 0, held.current);
    return () => {
      abort.abort();
      window.clearTimeout(timer);
      cancelAnimationFrame(frame);
      unfollow?.();
    };
  }, [id, isKnown, allowed, readDetail]);

  const state = useMemo(() => stateAfter(events), [events]);
  const view = useMemo((): TaskView | null => {
    if (detail === undefined) return null;
    const isBehind = detail.row.seq > (events.at(-1)?.seq ?? 0);
    const now = state === undefined || isBehind ? detail.row.state : state;
    const isEnded = phase === 'ended' || (phase === 'following' && STATES[now].isTerminal);
    return {
      detail,
      state: now,
      events,
      isReading: phase === 'reading',
      readMore: phase === 'held' ? () => setAllowed((before) => before * 4) : null,
      badge: isEnded ? 'closed' : badgeOf(phase, status),
      problem,
    };
  }, [detail, state, events, phase, status, problem]);
  return { view, error: detail === undefined ? error : null, retry: () => void refetch() };
}

function badgeOf(phase: Phase, status: BadgeStatus): BadgeStatus {
  if (phase === 'following') return status === 'idle' ? 'connecting' : status;
  return phase === 'refused' || phase === 'failed' ? 'error' : 'idle';
}
