/** What a protobuf message can hold and its JSON cannot: found by field, before anything else looks at the message. */
import type { DescField, DescMessage } from '@bufbuild/protobuf';
import type { FieldViolation } from '../errors.ts';
import { formatFieldPath, MAX_VIOLATIONS, type PathKey } from '../violations.ts';

interface Search {
  readonly path: PathKey[];
  readonly found: FieldViolation[];
}

/** The first and the last second that RFC 3339 can write. */
const MIN_SECONDS = -62_135_596_800n;
const MAX_SECONDS = 253_402_300_799n;

/**
 * Values without a kind, numbers that are not finite, and times beyond the year 9999, each with the path of its field
 * by its JSON name. Empty when all is well; at most {@link MAX_VIOLATIONS}.
 */
export function findUnwritable(type: DescMessage, message: unknown): readonly FieldViolation[] {
  const search: Search = { path: [], found: [] };
  visitMessage(type, message, search);
  return search.found;
}

function visitMessage(type: DescMessage, message: unknown, search: Search): void {
  if (typeof message !== 'object' || message === null || search.found.length >= MAX_VIOLATIONS) return;
  switch (type.typeName) {
    case 'google.protobuf.Value':
      visitValue(message, search);
      return;
    case 'google.protobuf.Struct':
      visitJson(message, search);
      return;
    case 'google.protobuf.Timestamp':
      checkTime(message, search);
      return;
    default:
      for (const field of type.fields) {
        search.path.push(field.jsonName);
        visitField(field, valueOf(field, message), search);
        search.path.pop();
      }
  }
}

/** A field's value, also where it is a member of a oneof. */
function valueOf(field: DescField, message: object): unknown {
  if (field.oneof === undefined) return Reflect.get(message, field.localName);
  const member = memberOf(message, field.oneof.localName);
  return memberOf(member, 'case') === field.localName ? memberOf(member, 'value') : undefined;
}

function visitField(field: DescField, value: unknown, search: Search): void {
  const { message } = field;
  if (message === undefined || typeof value !== 'object' || value === null) return;
  if (field.fieldKind === 'message') {
    visitMessage(message, value, search);
    return;
  }
  const isList = field.fieldKind === 'list';
  for (const [key, item] of Object.entries(value)) {
    search.path.push(isList ? Number(key) : key);
    visitMessage(message, item, search);
    search.path.pop();
  }
}

/** google.protobuf.Value as a message: `kind` is a oneof. Below it, lists and objects are messages too. */
function visitValue(value: object, search: Search): void {
  const kind = memberOf(value, 'kind');
  const inner = memberOf(kind, 'value');
  switch (memberOf(kind, 'case')) {
    case undefined:
      report(search, 'is a google.protobuf.Value without a value');
      return;
    case 'numberValue':
      checkNumber(inner, search);
      return;
    case 'listValue':
      visitItems(memberOf(inner, 'values'), search);
      return;
    case 'structValue':
      visitItems(memberOf(inner, 'fields'), search);
      return;
    default:
  }
}

function memberOf(holder: unknown, name: string): unknown {
  return typeof holder === 'object' && holder !== null ? Reflect.get(holder, name) : undefined;
}

function visitItems(items: unknown, search: Search): void {
  if (typeof items !== 'object' || items === null) return;
  const isList = Array.isArray(items);
  const entries: [string, unknown][] = Object.entries(items);
  for (const [key, item] of entries) {
    if (search.found.length >= MAX_VIOLATIONS) return;
    search.path.push(isList ? Number(key) : key);
    if (typeof item === 'object' && item !== null) visitValue(item, search);
    search.path.pop();
  }
}

/** A google.protobuf.Struct in a field, which the library turns into plain JSON. */
function visitJson(value: unknown, search: Search): void {
  if (typeof value === 'number') checkNumber(value, search);
  if (typeof value !== 'object' || value === null) return;
  const isList = Array.isArray(value);
  for (const [key, item] of Object.entries(value)) {
    if (search.found.length >= MAX_VIOLATIONS) return;
    search.path.push(isList ? Number(key) : key);
    visitJson(item, search);
    search.path.pop();
  }
}

function checkNumber(value: unknown, search: Search): void {
  if (!Number.isFinite(value)) report(search, 'must be a finite number');
}

function checkTime(time: object, search: Search): void {
  const seconds: unknown = Reflect.get(time, 'seconds');
  const nanos: unknown = Reflect.get(time, 'nanos');
  const isInRange = typeof seconds === 'bigint' && seconds >= MIN_SECONDS && seconds <= MAX_SECONDS;
  if (isInRange && typeof nanos === 'number' && nanos >= 0 && nanos <= 999_999_999) return;
  report(search, 'must be a time of the years 1 to 9999');
}

function report(search: Search, description: string): void {
  // A path into 100 levels helps nobody: the first steps say which field it is.
  const path = search.path.length > 12 ? [...search.path.slice(0, 12), '...'] : search.path;
  search.found.push({ field: formatFieldPath(path), description });
}
