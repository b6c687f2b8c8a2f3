/** Times, durations, sizes and ids as a person would say them. Pure: the time comes in. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `now`, `42 s`, `5 m`, `3 h`, `2 d`, then the date. */
export function formatAge(ms: number, nowMs: number): string {
  const age = nowMs - ms;
  if (age < -30 * DAY) return formatExact(ms, false).slice(0, 10);
  if (age < -SECOND) return `in ${formatSpan(-age)}`;
  if (age < 2 * SECOND) return 'now';
  if (age < 30 * DAY) return formatSpan(age);
  return formatExact(ms, false).slice(0, 10);
}

function formatSpan(ms: number): string {
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} m`;
  if (ms < 2 * DAY) return `${Math.floor(ms / HOUR)} h`;
  return `${Math.floor(ms / DAY)} d`;
}

/** `4 ms`, `5.2 s`, `3:10`, `2:03:10`, `4 d 3 h`: the unit that a person would say. */
export function formatDuration(ms: number): string {
  if (ms < SECOND) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 10 * SECOND) return `${(ms / SECOND).toFixed(1)} s`;
  if (ms < MINUTE) return `${Math.round(ms / SECOND)} s`;
  const seconds = Math.floor(ms / SECOND) % 60;
  const minutes = Math.floor(ms / MINUTE) % 60;
  const two = (value: number) => String(value).padStart(2, '0');
  if (ms < HOUR) return `${minutes}:${two(seconds)}`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)}:${two(minutes)}:${two(seconds)}`;
  return `${Math.floor(ms / DAY)} d ${Math.floor(ms / HOUR) % 24} h`;
}

/** Seconds with milliseconds since a beginning, for timelines: `0.004`, `64.120`. */
export function formatOffset(ms: number): string {
  return (ms / SECOND).toFixed(3);
}

/** `2026-11-21 13:04:09.120` in local time or in UTC. */
export function formatExact(ms: number, isUtc: boolean): string {
  const shifted = isUtc ? ms : ms - new Date(ms).getTimezoneOffset() * MINUTE;
  return `${new Date(shifted).toISOString().replace('T', ' ').slice(0, 23)}${isUtc ? ' UTC' : ''}`;
}

export function formatBytes(size: number): string {
  if (size < 1024) return `${size} B`;
  if (size < 1024 * 1024) return `${(size / 1024).toFixed(1)} KiB`;
  if (size < 1024 ** 3) return `${(size / 1024 ** 2).toFixed(1)} MiB`;
  return `${(size / 1024 ** 3).toFixed(1)} GiB`;
}

const counts = new Intl.NumberFormat('en');
export function formatCount(value: number): string {
  return counts.format(value);
}

/** The beginning and the end of a long id; whole where it is short. */
export function shortId(id: string): string {
  return id.length <= 13 ? id : `${id.slice(0, 6)}…${id.slice(-4)}`;
}

/** `1 event`, `2 events`. */
export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}
