/** Writes of tasks as the engine would make them, for tests of the stores. */
import { statusStep } from '../../src/core/tasks/events.ts';
import { artifactRow, inputRow, type LogRow, sizeOf, statusJson, taskRow } from '../../src/core/tasks/log.ts';
import { isTerminal } from '../../src/core/tasks/states.ts';
import type { Deduplication, TaskHead, TaskWrite } from '../../src/core/tasks/store.ts';
import type { TaskState } from '../../src/protocol/v1/types.ts';

/** Late enough not to fit into 32 bits. */
export const T0 = 1_800_000_000_000;

let made = 0;

export interface NewTask {
  readonly id?: string;
  readonly ownerId?: string;
  readonly agentId?: string;
  readonly contextId?: string;
  readonly atMs?: number;
  readonly listed?: boolean;
  readonly text?: string;
  readonly dedup?: Deduplication | null;
  readonly lease?: string | null;
}

/** The write that creates a task. Ids grow with each call, as UUIDs version 7 do. */
export function newTask(options: NewTask = {}): TaskWrite {
  made++;
  const id = options.id ?? `task-${String(made).padStart(8, '0')}`;
  const { ownerId = 'owner-1', agentId = 'echo', contextId = `context-${made}`, atMs = T0 + made } = options;
  const { listed = true, text = 'hello', dedup = null, lease = 'replica-1' } = options;
  const message = userMessage(text, id);
  const status = statusJson('TASK_STATE_SUBMITTED', null, new Date(atMs).toISOString());
  const address = { taskId: id, contextIdJson: JSON.stringify(contextId) };
  const row = listed ? taskRow(1, address, status, message, true) : inputRow(message);
  const head: TaskHead = {
    id,
    ownerId,
    agentId,
    contextId,
    state: 'TASK_STATE_SUBMITTED',
    status,
    statusAtMs: atMs,
    createdAtMs: atMs,
    seq: row.seq,
    firstSeq: 1,
    turnSeq: row.seq,
    listed,
    messageCount: 1,
    sizeChars: sizeOf(row),
    leaseReplica: lease,
    leaseEpoch: 1,
    attempt: 1,
  };
  return { before: null, head, rows: [row], discard: null, dedup };
}

export function userMessage(text: string, taskId: string): string {
  return JSON.stringify({ messageId: `m-${made}`, taskId, role: 'ROLE_USER', parts: [{ text }] });
}

export interface Change {
  readonly atMs?: number;
  readonly agentText?: string;
  readonly userText?: string;
  readonly dedup?: Deduplication | null;
}

/** The write of one status event; a terminal state gives the lease back. */
export function status(before: TaskHead, state: TaskState, change: Change = {}): TaskWrite {
  const { atMs = before.statusAtMs + 1, agentText, userText, dedup = null } = change;
  const agent = { messageId: `a-${before.seq}`, role: 'ROLE_AGENT', parts: [{ text: agentText }] };
  const { head, row } = statusStep(before, {
    state,
    nowMs: atMs,
    messageJson: agentText === undefined ? null : JSON.stringify(agent),
    userMessage: userText === undefined ? null : userMessage(userText, before.id),
  });
  const leaseReplica = isTerminal(state) ? null : head.leaseReplica;
  return { before, head: { ...head, leaseReplica }, rows: [row], discard: null, dedup };
}

/** The write of `texts.length` artifact chunks. */
export function chunks(before: TaskHead, texts: readonly string[], artifactId = 'artifact-1'): TaskWrite {
  const address = { taskId: before.id, contextIdJson: JSON.stringify(before.contextId) };
  const rows: LogRow[] = texts.map((text, index) =>
    artifactRow(before.seq + 1 + index, address, {
      artifact: { artifactId, parts: [{ text }] },
      append: index > 0,
      lastChunk: false,
      metadata: undefined,
    }),
  );
  const sizeChars = rows.reduce((sum, row) => sum + sizeOf(row), before.sizeChars);
  return {
    before,
    head: { ...before, seq: before.seq + rows.length, sizeChars },
    rows,
    discard: null,
    dedup: null,
  };
}

export function dedupOf(key: string, fields: Partial<Deduplication> = {}): Deduplication {
  return { key, bodyHash: 'body-1', expiresAtMs: T0 + 60_000, nowMs: T0, ...fields };
}
