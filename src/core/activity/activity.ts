/**
 * What this process does, counted over short spans of time and over long ones, until it is stored. In memory it has no more
 * than an hour, which is lost only where the database does not answer for so long.
 */
import type { Clock } from '../clock.ts';
import type { TaskMetrics } from '../tasks/metrics.ts';
import { type ActivitySpan, LONG_MS, SHORT_MS } from './activity-store.ts';
import { addCounts, addTurn, type Counts, noCounts } from './counts.ts';

const SAMPLE_MS = 2000;
const MAX_WAITING = 3_600_000 / SHORT_MS;

export interface ActivitySources {
  readonly running: () => number;
  readonly queued: () => number;
}

export class Activity {
  readonly #clock: Clock;
  /** The short span that is not over. */
  #atMs: number;
  #counts: Counts = noCounts();
  /** By their beginning: what is over, and not stored. */
  readonly #short = new Map<number, Counts>();
  readonly #long = new Map<number, Counts>();
  #sampledAtMs = 0;
  #stopTimer: (() => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#atMs = beginning(clock.now(), SHORT_MS);
  }

  /** Begins to look now and then at how much runs and waits, and says when a span is over. */
  start({ running, queued }: ActivitySources, onSpanOver: () => void): void {
    this.#sampledAtMs = this.#clock.now();
    this.#stopTimer ??= this.#clock.every(SAMPLE_MS, () => {
      const nowMs = this.#clock.now();
      this.#current.runningMs += running() * Math.max(0, nowMs - this.#sampledAtMs);
      this.#current.queued = Math.max(this.#current.queued, queued());
      this.#sampledAtMs = nowMs;
      if (this.#short.size > 0) onSpanOver();
    });
  }

  /** May be called twice, and without a start. */
  stop(): void {
    this.#stopTimer?.();
    this.#stopTimer = null;
  }

  requestDone(status: number): void {
    const counts = this.#current;
    counts.requests++;
    if (status >= 500) counts.requestErrors++;
  }

  /** Passes everything on, and counts what the overview shows. */
  counting(metrics: TaskMetrics): TaskMetrics {
    return {
      ...metrics,
      taskCreated: (agentId) => {
        this.#current.tasksCreated++;
        metrics.taskCreated(agentId);
      },
      turnEnded: (agentId, state, durationMs) => {
        addTurn(this.#current, durationMs, state === 'TASK_STATE_FAILED' || state === 'TASK_STATE_REJECTED');
        metrics.turnEnded(agentId, state, durationMs);
      },
    };
  }

  get #current(): Counts {
    if (this.#clock.now() >= this.#atMs + SHORT_MS) this.#close();
    return this.#counts;
  }

  #close(): void {
    const atMs = this.#atMs;
    const counts = this.#counts;
    this.#atMs = beginning(this.#clock.now(), SHORT_MS);
    this.#counts = noCounts();
    add(this.#short, atMs, counts);
    add(this.#long, beginning(atMs, LONG_MS), counts);
    const [oldest] = this.#short.keys();
    if (oldest !== undefined && this.#short.size > MAX_WAITING) this.#short.delete(oldest);
  }

  /** What is to be stored. `all`: also what is not over yet, as nothing more comes. */
  unsaved(all = false): readonly ActivitySpan[] {
    if (all || this.#clock.now() >= this.#atMs + SHORT_MS) this.#close();
    if (this.#short.size === 0) return [];
    const spans: ActivitySpan[] = [];
    for (const [atMs, counts] of this.#short) spans.push({ lengthMs: SHORT_MS, atMs, counts: { ...counts } });
    for (const [atMs, counts] of this.#long) {
      spans.push({ lengthMs: LONG_MS, atMs, counts: { ...counts, turnBins: [...counts.turnBins] } });
    }
    return spans;
  }

  /** They are stored. Long ones are kept as long as there may be more in them than was stored. */
  saved(spans: readonly ActivitySpan[]): void {
    for (const { lengthMs, atMs } of spans) if (lengthMs === SHORT_MS) this.#short.delete(atMs);
    const open = new Set([this.#atMs, ...this.#short.keys()].map((atMs) => beginning(atMs, LONG_MS)));
    for (const atMs of this.#long.keys()) if (!open.has(atMs)) this.#long.delete(atMs);
  }
}

function add(spans: Map<number, Counts>, atMs: number, counts: Counts): void {
  const known = spans.get(atMs);
  if (known !== undefined) addCounts(known, counts);
  else spans.set(atMs, { ...counts, turnBins: [...counts.turnBins] });
}

function beginning(ms: number, lengthMs: number): number {
  return Math.floor(ms / lengthMs) * lengthMs;
}
