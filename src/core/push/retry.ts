/** When a failed delivery is tried again, and when it is given up. */
import type { RetryPolicy } from './limits.ts';

/**
 * Exponential backoff with full jitter: any time up to the exponential delay, so that what failed together does not come
 * back together. A `Retry-After` of the receiver makes it longer, up to the longest delay.
 *
 * @param attempts made so far, at least 1.
 * @param random from 0 to 1.
 */
export function retryDelayMs(
  { initialDelayMs, factor, maxDelayMs }: RetryPolicy,
  attempts: number,
  random: number,
  retryAfterMs: number | null,
): number {
  const exponential = Math.min(maxDelayMs, initialDelayMs * factor ** (attempts - 1));
  return Math.max(1, Math.ceil(exponential * random), Math.min(retryAfterMs ?? 0, maxDelayMs));
}

/** `Retry-After` (RFC 9110 section 10.2.3) in milliseconds from now; null for what is not one. */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | null {
  if (value === undefined) return null;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const atMs = Date.parse(value);
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs);
}
