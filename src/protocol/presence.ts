/** Field presence by ProtoJSON: what counts as "not sent" is taken out of a decoded JSON value before it is validated. */
import type { AppError } from './errors.ts';
import { formatFieldPath, invalidParams, type PathKey } from './violations.ts';

/** The most elements that any array of a request may have, outside of `metadata` and `data`. */
export const MAX_REQUEST_ITEMS = 1000;

/** Fields whose value is JSON of the caller: nothing inside them is touched. */
export const FREE_JSON_FIELDS: ReadonlySet<string> = new Set(['metadata', 'data', 'params', 'header']);

/** No request object of the protocol is nested deeper; what lies deeper is an unknown field and will be dropped. */
const MAX_STRUCTURE_DEPTH = 10;

/**
 * Scalar fields without `optional` in the proto definition, where the empty string is the same as absence. `text`,
 * `raw` and `url` are not among them: they are members of a oneof and have presence.
 */
const EMPTY_IS_ABSENT: ReadonlySet<string> = new Set([
  'tenant',
  'id',
  'contextId',
  'taskId',
  'filename',
  'mediaType',
  'pageToken',
  'token',
  'credentials',
  'name',
  'mimeType',
  'pushNotificationConfigId',
]);

/**
 * The value without its absent fields: `null` (A2A 1.0 section 5.5 refers to ProtoJSON, where null means absent) and
 * the empty string where the proto definition has no presence. `data: null` is a value (google.protobuf.Value), unless
 * another content member stands beside it. The same object comes back when there is nothing to take out.
 *
 * @throws AppError INVALID_PARAMS where an array has more than {@link MAX_REQUEST_ITEMS} elements.
 */
export function dropAbsent(value: unknown): unknown {
  return visit(value, [], 0);
}

function visit(value: unknown, path: PathKey[], depth: number): unknown {
  if (typeof value !== 'object' || value === null || depth > MAX_STRUCTURE_DEPTH) return value;
  return Array.isArray(value) ? visitArray(value, path, depth) : visitObject(value, path, depth);
}

function visitArray(items: readonly unknown[], path: PathKey[], depth: number): unknown {
  if (items.length > MAX_REQUEST_ITEMS) throw tooManyItems(path, items.length);
  let copy: unknown[] | undefined;
  for (let index = 0; index < items.length; index++) {
    const item = items[index];
    if (typeof item !== 'object' || item === null) continue;
    path.push(index);
    const visited = visit(item, path, depth + 1);
    path.pop();
    if (visited === item) continue;
    copy ??= items.slice();
    copy[index] = visited;
  }
  return copy ?? items;
}

function visitObject(object: object, path: PathKey[], depth: number): unknown {
  let copy: Record<string, unknown> | undefined;
  for (const [key, field] of Object.entries(object)) {
    // No field of the protocol; it is dropped with the other unknown ones, and must not become a prototype here.
    if (key === '__proto__') continue;
    if (isAbsent(object, key, field)) {
      copy ??= shallowCopy(object);
      delete copy[key];
    } else if (typeof field === 'object' && field !== null && !FREE_JSON_FIELDS.has(key)) {
      path.push(key);
      const visited = visit(field, path, depth + 1);
      path.pop();
      if (visited === field) continue;
      copy ??= shallowCopy(object);
      copy[key] = visited;
    }
  }
  return copy ?? object;
}

/** A spread defines own properties, so that a key `__proto__` stays a plain key and sets no prototype. */
function shallowCopy(object: object): Record<string, unknown> {
  return { ...object };
}

function isAbsent(object: object, key: string, field: unknown): boolean {
  if (field === '') return EMPTY_IS_ABSENT.has(key);
  if (field !== null) return false;
  return key !== 'data' || hasValue(object, 'text') || hasValue(object, 'raw') || hasValue(object, 'url');
}

function hasValue(object: object, key: string): boolean {
  return Object.hasOwn(object, key) && Reflect.get(object, key) !== null;
}

function tooManyItems(path: readonly PathKey[], count: number): AppError {
  return invalidParams([
    { field: formatFieldPath(path), description: `has ${count} elements; at most ${MAX_REQUEST_ITEMS} are allowed` },
  ]);
}
