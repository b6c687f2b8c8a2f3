/** ProtoJSON lets a sender write a field by its name in the proto definition (`task_id`) instead of its JSON name. */
import { isJsonObject } from '../scalars.ts';

/** The fields of requests whose two names differ. */
const JSON_NAMES: ReadonlyMap<string, string> = new Map(
  [
    'acceptedOutputModes',
    'contextId',
    'historyLength',
    'includeArtifacts',
    'mediaType',
    'messageId',
    'pageSize',
    'pageToken',
    'referenceTaskIds',
    'returnImmediately',
    'statusTimestampAfter',
    'taskId',
    'taskPushNotificationConfig',
  ].map((name) => [name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), name]),
);

/** Fields of requests that hold a message of the protocol. No other one is looked into: it belongs to the caller. */
const HOLDERS: ReadonlySet<string> = new Set(['message', 'configuration', 'parts', 'taskPushNotificationConfig']);

/** `message`, `parts`, and a part of them. What lies deeper is no request of the protocol. */
const MAX_HOLDER_DEPTH = 3;

/**
 * The request with its fields under their JSON names; the same object where they are so already. A field that is there
 * under both names keeps the value of its JSON name.
 */
export function withJsonNames(value: unknown): unknown {
  return renamed(value, 0);
}

function renamed(value: unknown, depth: number): unknown {
  if (depth > MAX_HOLDER_DEPTH) return value;
  if (Array.isArray(value)) return renamedItems(value, depth);
  if (!isJsonObject(value)) return value;
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(value)) {
    const name = key.includes('_') ? (JSON_NAMES.get(key) ?? key) : key;
    const field = HOLDERS.has(name) ? renamed(value[key], depth + 1) : value[key];
    if (name === key && field === value[key]) continue;
    copy ??= { ...value };
    if (name !== key) delete copy[key];
    if (name === key || !Object.hasOwn(value, name)) copy[name] = field;
  }
  return copy ?? value;
}

function renamedItems(items: readonly unknown[], depth: number): readonly unknown[] {
  let copy: unknown[] | undefined;
  for (const [index, item] of items.entries()) {
    const visited = renamed(item, depth + 1);
    if (visited === item) continue;
    copy ??= items.slice();
    copy[index] = visited;
  }
  return copy ?? items;
}
