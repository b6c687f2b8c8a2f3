/** What the parts of the engine (taking messages in, taking tasks over) need of it. */
import type { Clock } from '../clock.ts';
import type { Ids } from '../ids.ts';
import type { Logger } from '../logger.ts';
import type { Step } from './events.ts';
import type { TaskLimits } from './limits.ts';
import type { TaskMetrics } from './metrics.ts';
import type { TaskRun } from './run.ts';
import type { RunStart } from './run-start.ts';
import type { CommitResult, TaskHead, TaskScope, TaskStore, TaskWrite } from './store.ts';

export interface EngineHost {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly limits: TaskLimits;
  readonly logger: Logger;
  readonly metrics: TaskMetrics;
  readonly store: TaskStore;
  readonly replicaId: string;
  /** Tasks that this process runs. */
  readonly runningCount: number;
  /** The run of a task in this process. */
  runOf(taskId: string): TaskRun | undefined;
  /** All runs of this process. */
  runs(): Iterable<TaskRun>;
  /** Registers a run, which is not begun yet. There is at most one per task. */
  newRun(start: RunStart): TaskRun;
  /**
   * Whether a turn begins here at once, or is queued until a replica has room for it. Throws UNAVAILABLE during shutdown
   * where no other replica could take it, and LIMIT_EXCEEDED when too many wait already. To be asked right before.
   */
  placeFor(scope: TaskScope): 'here' | 'queue';
  /** Whether `lookAtQueue` must come before `placeFor`: so many were queued since the last look that limits may be passed. */
  isQueueLookDue(scope: TaskScope): boolean;
  /** Rejects where the store does. */
  lookAtQueue(): Promise<void>;
  /**
   * Commits a turn that nobody begins yet, and publishes its first event. Throws UNAVAILABLE when the commit failed.
   */
  enqueue(write: TaskWrite): Promise<CommitResult>;
  /**
   * Commits the last steps of a task without a run, and publishes them. Answers false, and writes nothing, if the task
   * has changed. Throws UNAVAILABLE when the commit failed.
   */
  writeEnd(before: TaskHead, steps: readonly Step[]): Promise<boolean>;
}
