/** The port to what all replicas did and do: their activity over a day, and the last that each said of itself. */
import type { Counts } from './counts.ts';

/** Lengths of the spans that are stored: short ones for the last hour, long ones for the last day. */
export const SHORT_MS = 10_000;
export const LONG_MS = 900_000;
/** How long they are kept; what replicas said of themselves as long as the long ones. */
export const SHORT_KEPT_MS = 75 * 60_000;
export const LONG_KEPT_MS = 25 * 3_600_000;

export type SpanMs = typeof SHORT_MS | typeof LONG_MS;

export interface ActivitySpan {
  readonly lengthMs: SpanMs;
  /** A multiple of its length, milliseconds since 1970. */
  readonly atMs: number;
  readonly counts: Counts;
}

/** What a replica says of itself. */
export interface ReplicaReport {
  /** Unique per start of a process. */
  readonly id: string;
  /** For people: `host:port`. */
  readonly name: string;
  readonly version: string;
  readonly startedAtMs: number;
  /** When it stopped in good order; null: it runs. */
  readonly endedAtMs: number | null;
  readonly runningTasks: number;
  readonly queuedWrites: number;
}

export interface ReportedReplica extends ReplicaReport {
  /** When it said so, by the clock of the database. */
  readonly seenAtMs: number;
  /** How long its leases hold from now on, negative: since when they do not; null: it has none. By the clock of the database. */
  readonly leaseLeftMs: number | null;
}

export interface ActivityStore {
  /** Spans that are stored already are replaced: said twice, it counts once. */
  save(report: ReplicaReport, spans: readonly ActivitySpan[]): Promise<void>;
  /** Those of all replicas that begin at `fromMs` or later, ascending. */
  spans(lengthMs: SpanMs, fromMs: number): Promise<readonly ActivitySpan[]>;
  /** Those that are alive before the others, each the latest start first, at most `limit`. */
  replicas(limit: number): Promise<readonly ReportedReplica[]>;
  /** Forgets what is past its time, at most `limit` of each; returns how much. */
  prune(nowMs: number, limit: number): Promise<number>;
}
