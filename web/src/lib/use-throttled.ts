/** For what would be done too often. */
import { useCallback, useEffect, useRef } from 'react';

/** Runs at once, then at most every `ms`; the last call is never lost. */
export function useThrottled(ms: number, run: () => Promise<void>): () => void {
  const latest = useRef(run);
  latest.current = run;
  const timer = useRef(0);
  const isAsked = useRef(false);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  return useCallback(() => {
    const begin = () => {
      isAsked.current = false;
      void latest.current();
      timer.current = window.setTimeout(() => {
        timer.current = 0;
        if (isAsked.current) begin();
      }, ms);
    };
    isAsked.current = true;
    if (timer.current === 0) begin();
  }, [ms]);
}
