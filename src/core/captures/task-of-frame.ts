/** Which task a body is about, in whatever version and binding it is written. */
import { isJsonObject } from '../../protocol/scalars.ts';

/** The id of the task in a request or an answer; null: it names none. */
export function taskOfBody(text: string): string | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isJsonObject(parsed)) return null;
  if (isJsonObject(parsed['params'])) return named(parsed['params']) ?? textOf(parsed['params']['id']);
  return named(isJsonObject(parsed['result']) ? parsed['result'] : parsed);
}

/** `/a2a/tasks/{id}:cancel` and the like. */
export function taskOfPath(path: string): string | null {
  const [, id] = /\/tasks\/([^/:?]+)/.exec(path) ?? [];
  if (id === undefined) return null;
  try {
    return decodeURIComponent(id);
  } catch {
    return null;
  }
}

const HOLDERS = ['message', 'request', 'msg', 'statusUpdate', 'artifactUpdate'] as const;

function named(value: Readonly<Record<string, unknown>>): string | null {
  const task = value['task'];
  if (isJsonObject(task)) return textOf(task['id']);
  // Only a Task has a status and an id.
  const isTask = isJsonObject(value['status']) && value['taskId'] === undefined;
  const own =
    textOf(value['taskId']) ?? (isTask ? textOf(value['id']) : null) ?? ofName(value['name'] ?? value['parent']);
  if (own !== null) return own;
  for (const holder of HOLDERS) {
    const held = value[holder];
    const id = isJsonObject(held) ? textOf(held['taskId']) : null;
    if (id !== null) return id;
  }
  return null;
}

/** Protobuf of 0.3 names resources: `tasks/{id}`. */
function ofName(name: unknown): string | null {
  return typeof name === 'string' ? (/^tasks\/([^/]+)/.exec(name)?.[1] ?? null) : null;
}

const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
