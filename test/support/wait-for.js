/** Waiting for a condition, instead of sleeping for a time that is hoped to be enough. */
import { setTimeout as delay } from 'node:timers/promises';

const pollEveryMs = 20;
/**
 * Resolves with the first value of `probe` that is neither false nor undefined. `probe` may throw to give up at once.
 * @throws Error that names `what` after `timeoutMs`
 */
export async function waitFor(what, timeoutMs, probe) {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value !== false && value !== undefined) return value;
    if (performance.now() > deadline) throw new Error(`Waited ${timeoutMs} ms for ${what}, in vain`);
    await delay(pollEveryMs);
  }
}
