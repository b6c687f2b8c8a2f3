/** What the parts of the engine (taking messages in, taking tasks over) need of it. */
import type { Clock } from '../clock.ts';
import type { Ids } from '../ids.ts';
import type { Logger } from '../logger.ts';
import type { Step } from './events.ts';
import type { TaskLimits } from './limits.ts';
import type { TaskMetrics } from './metrics.ts';
import type { RunStart, TaskRun } from './run.ts';
import type { TaskHead, TaskStore } from './store.ts';

export interface EngineHost {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly limits: TaskLimits;
  readonly logger: Logger;
  readonly metrics: TaskMetrics;
  readonly store: TaskStore;
  readonly replicaId: string;
  /** The run of a task in this process. */
  runOf(taskId: string): TaskRun | undefined;
  /** Registers a run, which is not begun yet. There is at most one per task. */
  newRun(start: RunStart): TaskRun;
  /** Throws LIMIT_EXCEEDED when this process, or the owner, runs as many tasks as configured. */
  checkRoom(ownerId: string): void;
  /** Commits a terminal step of a task without a run, and publishes it. Writes nothing if the task has changed. */
  writeEnd(before: TaskHead, step: Step): Promise<void>;
}
