/**
 * What this process did lately, in buckets of ten seconds over a day, for the overview of the console. In memory only:
 * it begins with the process, and its size is bounded (36 KB for each hour).
 */
import type { TaskState } from '../../protocol/v1/types.ts';
import type { Clock } from '../clock.ts';
import type { TaskMetrics } from '../tasks/metrics.ts';

const BUCKET_MS = 10_000;
const BUCKETS_PER_CHUNK = 360;
/** A day, and the hour that is not over. */
const MAX_CHUNKS = 25;
const SAMPLE_MS = 2000;

const FIELDS = ['requests', 'requestErrors', 'tasksCreated', 'turnsEnded', 'turnsFailed', 'running', 'queued'] as const;
type Field = (typeof FIELDS)[number];
/** These are the most at any moment; the others are sums. */
const MAXIMA: ReadonlySet<Field> = new Set(['running', 'queued']);

/** Upper bounds of the bins of durations, in milliseconds; one more bin has what takes longer. */
const BOUNDS_MS = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 1_800_000];
const BINS = BOUNDS_MS.length + 1;
const WIDTH = FIELDS.length + BINS;

export interface ActivitySeries {
  readonly sinceMs: number;
  readonly stepMs: number;
  /** The beginning of each point, milliseconds since 1970, ascending. */
  readonly timesMs: readonly number[];
  readonly values: Readonly<Record<Field, readonly number[]>>;
  /** Estimated from bins; null where no turn ended. */
  readonly turnMs: Readonly<Record<'p50' | 'p95' | 'p99', readonly (number | null)[]>>;
}

export interface ActivitySources {
  readonly running: () => number;
  readonly queued: () => number;
}

export class Activity {
  readonly #clock: Clock;
  readonly #sinceMs: number;
  readonly #chunks = new Map<number, Uint32Array>();
  #stopTimer: (() => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#sinceMs = clock.now();
  }

  /** Begins to look now and then at how much runs and waits. */
  start({ running, queued }: ActivitySources): void {
    this.#stopTimer ??= this.#clock.every(SAMPLE_MS, () => {
      this.#atMost('running', running());
      this.#atMost('queued', queued());
    });
  }

  /** May be called twice, and without a start. */
  stop(): void {
    this.#stopTimer?.();
    this.#stopTimer = null;
  }

  requestDone(status: number): void {
    this.#add('requests', 1);
    if (status >= 500) this.#add('requestErrors', 1);
  }

  /** Passes everything on, and counts what the overview shows. */
  counting(metrics: TaskMetrics): TaskMetrics {
    return {
      ...metrics,
      taskCreated: (agentId) => {
        this.#add('tasksCreated', 1);
        metrics.taskCreated(agentId);
      },
      turnEnded: (agentId, state, durationMs) => {
        this.#turnEnded(state, durationMs);
        metrics.turnEnded(agentId, state, durationMs);
      },
    };
  }

  #turnEnded(state: TaskState, durationMs: number): void {
    this.#add('turnsEnded', 1);
    if (state === 'TASK_STATE_FAILED' || state === 'TASK_STATE_REJECTED') this.#add('turnsFailed', 1);
    const bin = BOUNDS_MS.findIndex((bound) => durationMs <= bound);
    this.#addAt(FIELDS.length + (bin === -1 ? BINS - 1 : bin), 1);
  }

  #add(field: Field, count: number): void {
    this.#addAt(FIELDS.indexOf(field), count);
  }

  #addAt(column: number, count: number): void {
    const { chunk, offset } = this.#bucket();
    chunk[offset + column] = (chunk[offset + column] ?? 0) + count;
  }

  #atMost(field: Field, value: number): void {
    const { chunk, offset } = this.#bucket();
    const index = offset + FIELDS.indexOf(field);
    chunk[index] = Math.max(chunk[index] ?? 0, value);
  }

  #bucket(): { readonly chunk: Uint32Array; readonly offset: number } {
    const bucket = Math.floor(this.#clock.now() / BUCKET_MS);
    const number = Math.floor(bucket / BUCKETS_PER_CHUNK);
    let chunk = this.#chunks.get(number);
    if (chunk === undefined) {
      chunk = new Uint32Array(BUCKETS_PER_CHUNK * WIDTH);
      this.#chunks.set(number, chunk);
      for (const old of this.#chunks.keys()) if (old <= number - MAX_CHUNKS || old > number) this.#chunks.delete(old);
    }
    return { chunk, offset: (bucket % BUCKETS_PER_CHUNK) * WIDTH };
  }

  /** Points of `stepMs`, a multiple of ten seconds, over the last `windowMs`, none from before this process began. */
  series(windowMs: number, stepMs: number): ActivitySeries {
    const nowMs = this.#clock.now();
    const firstMs = Math.max(nowMs - windowMs + stepMs, this.#sinceMs);
    const timesMs: number[] = [];
    for (let at = Math.floor(firstMs / stepMs) * stepMs; at <= nowMs; at += stepMs) timesMs.push(at);
    const points = timesMs.map((at) => this.#point(at, stepMs));
    const column = (field: Field) => points.map((point) => point[FIELDS.indexOf(field)] ?? 0);
    const bins = points.map((point) => [...point.subarray(FIELDS.length)]);
    return {
      sinceMs: this.#sinceMs,
      stepMs,
      timesMs,
      values: {
        requests: column('requests'),
        requestErrors: column('requestErrors'),
        tasksCreated: column('tasksCreated'),
        turnsEnded: column('turnsEnded'),
        turnsFailed: column('turnsFailed'),
        running: column('running'),
        queued: column('queued'),
      },
      turnMs: {
        p50: bins.map((counts) => quantile(counts, 0.5)),
        p95: bins.map((counts) => quantile(counts, 0.95)),
        p99: bins.map((counts) => quantile(counts, 0.99)),
      },
    };
  }

  #point(fromMs: number, stepMs: number): Float64Array {
    const point = new Float64Array(WIDTH);
    const first = Math.floor(fromMs / BUCKET_MS);
    for (let bucket = first; bucket < first + stepMs / BUCKET_MS; bucket++) {
      const chunk = this.#chunks.get(Math.floor(bucket / BUCKETS_PER_CHUNK));
      if (chunk === undefined) continue;
      const offset = (bucket % BUCKETS_PER_CHUNK) * WIDTH;
      for (let column = 0; column < WIDTH; column++) {
        const value = chunk[offset + column] ?? 0;
        const before = point[column] ?? 0;
        const field = FIELDS[column];
        point[column] = field !== undefined && MAXIMA.has(field) ? Math.max(before, value) : before + value;
      }
    }
    return point;
  }
}

/** As if durations were spread evenly over their bin; of the last bin its lower bound is all that is known. */
function quantile(counts: readonly number[], share: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let left = share * total;
  for (const [bin, count] of counts.entries()) {
    if (left > count || count === 0) {
      left -= count;
      continue;
    }
    const from = BOUNDS_MS[bin - 1] ?? 0;
    const to = BOUNDS_MS[bin] ?? from;
    return Math.round((from + (to - from) * (left / count)) * 10) / 10;
  }
  return BOUNDS_MS.at(-1) ?? null;
}
