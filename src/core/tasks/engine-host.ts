/** What the parts of the engine (taking messages in, taking tasks over) need of it. */
import type { Clock } from '../clock.ts';
import type { Ids } from '../ids.ts';
import type { Logger } from '../logger.ts';
import type { Step } from './events.ts';
import type { TaskLimits } from './limits.ts';
import type { TaskMetrics } from './metrics.ts';
import type { TaskRun } from './run.ts';
import type { RunStart } from './run-start.ts';
import type { TaskHead, TaskStore } from './store.ts';

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
  /** Registers a run, which is not begun yet. There is at most one per task. */
  newRun(start: RunStart): TaskRun;
  /** Throws UNAVAILABLE during shutdown, and LIMIT_EXCEEDED when this process, or the owner, runs as many tasks as configured. */
  checkRoom(ownerId: string): void;
  /**
   * Commits the last steps of a task without a run, and publishes them. Answers false, and writes nothing, if the task
   * has changed. Throws UNAVAILABLE when the commit failed.
   */
  writeEnd(before: TaskHead, steps: readonly Step[]): Promise<boolean>;
}
