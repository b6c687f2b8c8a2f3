/** Answers of different tasks and wires in a form in which equal means equal. */
import { isJsonObject } from '../../../src/protocol/scalars.ts';

/**
 * `value` with ids that the server makes, times, and the time in a tick replaced by the order in which they appear; and
 * without what 0.3 has no place for: the media type of text and data, and in its REST form names of files.
 */
export function comparable(value: unknown): unknown {
  const names = new Map<string, string>();
  const visit = (inner: unknown): unknown => {
    if (typeof inner === 'string') return named(inner, names);
    if (Array.isArray(inner)) return inner.map(visit);
    if (!isJsonObject(inner)) return inner;
    const isLabelled = 'raw' in inner || 'url' in inner;
    const fields: Record<string, unknown> = {};
    // Sorted, so that the order of fields, which means nothing, names nothing differently.
    for (const name of Object.keys(inner).toSorted()) {
      if (name === 'filename' || (name === 'mediaType' && !isLabelled)) continue;
      fields[name] = visit(inner[name]);
    }
    return fields;
  };
  return visit(value);
}

const ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

function named(text: string, names: Map<string, string>): string {
  if (TIME.test(text)) return '(time)';
  return text.replace(/t=\d{13} /, 't=(time) ').replace(ID, (id) => {
    const known = names.get(id);
    if (known !== undefined) return known;
    const name = `(id ${names.size + 1})`;
    names.set(id, name);
    return name;
  });
}
