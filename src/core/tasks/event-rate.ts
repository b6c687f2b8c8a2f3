/** The rate of a task's events over its life, from the times of a few of them: its cost does not grow with the task. */

/** How many events are looked at, of however many: the first, the last, and as many between them. */
export const RATE_SAMPLES = 17;
const BARS = 16;

export interface EventSample {
  readonly seq: number;
  readonly atMs: number;
}

/**
 * A digit for each sixteenth of the time from the first sample to `untilMs`: 0 for no events, 9 for the most. Between two
 * samples events are taken to be spread evenly. Empty: there is nothing to tell of, as it was over within a moment, or is not known.
 *
 * @param samples ascending
 */
export function eventRate(samples: readonly EventSample[], untilMs: number): string {
  const [first] = samples;
  const last = samples.at(-1);
  if (first === undefined || last === undefined) return '';
  const length = Math.max(untilMs, last.atMs) - first.atMs;
  // Times are whole milliseconds: bars of less than one say nothing.
  if (length < BARS) return '';
  const at = (ms: number) => ((ms - first.atMs) / length) * BARS;
  const bars = Array.from({ length: BARS }, () => 0);
  const add = (place: number, count: number): void => {
    const bar = Math.min(BARS - 1, Math.floor(place));
    bars[bar] = (bars[bar] ?? 0) + count;
  };
  add(0, 1);
  for (const [index, sample] of samples.entries()) {
    const before = samples[index - 1];
    if (before === undefined) continue;
    const events = sample.seq - before.seq;
    const [from, to] = [at(before.atMs), at(sample.atMs)];
    // Events lie at the ends of their parts of the span: the last one is the sample itself.
    const pieces = Math.min(events, BARS * 4);
    for (let piece = 1; piece <= pieces; piece++) add(from + ((to - from) * piece) / pieces, events / pieces);
  }
  const most = Math.max(...bars);
  return bars.map((count) => (count === 0 ? 0 : Math.max(1, Math.round((count / most) * 9)))).join('');
}
