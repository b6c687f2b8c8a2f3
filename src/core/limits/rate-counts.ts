/** The port by which replicas count together how often somebody calls. What it holds may be lost: a minute then begins anew. */

/** So many more for one caller. */
export interface RateAdd {
  readonly key: string;
  readonly n: number;
}

/** Of the window that a caller is in, everything in it included. */
export interface RateCount {
  readonly used: number;
  readonly endsInMs: number;
}

export interface RateCounts {
  /**
   * Adds to windows that begin with a caller's first request and last `windowMs`, whichever replica it comes to. Result i
   * belongs to add i; their keys differ.
   */
  add(adds: readonly RateAdd[], windowMs: number): Promise<readonly RateCount[]>;
  /** Forgets at most `limit` windows that are over; returns how many. */
  prune(limit: number): Promise<number>;
}
