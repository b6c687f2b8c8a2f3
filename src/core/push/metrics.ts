/** What push notifications count; `ops` turns it into Prometheus metrics. */

export interface PushMetrics {
  /** `delivered`, or in one word why not. */
  attempted(result: string, durationMs: number): void;
  deadLettered(reason: string): void;
  leaseLost(): void;
  limitReached(limit: string): void;
}

export const NO_PUSH_METRICS: PushMetrics = {
  attempted: () => {},
  deadLettered: () => {},
  leaseLost: () => {},
  limitReached: () => {},
};
