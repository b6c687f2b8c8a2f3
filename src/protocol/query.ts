/** Query parameters of the REST binding, whose values arrive as text. */
import type { Operation } from './codec.ts';

/** How a query parameter's text becomes the value of its field (A2A 1.0 section 11.5). */
export type QueryKind = 'string' | 'integer' | 'boolean';

/** The query parameters of operations. */
export type QueryKinds = Partial<Record<Operation, Readonly<Record<string, QueryKind>>>>;

/** Of those that read tasks: the same in both versions, for 0.3 has the list from 1.0. */
export const TASK_QUERIES: QueryKinds = {
  GetTask: { historyLength: 'integer' },
  ListTasks: {
    contextId: 'string',
    status: 'string',
    pageSize: 'integer',
    pageToken: 'string',
    historyLength: 'integer',
    statusTimestampAfter: 'string',
    includeArtifacts: 'boolean',
  },
};

/**
 * The known parameters of a query as the fields of a request. Text that is no number or boolean stays text, so that the
 * schema refuses it by its field name.
 */
export function fromQuery(
  query: Readonly<Record<string, string>>,
  kinds: Readonly<Record<string, QueryKind>>,
): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [name, kind] of Object.entries(kinds)) {
    const text = Object.hasOwn(query, name) ? query[name] : undefined;
    if (text !== undefined) fields[name] = fromQueryText(text, kind);
  }
  return fields;
}

function fromQueryText(text: string, kind: QueryKind): string | number | boolean {
  if (kind === 'integer' && /^-?\d{1,15}$/.test(text)) return Number(text);
  if (kind === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}
