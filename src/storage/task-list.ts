/** The statements of ListTasks, for both databases: they differ only in how a parameter is written. */
import { type ContentQuery, FILTERED_TOTAL_CAP, type ListQuery, PAGE_MAX_CHARS } from '../core/tasks/store.ts';
import { HEAD_COLUMNS } from './task-rows.ts';

export interface Statement {
  readonly sql: string;
  readonly values: readonly (string | number)[];
}

/**
 * @param style `?` for SQLite, `$` for PostgreSQL's numbered parameters.
 * @returns the page, newest status first, and the statement that yields one row `{ total }`. The values of `total` are
 *   the first ones of `page`, so that with numbered parameters both can be parts of one statement.
 */
export function listSql(query: ListQuery, style: '?' | '$'): { readonly page: Statement; readonly total: Statement } {
  const { scope, contextId, state, statusFromMs, after, limit } = query;
  const page = new Conditions(style);
  page.add('owner_id =', scope.ownerId);
  page.add('agent_id =', scope.agentId);
  if (contextId !== undefined) page.add('context_id =', contextId);
  if (state !== undefined) {
    page.add('state =', state);
    // Implied by the line above, and what lets the partial index be used.
    if (state !== 'TASK_STATE_COMPLETED') page.literal(`state <> 'TASK_STATE_COMPLETED'`);
  }
  if (statusFromMs !== undefined) page.add('status_at >=', statusFromMs);
  // A context has few tasks: in this form the index of all listed tasks by time cannot be taken, only that by context.
  page.literal(contextId === undefined ? 'listed = 1' : 'listed + 0 = 1');

  const total = contextId === undefined && statusFromMs === undefined ? countersSql(query, style) : page.capped();
  if (after !== undefined) page.addPair('(status_at, id) <', after.statusAtMs, after.id);
  return { page: page.page(limit), total };
}

const hasContent = ({ historyLength, artifacts }: ContentQuery): boolean => historyLength !== 0 || artifacts;

/** Of a page the tasks whose content fits into one answer: the one that goes over PAGE_MAX_CHARS is the last. */
export function fittingPage<T extends { readonly size_chars: number }>(
  records: readonly T[],
  query: ContentQuery,
): readonly T[] {
  if (!hasContent(query)) return records;
  let chars = 0;
  const end = records.findIndex((record) => (chars += record.size_chars) >= PAGE_MAX_CHARS);
  return end === -1 ? records : records.slice(0, end + 1);
}

/** The same within a statement, so that what does not fit is not even read. */
export function fittingPageSql(page: string, query: ContentQuery): string {
  if (!hasContent(query)) return page;
  const ahead =
    'sum(size_chars) over (order by status_at desc, id desc rows between unbounded preceding and 1 preceding)';
  return `select * from (select page.*, ${ahead} as ahead from (${page}) as page) as sized
    where ahead is null or ahead < ${PAGE_MAX_CHARS} order by status_at desc, id desc`;
}

function countersSql(query: ListQuery, style: '?' | '$'): Statement {
  const counters = new Conditions(style);
  counters.add('owner_id =', query.scope.ownerId);
  counters.add('agent_id =', query.scope.agentId);
  if (query.state !== undefined) counters.add('state =', query.state);
  const sql = `select coalesce(sum(n), 0) as total from task_counters where ${counters.text()}`;
  return { sql, values: counters.values };
}

class Conditions {
  readonly values: (string | number)[] = [];
  readonly #style: '?' | '$';
  readonly #terms: string[] = [];

  constructor(style: '?' | '$') {
    this.#style = style;
  }

  #parameter(value: string | number): string {
    this.values.push(value);
    return this.#style === '?' ? '?' : `$${this.values.length}`;
  }

  add(left: string, value: string | number): void {
    this.#terms.push(`${left} ${this.#parameter(value)}`);
  }

  addPair(left: string, first: string | number, second: string | number): void {
    this.#terms.push(`${left} (${this.#parameter(first)}, ${this.#parameter(second)})`);
  }

  literal(term: string): void {
    this.#terms.push(term);
  }

  text(): string {
    return this.#terms.join(' and ');
  }

  page(limit: number): Statement {
    const sql = `select num, ${HEAD_COLUMNS} from tasks where ${this.text()}
      order by status_at desc, id desc limit ${this.#parameter(limit)}`;
    return { sql, values: this.values };
  }

  /** Counts what matches, up to the cap: without it the cost of a page would grow with the table. */
  capped(): Statement {
    const sql = `select count(*) as total from
      (select 1 from tasks where ${this.text()} limit ${FILTERED_TOTAL_CAP}) as counted`;
    return { sql, values: [...this.values] };
  }
}
