/** How the management API shows tasks and events: stored text is passed on as it is, not parsed and made anew. */
import type { BrowsedTask } from '../../core/tasks/browser.ts';
import { beginningOf } from '../../core/tasks/first-text.ts';
import type { LogRow } from '../../core/tasks/log.ts';
import { isJsonObject } from '../../protocol/scalars.ts';
import type { TaskRow } from './task-contract.ts';

export const TITLE_CHARS = 200;

export function rowOf(task: BrowsedTask): TaskRow {
  return {
    id: task.id,
    agentId: task.agentId,
    contextId: task.contextId,
    ownerId: task.ownerId,
    state: task.state,
    seq: task.seq,
    createdAt: toTime(task.createdAtMs),
    statusAt: toTime(task.statusAtMs),
    title: beginningOf(task.firstText, TITLE_CHARS),
    statusText: beginningOf(task.statusText, TITLE_CHARS),
  };
}

/** A TaskEvent as JSON text, for the API and, with the id of its task, for live streams. */
export function eventJson(row: LogRow, atMs: number | null, taskId?: string): string {
  const at = atMs === null ? statusTimeOf(row) : toTime(atMs);
  const head = taskId === undefined ? '' : `"taskId":${JSON.stringify(taskId)},`;
  return `{${head}"seq":${row.seq},"kind":"${row.kind}","at":${JSON.stringify(at)},"userMessage":${row.userMessage ?? 'null'},"event":${row.body}}`;
}

/** When a status came to be, for events that were stored without a time; null for what has no status. */
function statusTimeOf(row: LogRow): string | null {
  if (row.kind !== 'task' && row.kind !== 'status') return null;
  const event: unknown = JSON.parse(row.body);
  const inner = isJsonObject(event) ? (event['task'] ?? event['statusUpdate']) : undefined;
  const status = isJsonObject(inner) ? inner['status'] : undefined;
  const time = isJsonObject(status) ? status['timestamp'] : undefined;
  return typeof time === 'string' ? time : null;
}

export const toTime = (ms: number): string => new Date(ms).toISOString();
