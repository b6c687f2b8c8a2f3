/** From what an agent yields to the next head and row of its task: pure, and the one place where limits on events hold. */
import { AppError, assertNever } from '../../protocol/errors.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { Message, Part, TaskState } from '../../protocol/v1/types.ts';
import type { Ids } from '../ids.ts';
import type { AgentEvent, AgentMessage } from './executor.ts';
import type { TaskLimits } from './limits.ts';
import { type Address, artifactRow, type LogRow, messageRow, sizeOf, statusJson, statusRow, taskRow } from './log.ts';
import { canFollow } from './states.ts';
import type { TaskHead } from './store.ts';

export interface Step {
  readonly head: TaskHead;
  readonly row: LogRow;
}

export function addressOf(head: TaskHead): Address {
  return { taskId: head.id, contextIdJson: JSON.stringify(head.contextId) };
}

/** A message of the agent about its task, with the ids that it needs. */
export function agentMessageJson(message: AgentMessage, head: TaskHead, ids: Ids): string {
  return JSON.stringify(agentMessage(message, head, ids));
}

function agentMessage(message: AgentMessage, head: TaskHead, ids: Ids): Message {
  checkParts(message.parts, 'message');
  return {
    messageId: ids.next(),
    contextId: head.contextId,
    taskId: head.id,
    role: 'ROLE_AGENT',
    parts: message.parts,
    ...(message.metadata === undefined ? {} : { metadata: message.metadata }),
    ...(message.extensions === undefined ? {} : { extensions: message.extensions }),
  };
}

function checkParts(parts: readonly Part[], what: string): void {
  if (parts.length > 0) return;
  throw new AppError('INVALID_AGENT_RESPONSE', `The agent gave a ${what} without parts`);
}

export interface StatusChange {
  readonly state: TaskState;
  readonly nowMs: number;
  /** The agent's message, as 1.0 JSON text. */
  readonly messageJson?: string | null;
  /** The message of the user that causes this change, as 1.0 JSON text. */
  readonly userMessage?: string | null;
  readonly metadata?: JsonObject | undefined;
}

/** A change of status: the only step that changes `state`. Throws INTERNAL where the table does not allow it. */
export function statusStep(head: TaskHead, change: StatusChange): Step {
  const { state, nowMs, messageJson = null, userMessage = null, metadata } = change;
  if (!canFollow(head.state, state)) {
    throw new AppError('INTERNAL', 'Internal error', { detail: `${head.id}: ${state} cannot follow ${head.state}` });
  }
  // Never backwards: the order of ListTasks follows the order of the log even when the clock is set back.
  const statusAtMs = Math.max(nowMs, head.statusAtMs);
  const timestamp = new Date(statusAtMs).toISOString();
  const row = statusRow(head.seq + 1, addressOf(head), { state, timestamp, messageJson, userMessage, metadata });
  const messages = (messageJson === null ? 0 : 1) + (userMessage === null ? 0 : 1);
  return {
    row,
    head: {
      ...head,
      state,
      status: statusJson(state, messageJson, timestamp),
      statusAtMs,
      seq: row.seq,
      messageCount: head.messageCount + messages,
      sizeChars: head.sizeChars + sizeOf(row),
    },
  };
}

/** seq 1 of a task that began unlisted, because its agent might have answered with a Message: it is a task after all. */
export function announceStep(head: TaskHead, message: Message): Step {
  const text = JSON.stringify({ ...message, contextId: head.contextId, taskId: head.id });
  const row = taskRow(1, addressOf(head), head.status, text, false);
  return { row, head: { ...head, seq: 1, listed: true, sizeChars: head.sizeChars + sizeOf(row) } };
}

/** One event of an agent. Throws INVALID_AGENT_RESPONSE or LIMIT_EXCEEDED, with which the task then fails. */
export function agentStep(head: TaskHead, event: AgentEvent, nowMs: number, ids: Ids, limits: TaskLimits): Step {
  const step = unlimitedStep(head, event, nowMs, ids);
  const size = step.row.body.length;
  checkLimit(size, limits.maxEventBytes, 'tasks.maxEventBytes', 'an event');
  checkLimit(step.head.seq, limits.maxEventsPerTask, 'tasks.maxEventsPerTask', 'its events');
  checkLimit(step.head.sizeChars, limits.maxTaskBytes, 'tasks.maxTaskBytes', 'the task');
  checkLimit(step.head.messageCount, limits.maxHistoryMessages, 'tasks.maxHistoryMessages', 'its history');
  return step;
}

function checkLimit(value: number, limit: number, key: string, what: string): void {
  if (value <= limit) return;
  throw new AppError(
    'LIMIT_EXCEEDED',
    `The agent went over a limit of this server: ${what} is ${value}, ${key} is ${limit}`,
    { metadata: { limit: key } },
  );
}

function unlimitedStep(head: TaskHead, event: AgentEvent, nowMs: number, ids: Ids): Step {
  if (event.type === 'status') {
    const messageJson = event.message === undefined ? null : agentMessageJson(event.message, head, ids);
    return statusStep(head, { state: event.state, nowMs, messageJson, metadata: event.metadata });
  }
  if (event.type === 'artifact') {
    checkParts(event.artifact.parts, 'artifact');
    const row = artifactRow(head.seq + 1, addressOf(head), {
      artifact: { ...event.artifact, artifactId: event.artifact.artifactId ?? ids.next() },
      append: event.append ?? false,
      lastChunk: event.lastChunk ?? false,
      metadata: event.metadata,
    });
    return { row, head: { ...head, seq: row.seq, sizeChars: head.sizeChars + sizeOf(row) } };
  }
  if (event.type !== 'message') return assertNever(event);
  const row = messageRow(head.seq + 1, agentMessage(event.message, head, ids));
  return {
    row,
    head: {
      ...head,
      state: 'TASK_STATE_COMPLETED',
      status: statusJson('TASK_STATE_COMPLETED', null, new Date(nowMs).toISOString()),
      statusAtMs: nowMs,
      seq: row.seq,
      listed: false,
      messageCount: head.messageCount + 1,
      sizeChars: head.sizeChars + sizeOf(row),
    },
  };
}
