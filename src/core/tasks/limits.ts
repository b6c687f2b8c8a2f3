/** The limits of a run: those that are configured, each named in the error that it causes, and those of its buffer. */

export interface TaskLimits {
  /** Tasks that this process runs at once, those of one owner among them, and those of one agent (0: as many). */
  readonly maxRunning: number;
  readonly maxRunningPerOwner: number;
  readonly maxRunningPerAgent: number;
  /** Tasks that wait for room at a replica, in all (0: none may), and those of one owner among them. */
  readonly maxQueued: number;
  readonly maxQueuedPerOwner: number;
  /** JSON text of one event, in UTF-16 code units. */
  readonly maxEventBytes: number;
  /** JSON text of one accepted message, in UTF-16 code units. */
  readonly maxMessageBytes: number;
  readonly maxPartsPerMessage: number;
  readonly maxHistoryMessages: number;
  readonly maxEventsPerTask: number;
  /** Stored text of one task, in UTF-16 code units. */
  readonly maxTaskBytes: number;
  /** A turn that gives no event for so long fails; 0: never. */
  readonly idleTimeoutMs: number;
  /** A turn that takes longer fails; 0: never. An agent's own limit goes first. */
  readonly maxDurationMs: number;
  /** How long a canceled agent may take to clean up before its task is canceled without it. */
  readonly cancelGraceMs: number;
  /** How often one turn is started again after its replica died. */
  readonly maxAttempts: number;
  /** How long a replica that does not renew its lease keeps its tasks. */
  readonly leaseTtlMs: number;
}

/** Events that may wait for one commit; an agent that produces faster waits for it. */
export const MAX_PENDING_EVENTS = 64;
export const MAX_PENDING_CHARS = 256 * 1024;
