/** The machine's clock and ids, which `core` gets as dependencies. */
import { v7 } from 'uuid';
import type { Clock } from '../core/clock.ts';
import type { Ids } from '../core/ids.ts';

export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, task) {
    const timer = setTimeout(task, ms);
    return () => clearTimeout(timer);
  },
  every(ms, task) {
    const timer = setInterval(task, ms);
    timer.unref();
    return () => clearInterval(timer);
  },
};

export const systemIds: Ids = { next: () => v7() };
