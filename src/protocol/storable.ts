/** What no database of Parley can hold is refused at the wire: NUL, lone surrogates, numbers beyond range, endless depth. */
import type { FieldViolation } from './errors.ts';
import { FREE_JSON_FIELDS } from './presence.ts';
import { formatFieldPath, MAX_VIOLATIONS, type PathKey } from './violations.ts';

/** How many objects and arrays deep the value of a `metadata` or `data` field may be. */
export const MAX_JSON_DEPTH = 100;

interface Search {
  readonly path: PathKey[];
  readonly found: FieldViolation[];
}

/**
 * The places of `value` that cannot be stored: text with U+0000 (PostgreSQL holds it neither in text nor in jsonb) or
 * with a lone surrogate (not Unicode, has no UTF-8 form), also in keys; numbers that JSON cannot write (1e400); and
 * `metadata`, `data`, `params` or `header` nested deeper than {@link MAX_JSON_DEPTH}. Empty when all is well; at most
 * {@link MAX_VIOLATIONS}.
 */
export function findUnstorableText(value: unknown): readonly FieldViolation[] {
  const search: Search = { path: [], found: [] };
  visitValue(value, undefined, search);
  return search.found;
}

/** `depth` is undefined in the protocol's own structure, whose depth the schema bounds, and counts inside free JSON. */
function visitValue(value: unknown, depth: number | undefined, search: Search): void {
  if (typeof value === 'string') {
    if (!isStorableText(value)) report(search, describeText(value));
  } else if (typeof value === 'number') {
    if (!Number.isFinite(value)) report(search, 'is a number beyond the range of a double');
  } else if (typeof value === 'object' && value !== null) {
    if (depth !== undefined && depth >= MAX_JSON_DEPTH) {
      report(search, `is nested deeper than ${MAX_JSON_DEPTH} levels`);
    } else if (Array.isArray(value)) {
      visitItems(value, depth, search);
    } else {
      visitFields(value, depth, search);
    }
  }
}

function visitItems(items: readonly unknown[], depth: number | undefined, search: Search): void {
  const inner = depth === undefined ? undefined : depth + 1;
  for (let index = 0; index < items.length && search.found.length < MAX_VIOLATIONS; index++) {
    search.path.push(index);
    visitValue(items[index], inner, search);
    search.path.pop();
  }
}

function visitFields(object: object, depth: number | undefined, search: Search): void {
  for (const key of Object.keys(object)) {
    if (search.found.length >= MAX_VIOLATIONS) return;
    if (depth !== undefined && !isStorableText(key)) {
      report(search, `has a key that ${describeText(key)}`);
      continue;
    }
    const isFree = depth === undefined && FREE_JSON_FIELDS.has(key);
    search.path.push(key);
    visitValue(Reflect.get(object, key), isFree ? 0 : depth === undefined ? undefined : depth + 1, search);
    search.path.pop();
  }
}

function report(search: Search, description: string): void {
  // A path into 100 levels helps nobody: the first steps say which field it is.
  const path = search.path.length > 12 ? [...search.path.slice(0, 12), '...'] : search.path;
  search.found.push({ field: formatFieldPath(path), description });
}

function isStorableText(text: string): boolean {
  return !text.includes('\0') && isWellFormed(text);
}

function describeText(text: string): string {
  return text.includes('\0') ? 'contains the character U+0000' : 'contains a lone surrogate, which is not Unicode text';
}

// String.prototype.isWellFormed is in Node 20, yet not in the ES2023 library types; it is far faster than a RegExp.
const nativeIsWellFormed: unknown = Reflect.get(String.prototype, 'isWellFormed');

function isWellFormed(text: string): boolean {
  return typeof nativeIsWellFormed === 'function'
    ? nativeIsWellFormed.call(text) === true
    : !/\p{Surrogate}/u.test(text);
}
