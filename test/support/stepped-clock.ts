/** The clock of a machine that is set forward and back: what it shows changes at once, and its timers go on as if nothing were. */
import type { TurnedClock } from './turned-clock.ts';

export interface SteppedClock extends TurnedClock {
  step(ms: number): void;
}

/** @param time that really passes, for all machines alike */
export function steppedClock(time: TurnedClock): SteppedClock {
  let offsetMs = 0;
  return {
    ...time,
    now: () => time.now() + offsetMs,
    step: (ms) => {
      offsetMs += ms;
    },
  };
}
