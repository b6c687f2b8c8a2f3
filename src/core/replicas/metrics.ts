/** What is counted of the messages between replicas; `ops` turns it into Prometheus metrics. */

/**
 * Why messages were given up; each costs a little time and nothing else. `queue`: faster than the bus takes them;
 * `unreadable`: sealed with another key, changed on the way, or of a form that this version does not know.
 */
export type DropReason = 'queue' | 'unreadable';

export interface ReplicaMetrics {
  payloadsSent(count: number): void;
  payloadReceived(): void;
  dropped(reason: DropReason, count: number): void;
}

export const NO_REPLICA_METRICS: ReplicaMetrics = {
  payloadsSent: () => {},
  payloadReceived: () => {},
  dropped: () => {},
};
