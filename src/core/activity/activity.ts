/**
 * What this process does, counted over short spans of time and over long ones. In memory it has an hour of short ones and a
 * day of long ones: more is lost only where the database does not answer for so long. What is stored stays there too, as a
 * clock that was set back makes a span go on that was over, and the store replaces what it has of it.
 */
import type { Clock } from '../clock.ts';
import type { TaskMetrics } from '../tasks/metrics.ts';
import { type ActivitySpan, LONG_MS, SHORT_MS } from './activity-store.ts';
import { addCounts, addTurn, type Counts, noCounts } from './counts.ts';

const SAMPLE_MS = 2000;
const MAX_SHORT = 3_600_000 / SHORT_MS;
const MAX_LONG = 86_400_000 / LONG_MS;

export interface ActivitySources {
  readonly running: () => number;
  readonly queued: () => number;
}

export class Activity {
  readonly #clock: Clock;
  /** The short span that is not over. */
  #atMs: number;
  #counts: Counts = noCounts();
  /** By their beginning: what is over, of long spans also the part that is. Counts in it are replaced, never changed. */
  readonly #short = new Map<number, Counts>();
  readonly #long = new Map<number, Counts>();
  readonly #stored = new WeakSet<Counts>();
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
      if (this.unsaved().length > 0) onSpanOver();
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
    if (this.#isOver) this.#close();
    return this.#counts;
  }

  /** Also where the clock was set back. */
  get #isOver(): boolean {
    const nowMs = this.#clock.now();
    return nowMs < this.#atMs || nowMs >= this.#atMs + SHORT_MS;
  }

  #close(): void {
    const atMs = this.#atMs;
    const counts = this.#counts;
    this.#atMs = beginning(this.#clock.now(), SHORT_MS);
    this.#counts = noCounts();
    add(this.#short, atMs, counts, MAX_SHORT);
    add(this.#long, beginning(atMs, LONG_MS), counts, MAX_LONG);
  }

  /** What is to be stored. `all`: also what is not over yet, as nothing more comes. */
  unsaved(all = false): readonly ActivitySpan[] {
    if (all || this.#isOver) this.#close();
    const spans: ActivitySpan[] = [];
    for (const [atMs, counts] of this.#short) spans.push({ lengthMs: SHORT_MS, atMs, counts });
    for (const [atMs, counts] of this.#long) spans.push({ lengthMs: LONG_MS, atMs, counts });
    return spans.filter(({ counts }) => !this.#stored.has(counts));
  }

  /** They are stored. What was counted since they were asked for is not among them. */
  saved(spans: readonly ActivitySpan[]): void {
    for (const { counts } of spans) this.#stored.add(counts);
  }
}

function add(spans: Map<number, Counts>, atMs: number, counts: Counts, maxSpans: number): void {
  const sum = noCounts();
  addCounts(sum, counts);
  const known = spans.get(atMs);
  if (known !== undefined) addCounts(sum, known);
  spans.set(atMs, sum);
  const [oldest] = spans.keys();
  if (oldest !== undefined && spans.size > maxSpans) spans.delete(oldest);
}

function beginning(ms: number, lengthMs: number): number {
  return Math.floor(ms / lengthMs) * lengthMs;
}
