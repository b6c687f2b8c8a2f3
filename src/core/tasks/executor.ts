/** What an agent must provide to run tasks, and what it gets. The engine is the only writer of tasks. */
import type { JsonObject } from '../../protocol/json.ts';
import type { Message, Part, Task, TaskState } from '../../protocol/v1/types.ts';
import type { ArtifactChunk } from './log.ts';

/** An agent's message; the engine gives it id, task and context. */
export interface AgentMessage {
  readonly parts: Part[];
  readonly metadata?: JsonObject;
  readonly extensions?: string[];
}

/** One step of a task. Each becomes exactly one event with its own `seq`. */
export type AgentEvent =
  | {
      readonly type: 'status';
      readonly state: Exclude<TaskState, 'TASK_STATE_SUBMITTED'>;
      readonly message?: AgentMessage;
      readonly metadata?: JsonObject;
    }
  | {
      readonly type: 'artifact';
      /** Without `artifactId` it is a new artifact. */
      readonly artifact: Omit<ArtifactChunk, 'artifactId'> & { readonly artifactId?: string };
      readonly append?: boolean;
      readonly lastChunk?: boolean;
      readonly metadata?: JsonObject;
    }
  /** The whole answer is a Message, no task: only as the first event, and only of an agent with `replies: 'either'`. */
  | { readonly type: 'message'; readonly message: AgentMessage };

/** One turn of a task: from an accepted message to the next terminal or input-required state. */
export interface Run {
  readonly taskId: string;
  readonly contextId: string;
  readonly ownerId: string;
  /** The message that began this turn. */
  readonly message: Message;
  /** 1 for the first attempt at this turn, more after a crash. */
  readonly attempt: number;
  /** Aborted on cancel, on shutdown, on a time limit, and when another replica has taken the task over. */
  readonly signal: AbortSignal;
  /** The task as stored: what earlier turns and, with recovery `resume`, earlier attempts have made. */
  loadTask(): Promise<Task>;
  /** Resolves after `ms`; rejects with the signal's reason when the run is aborted before. */
  sleep(ms: number): Promise<void>;
  /** Milliseconds since 1970. */
  now(): number;
}

/**
 * What happens to a turn whose replica died: `resume` calls `execute` again and keeps what was stored, `restart` calls
 * it again and discards what the broken attempt had stored, `fail` ends the task and says why.
 */
export type Recovery = 'resume' | 'restart' | 'fail';

export interface Executor {
  /**
   * Runs one turn. Ending without a terminal or interrupted status means completed; throwing means failed. After a
   * terminal or input-required status the engine takes nothing more.
   */
  execute(run: Run): AsyncIterable<AgentEvent>;
  readonly recovery: Recovery;
  /**
   * `none`: a pure function of the task, so that it may begin before its task is committed and share that commit.
   * `external` (almost every agent): it begins only when the task is durable, and never for a duplicate.
   */
  readonly effects: 'none' | 'external';
  /** `either`: it may answer with a Message instead of a task. */
  readonly replies: 'task' | 'either';
  /** Longest turn in milliseconds; 0 means no limit for work that makes progress. */
  readonly maxDurationMs: number;
}
