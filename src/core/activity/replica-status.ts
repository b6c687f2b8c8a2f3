/** How a replica is, from what it last said and from its lease. */
import type { ReportedReplica } from './activity-store.ts';

/**
 * `alive`: its leases hold. `late`: they have just run out, and others take its tasks over; it may come back. `gone`: it did
 * not come back. `stopped`: it ended in good order.
 */
export const REPLICA_STATUSES = ['alive', 'late', 'gone', 'stopped'] as const;
export type ReplicaStatus = (typeof REPLICA_STATUSES)[number];

const LATE_MS = 60_000;

export function statusOf({ endedAtMs, leaseLeftMs }: ReportedReplica): ReplicaStatus {
  if (endedAtMs !== null) return 'stopped';
  if (leaseLeftMs === null || leaseLeftMs <= -LATE_MS) return 'gone';
  return leaseLeftMs > 0 ? 'alive' : 'late';
}
