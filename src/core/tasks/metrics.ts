/** What the engine counts; `ops` turns it into Prometheus metrics. */
import type { TaskState } from '../../protocol/v1/types.ts';

export interface TaskMetrics {
  taskCreated(agentId: string): void;
  /** A turn ended in a settled state; `durationMs` since the turn began. */
  turnEnded(agentId: string, state: TaskState, durationMs: number): void;
  eventsCommitted(count: number): void;
  groupCommitted(writes: number): void;
  commitFailed(writes: number): void;
  /** A write lost its compare-and-swap: somebody else holds the task. */
  leaseLost(agentId: string): void;
  taskRecovered(agentId: string, how: 'resume' | 'restart' | 'fail'): void;
  /** A send joined a task that an earlier send made. */
  sendDeduplicated(): void;
  /** A queued turn was claimed, `waitMs` after it was stored. */
  taskDequeued(agentId: string, waitMs: number): void;
  /** A task that nobody ran was claimed: one that was queued, one that was given back, or one of a dead replica. */
  taskClaimed(from: 'queued' | 'released' | 'dead'): void;
  limitReached(limit: string): void;
}

export const NO_METRICS: TaskMetrics = {
  taskCreated: () => {},
  turnEnded: () => {},
  eventsCommitted: () => {},
  groupCommitted: () => {},
  commitFailed: () => {},
  leaseLost: () => {},
  taskRecovered: () => {},
  sendDeduplicated: () => {},
  taskDequeued: () => {},
  taskClaimed: () => {},
  limitReached: () => {},
};
