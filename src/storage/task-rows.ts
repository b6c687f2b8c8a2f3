/** How tasks and log rows lie in columns: shared by both databases. */
import type { LogContent, LogKind, LogRow } from '../core/tasks/log.ts';
import type { TaskHead } from '../core/tasks/store.ts';
import { AppError } from '../protocol/errors.ts';
import { TASK_STATES, type TaskState } from '../protocol/v1/types.ts';

/** task_log.id = tasks.num * SEQ_SPAN + seq. A task can therefore have no more than SEQ_SPAN - 1 events. */
export const SEQ_SPAN = 1_048_576;

/** Stored numbers of the kinds and contents: do not renumber. */
const KINDS: readonly LogKind[] = ['input', 'task', 'status', 'artifact', 'message'];
const CONTENTS: readonly LogContent[] = ['none', 'message', 'artifact'];
export const CONTENT_NONE = 0;
export const CONTENT_MESSAGE = 1;
export const CONTENT_ARTIFACT = 2;

export const kindNumber = (kind: LogKind): number => KINDS.indexOf(kind);
export const contentNumber = (content: LogContent): number => CONTENTS.indexOf(content);

/** Column lists, in the order of the row types below. */
export const HEAD_COLUMNS = `id, owner_id, agent_id, context_id, state, status, status_at, created_at, seq, first_seq,
  turn_seq, listed, message_count, size_chars, lease_replica, lease_epoch, attempt`;
export const LOG_COLUMNS = 'id, kind, content, append, content_start, content_end, artifact_id, user_message, body';

export interface HeadRecord {
  id: string;
  owner_id: string;
  agent_id: string;
  context_id: string;
  state: string;
  status: string;
  status_at: number;
  created_at: number;
  seq: number;
  first_seq: number;
  turn_seq: number;
  listed: number;
  message_count: number;
  size_chars: number;
  lease_replica: string | null;
  lease_epoch: number;
  attempt: number;
  /** Where it was selected. */
  push_configs?: number;
}

export interface LogRecord {
  id: number;
  kind: number;
  content: number;
  append: number;
  content_start: number;
  content_end: number;
  artifact_id: string | null;
  user_message: string | null;
  body: string;
}

const STATES: ReadonlySet<string> = new Set(TASK_STATES);

/** A stored state. Throws INTERNAL for one that this program does not know. */
export function taskState(value: string): TaskState {
  if (isTaskState(value)) return value;
  throw new AppError('INTERNAL', 'Internal error', { detail: `stored task has unknown state ${value}` });
}

function isTaskState(value: string): value is TaskState {
  return STATES.has(value);
}

export function headOf(record: HeadRecord): TaskHead {
  return {
    id: record.id,
    ownerId: record.owner_id,
    agentId: record.agent_id,
    contextId: record.context_id,
    state: taskState(record.state),
    status: record.status,
    statusAtMs: record.status_at,
    createdAtMs: record.created_at,
    seq: record.seq,
    firstSeq: record.first_seq,
    turnSeq: record.turn_seq,
    listed: record.listed === 1,
    messageCount: record.message_count,
    sizeChars: record.size_chars,
    leaseReplica: record.lease_replica,
    leaseEpoch: record.lease_epoch,
    attempt: record.attempt,
    ...((record.push_configs ?? 0) > 0 ? { hasPushConfigs: true as const } : {}),
  };
}

export function logRowOf(record: LogRecord): LogRow {
  return {
    seq: record.id % SEQ_SPAN,
    kind: KINDS[record.kind] ?? 'status',
    content: CONTENTS[record.content] ?? 'none',
    body: record.body,
    contentStart: record.content_start,
    contentEnd: record.content_end,
    userMessage: record.user_message,
    artifactId: record.artifact_id,
    append: record.append === 1,
  };
}
