/**
 * The rows of a task's log. The JSON of an event is made here, once, and that text is what is stored and what every
 * subscriber, page and push gets. A row also says where in its text the content lies (a Message or an Artifact), so
 * that a snapshot is cut from the rows without parsing them and content is stored only once.
 */
import type { JsonObject } from '../../protocol/json.ts';
import { type Message, type Part, TASK_STATES, type TaskState } from '../../protocol/v1/types.ts';

/** `input`: a message whose task has not answered with an event yet (seq 0, not an event, never sent). */
export type LogKind = 'task' | 'status' | 'artifact' | 'message' | 'input';

/** What a row holds besides being an event: rows with content outlive the retention of the log. */
export type LogContent = 'none' | 'message' | 'artifact';

export interface LogRow {
  /** 1, 2, 3, ... within the task, no gaps; 0 for `input`. */
  readonly seq: number;
  readonly kind: LogKind;
  readonly content: LogContent;
  /** The StreamResponse as 1.0 JSON text; empty for `input`. */
  readonly body: string;
  /** Where `body` holds the Message or Artifact: UTF-16 code units, end exclusive; both 0 where it holds none. */
  readonly contentStart: number;
  readonly contentEnd: number;
  /** The user's message that caused this event, as 1.0 JSON text, where `body` does not hold it. */
  readonly userMessage: string | null;
  readonly artifactId: string | null;
  /** Artifact rows: this chunk continues the artifact instead of replacing it. */
  readonly append: boolean;
}

export interface Address {
  readonly taskId: string;
  /** JSON text of the context id, quotes included. */
  readonly contextIdJson: string;
}

export interface ArtifactChunk {
  readonly artifactId: string;
  readonly name?: string;
  readonly description?: string;
  readonly parts: readonly Part[];
  readonly metadata?: JsonObject;
  readonly extensions?: readonly string[];
}

/** TaskStatus as JSON text. `timestamp` is RFC 3339 in UTC with milliseconds (A2A 1.0 section 5.6.1). */
export function statusJson(state: TaskState, messageJson: string | null, timestamp: string): string {
  const message = messageJson === null ? '' : `,"message":${messageJson}`;
  return `{"state":"${state}"${message},"timestamp":"${timestamp}"}`;
}

/** seq 1 of a task: the submitted Task with the message that began it. */
export function taskRow(seq: number, address: Address, status: string, userMessage: string, counted: boolean): LogRow {
  const head = `{"task":{"id":"${address.taskId}","contextId":${address.contextIdJson},"status":${status},"history":[`;
  return {
    seq,
    kind: 'task',
    content: counted ? 'message' : 'none',
    body: `${head}${userMessage}]}}`,
    contentStart: counted ? head.length : 0,
    contentEnd: counted ? head.length + userMessage.length : 0,
    userMessage: null,
    artifactId: null,
    append: false,
  };
}

/** A message that waits for the first event of its task. */
export function inputRow(userMessage: string): LogRow {
  return {
    seq: 0,
    kind: 'input',
    content: 'message',
    body: '',
    contentStart: 0,
    contentEnd: 0,
    userMessage,
    artifactId: null,
    append: false,
  };
}

export interface StatusEventInput {
  readonly state: TaskState;
  readonly timestamp: string;
  /** The agent's message, as 1.0 JSON text. */
  readonly messageJson: string | null;
  /** The accepted message of the user that caused this event, as 1.0 JSON text. */
  readonly userMessage: string | null;
  readonly metadata: JsonObject | undefined;
}

export function statusRow(seq: number, address: Address, input: StatusEventInput): LogRow {
  const { state, timestamp, messageJson, userMessage, metadata } = input;
  const lead = `{"statusUpdate":{"taskId":"${address.taskId}","contextId":${address.contextIdJson},"status":`;
  const status = statusJson(state, messageJson, timestamp);
  const tail = metadata === undefined ? '}}' : `,"metadata":${JSON.stringify(metadata)}}}`;
  const start = messageJson === null ? 0 : lead.length + `{"state":"${state}","message":`.length;
  return {
    seq,
    kind: 'status',
    content: messageJson === null && userMessage === null ? 'none' : 'message',
    body: `${lead}${status}${tail}`,
    contentStart: start,
    contentEnd: messageJson === null ? 0 : start + messageJson.length,
    userMessage,
    artifactId: null,
    append: false,
  };
}

export interface ArtifactEventInput {
  readonly artifact: ArtifactChunk;
  readonly append: boolean;
  readonly lastChunk: boolean;
  readonly metadata: JsonObject | undefined;
}

export function artifactRow(seq: number, address: Address, input: ArtifactEventInput): LogRow {
  const { artifact, append, lastChunk, metadata } = input;
  const lead = `{"artifactUpdate":{"taskId":"${address.taskId}","contextId":${address.contextIdJson},"artifact":`;
  const json = JSON.stringify(artifact);
  const flags = `${append ? ',"append":true' : ''}${lastChunk ? ',"lastChunk":true' : ''}`;
  const tail = metadata === undefined ? '}}' : `,"metadata":${JSON.stringify(metadata)}}}`;
  return {
    seq,
    kind: 'artifact',
    content: 'artifact',
    body: `${lead}${json}${flags}${tail}`,
    contentStart: lead.length,
    contentEnd: lead.length + json.length,
    userMessage: null,
    artifactId: artifact.artifactId,
    append,
  };
}

/** The one event of an agent that answers with a Message instead of a task (A2A 1.0 section 3.1.2). */
export function messageRow(seq: number, message: Message): LogRow {
  const lead = '{"message":';
  const json = JSON.stringify(message);
  return {
    seq,
    kind: 'message',
    content: 'message',
    body: `${lead}${json}}`,
    contentStart: lead.length,
    contentEnd: lead.length + json.length,
    userMessage: null,
    artifactId: null,
    append: false,
  };
}

/** The content of a row, cut out of its text; empty where it has none. */
export function contentOf(row: LogRow): string {
  return row.body.slice(row.contentStart, row.contentEnd);
}

/** What a row adds to the stored size of its task, in UTF-16 code units (a close and cheap measure of bytes). */
export function sizeOf(row: LogRow): number {
  return row.body.length + (row.userMessage?.length ?? 0);
}

/** The state that an event puts its task in; undefined for an artifact, which changes none. */
export function stateOf(row: LogRow): TaskState | undefined {
  if (row.kind === 'message') return 'TASK_STATE_COMPLETED';
  if (row.kind === 'task') return 'TASK_STATE_SUBMITTED';
  if (row.kind !== 'status') return undefined;
  // Quotes inside the ids before it are escaped, so the first match is the state's own.
  const start = row.body.indexOf('"state":"') + 9;
  const name = row.body.slice(start, row.body.indexOf('"', start));
  return TASK_STATES.find((state) => state === name);
}
