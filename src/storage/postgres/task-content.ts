/** Heads and log rows in one statement, so that they are of one moment; and how its answer is taken apart again. */
import type { LogRow } from '../../core/tasks/log.ts';
import type { ContentQuery, StoredTask, TaskView } from '../../core/tasks/store.ts';
import {
  CONTENT_ARTIFACT,
  CONTENT_MESSAGE,
  CONTENT_NONE,
  type HeadRecord,
  LOG_COLUMNS,
  type LogRecord,
  logRowOf,
  SEQ_SPAN,
  taskState,
} from '../task-rows.ts';

const VIEW = 'num, id, context_id, state, status, status_at, seq, first_seq, listed, size_chars';
const NO_VIEW = `null::bigint as num, null::text as id, null::text as context_id, null::text as state,
  null::text as status, null::bigint as status_at, null::integer as seq, null::integer as first_seq,
  null::integer as listed, null::bigint as size_chars`;
const NO_LOG = `null::bigint as log_id, null::integer as kind, null::integer as content, null::integer as append,
  null::integer as content_start, null::integer as content_end, null::text as artifact_id, null::text as user_message,
  null::text as body`;
const NO_TOTAL = 'null::bigint as total';
const LOG_VALUES = LOG_COLUMNS.split(', ')
  .map((column) => `log.${column}`)
  .join(', ');

type ViewRecord = Pick<
  HeadRecord,
  'id' | 'context_id' | 'state' | 'status' | 'status_at' | 'seq' | 'first_seq' | 'listed'
>;

/** A row of the answer is a log row (`log_id` is set), or else a head (`num` is set), or else the total of a list. */
export type MixedRecord = ViewRecord &
  Omit<LogRecord, 'id'> & {
    readonly num: number | null;
    readonly size_chars: number | null;
    readonly log_id: number | null;
    readonly total: number;
  };

/**
 * The statement that gives the heads of `heads` (a select of `num` and HEAD_COLUMNS, if not more) in their order, then their content.
 * @param values those of `heads`; what the content needs is added to them.
 * @param total a select of one number, which comes as a row of its own.
 */
export function mixedSql(heads: string, query: ContentQuery, values: (string | number)[], total?: string): string {
  const branches = [`select ${NO_TOTAL}, ${VIEW}, ${NO_LOG} from head`];
  if (total !== undefined) branches.push(`select (${total})::bigint, ${NO_VIEW}, ${NO_LOG}`);
  const content = contentSql(query, values);
  if (content !== null) {
    branches.push(`select ${NO_TOTAL}, ${NO_VIEW}, ${LOG_VALUES} from head cross join lateral (${content}) as log`);
  }
  return `with head as materialized (${heads}) ${branches.join(' union all ')}
    order by log_id nulls first, status_at desc, id desc`;
}

/** The content rows of the task `head.num`; null where none are asked for. */
function contentSql({ historyLength, artifacts }: ContentQuery, values: (string | number)[]): string | null {
  const rows = (content: string): string => `select ${LOG_COLUMNS} from task_log
    where id between head.num * ${SEQ_SPAN} and head.num * ${SEQ_SPAN} + ${SEQ_SPAN - 1}
      and discarded = 0 and content ${content}`;
  if (historyLength === undefined) {
    return rows(artifacts ? `<> ${CONTENT_NONE}` : `= ${CONTENT_MESSAGE}`);
  }
  const chunks = artifacts ? rows(`= ${CONTENT_ARTIFACT}`) : null;
  if (historyLength === 0) return chunks;
  values.push(historyLength);
  const messages = `(${rows(`= ${CONTENT_MESSAGE}`)} order by id desc limit $${values.length})`;
  return chunks === null ? messages : `${messages} union all ${chunks}`;
}

export function storedTasks(records: readonly MixedRecord[]): StoredTask[] {
  const tasks: StoredTask[] = [];
  const rowsByNum = new Map<number, LogRow[]>();
  for (const record of records) {
    if (record.log_id !== null) {
      rowsByNum.get(Math.floor(record.log_id / SEQ_SPAN))?.push(logRowOf({ ...record, id: record.log_id }));
    } else if (record.num !== null) {
      const rows: LogRow[] = [];
      rowsByNum.set(record.num, rows);
      tasks.push({ head: viewOf(record), rows });
    }
  }
  return tasks;
}

function viewOf(record: ViewRecord): TaskView {
  return {
    id: record.id,
    contextId: record.context_id,
    state: taskState(record.state),
    status: record.status,
    statusAtMs: record.status_at,
    seq: record.seq,
    firstSeq: record.first_seq,
    listed: record.listed === 1,
  };
}

export function totalOf(records: readonly MixedRecord[]): number {
  return records.find((record) => record.num === null && record.log_id === null)?.total ?? 0;
}
