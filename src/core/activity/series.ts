/** The activity of all replicas as lines of a chart. */
import { type ActivitySpan, LONG_MS, SHORT_MS, type SpanMs } from './activity-store.ts';
import { addCounts, type Counts, noCounts, turnQuantileMs } from './counts.ts';

/** After its end a span is stored by every replica that does not lag behind. */
const SETTLE_MS = 5000;

/** null: nobody counted, as no replica ran. */
type Line = readonly (number | null)[];

export interface ActivitySeries {
  readonly stepMs: number;
  /** Up to when all is counted; the last point may be cut off by it. */
  readonly untilMs: number;
  /** The beginning of each point, milliseconds since 1970, ascending. All lines are as long. */
  readonly timesMs: readonly number[];
  readonly values: Readonly<
    Record<'requests' | 'requestErrors' | 'tasksCreated' | 'turnsEnded' | 'turnsFailed' | 'running' | 'queued', Line>
  >;
  /** Estimated from bins; null where no turn ended. */
  readonly turnMs: Readonly<Record<'p50' | 'p95' | 'p99', Line>>;
}

/** Which spans points of `stepMs` are made of. */
export function spanFor(stepMs: number): SpanMs {
  return stepMs < LONG_MS ? SHORT_MS : LONG_MS;
}

/** Where the first of the points of the last `windowMs` begins. */
export function firstPointMs(nowMs: number, windowMs: number, stepMs: number): number {
  return Math.floor((nowMs - windowMs + stepMs) / stepMs) * stepMs;
}

/** @param stepMs a multiple of the length of the spans */
export function seriesOf(
  spans: readonly ActivitySpan[],
  { nowMs, windowMs, stepMs }: { readonly nowMs: number; readonly windowMs: number; readonly stepMs: number },
): ActivitySeries {
  const untilMs = Math.floor((nowMs - SETTLE_MS) / SHORT_MS) * SHORT_MS;
  const points = new Map<number, Counts | null>();
  for (let at = firstPointMs(nowMs, windowMs, stepMs); at < untilMs; at += stepMs) points.set(at, null);
  for (const { atMs, counts } of spans) {
    const at = Math.floor(atMs / stepMs) * stepMs;
    const point = points.get(at);
    if (point === undefined || atMs >= untilMs) continue;
    const sum = point ?? noCounts();
    addCounts(sum, counts);
    points.set(at, sum);
  }
  const entries = [...points];
  const line = (value: (counts: Counts, atMs: number) => number | null): Line =>
    entries.map(([atMs, counts]) => (counts === null ? null : value(counts, atMs)));
  return {
    stepMs,
    untilMs,
    timesMs: [...points.keys()],
    values: {
      requests: line(({ requests }) => requests),
      requestErrors: line(({ requestErrors }) => requestErrors),
      tasksCreated: line(({ tasksCreated }) => tasksCreated),
      turnsEnded: line(({ turnsEnded }) => turnsEnded),
      turnsFailed: line(({ turnsFailed }) => turnsFailed),
      running: line(({ runningMs }, atMs) => average(runningMs, Math.min(stepMs, untilMs - atMs))),
      queued: line(({ queued }) => queued),
    },
    turnMs: {
      p50: line((counts) => turnQuantileMs(counts, 0.5)),
      p95: line((counts) => turnQuantileMs(counts, 0.95)),
      p99: line((counts) => turnQuantileMs(counts, 0.99)),
    },
  };
}

function average(runningMs: number, elapsedMs: number): number {
  return Math.round((runningMs / Math.max(1, elapsedMs)) * 100) / 100;
}
