/** A clock that stands still until a test turns it. */
import type { Clock } from '../../src/core/clock.ts';

export interface TurnedClock extends Clock {
  /** Lets time pass, running what falls due in order. Negative: the clock is set back, and nothing runs. */
  turn(ms: number): void;
}

interface Timer {
  atMs: number;
  readonly everyMs: number | null;
  readonly task: () => void;
}

export function turnedClock(startMs = Date.parse('2030-01-01T00:00:00Z')): TurnedClock {
  let nowMs = startMs;
  const timers = new Set<Timer>();
  const add = (timer: Timer) => {
    timers.add(timer);
    return () => void timers.delete(timer);
  };
  return {
    now: () => nowMs,
    after: (ms, task) => add({ atMs: nowMs + ms, everyMs: null, task }),
    every: (ms, task) => add({ atMs: nowMs + ms, everyMs: ms, task }),
    turn(ms) {
      const untilMs = nowMs + ms;
      for (;;) {
        const [next] = [...timers].filter(({ atMs }) => atMs <= untilMs).toSorted((a, b) => a.atMs - b.atMs);
        if (next === undefined) break;
        nowMs = Math.max(nowMs, next.atMs);
        if (next.everyMs === null) timers.delete(next);
        else next.atMs += next.everyMs;
        next.task();
      }
      nowMs = untilMs;
    },
  };
}
