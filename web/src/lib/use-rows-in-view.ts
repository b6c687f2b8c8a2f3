/** Which rows of a long list are seen. All are equally high, so that nothing is measured or kept for each of them. */
import { type RefObject, useCallback, useEffect, useState } from 'react';

/** So long after the last jump rows are whole again. */
const SETTLED_MS = 80;
/** Rows come and go by so many at once: between that, scrolling renders nothing. */
const STEP = 8;

interface Range {
  readonly first: number;
  /** The one after the last. */
  readonly end: number;
}

export interface RowsInView extends Range {
  /** One scrolls faster than anybody reads: rows need not be whole. */
  readonly isQuick: boolean;
  /** Scrolls as far as it takes to see a row. */
  readonly reveal: (index: number) => void;
}

export function useRowsInView(scroller: RefObject<HTMLElement | null>, count: number, rowPx: number): RowsInView {
  const [{ first, end }, setRange] = useState<Range>({ first: 0, end: 0 });
  const [isQuick, setQuick] = useState(false);
  useEffect(() => {
    const { current } = scroller;
    if (current === null) return;
    let held: Range = { first: 0, end: 0 };
    let settling = 0;
    const look = () => {
      const next = rangeOf(current.scrollTop, current.clientHeight, rowPx);
      if (held.first === next.first && held.end === next.end) return;
      const isJump = held.end > 0 && Math.abs(next.first - held.first) * 2 > next.end - next.first;
      if (isJump) {
        window.clearTimeout(settling);
        settling = window.setTimeout(() => setQuick(false), SETTLED_MS);
        setQuick(true);
      }
      held = next;
      setRange(next);
    };
    look();
    current.addEventListener('scroll', look, { passive: true });
    const observer = new ResizeObserver(look);
    observer.observe(current);
    return () => {
      window.clearTimeout(settling);
      current.removeEventListener('scroll', look);
      observer.disconnect();
    };
  }, [scroller, rowPx]);
  const reveal = useCallback(
    (index: number) => {
      const { current } = scroller;
      if (current === null) return;
      const [from, to] = [index * rowPx, (index + 1) * rowPx];
      if (from < current.scrollTop) current.scrollTo({ top: from });
      else if (to > current.scrollTop + current.clientHeight) current.scrollTo({ top: to - current.clientHeight });
    },
    [scroller, rowPx],
  );
  return { first: Math.min(first, count), end: Math.min(end, count), isQuick, reveal };
}

export function rangeOf(topPx: number, heightPx: number, rowPx: number): Range {
  const first = Math.floor(topPx / rowPx / STEP) * STEP - STEP;
  const end = Math.ceil((topPx + heightPx) / rowPx / STEP) * STEP + STEP;
  return { first: Math.max(0, first), end };
}
