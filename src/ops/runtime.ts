/** The machine's clock and ids, which `core` gets as dependencies. */
import { randomBytes } from 'node:crypto';
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

/** Ids of requests: cheap and unique, a random prefix per process, then a count. */
export function requestIds(): () => string {
  const prefix = randomBytes(6).toString('base64url');
  let count = 0;
  return () => `${prefix}-${(++count).toString(36)}`;
}
