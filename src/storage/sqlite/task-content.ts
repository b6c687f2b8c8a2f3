/** The content of tasks on SQLite. */
import type { LogRow } from '../../core/tasks/log.ts';
import type { ContentQuery, StoredTask, TaskScope } from '../../core/tasks/store.ts';
import {
  CONTENT_ARTIFACT,
  CONTENT_MESSAGE,
  CONTENT_NONE,
  LOG_COLUMNS,
  type LogRecord,
  logRowOf,
  SEQ_SPAN,
  taskState,
} from '../task-rows.ts';
import type { SqliteDatabase } from './database.ts';

const CONTENT = `select ${LOG_COLUMNS} from task_log where id between ? and ? and discarded = 0`;

/** Kind, content and `append` come as one number, `shape`: what a column costs is the way from SQLite to here. */
const SELECT_WHOLE = `select t.context_id, t.state, t.status, t.status_at, t.seq, t.first_seq, t.listed,
  l.id, l.kind * 8 + l.content * 2 + l.append, l.content_start, l.content_end, l.artifact_id, l.user_message, l.body
  from tasks t left join task_log l on l.id between t.num * ${SEQ_SPAN} and t.num * ${SEQ_SPAN} + ${SEQ_SPAN - 1}
    and l.discarded = 0 and l.content <> ${CONTENT_NONE}
  where t.id = ? and t.owner_id = ? and t.agent_id = ? order by l.id`;

/** A row of SELECT_WHOLE: the head, repeated, then a log row or nulls. */
type WholeRow = [
  contextId: string,
  state: string,
  status: string,
  statusAt: number,
  seq: number,
  firstSeq: number,
  listed: number,
  id: number | null,
  shape: number,
  contentStart: number,
  contentEnd: number,
  artifactId: string | null,
  userMessage: string | null,
  body: string,
];

/** The common case in one statement, with rows as arrays. */
export function readWhole(database: SqliteDatabase, scope: TaskScope, taskId: string): StoredTask | undefined {
  database.beginReads();
  const rows = database.prepareArrays(SELECT_WHOLE).all(taskId, scope.ownerId, scope.agentId) as WholeRow[];
  const [first] = rows;
  if (first === undefined) return undefined;
  const head = {
    id: taskId,
    contextId: first[0],
    state: taskState(first[1]),
    status: first[2],
    statusAtMs: first[3],
    seq: first[4],
    firstSeq: first[5],
    listed: first[6] === 1,
  };
  return { head, rows: first[7] === null ? [] : rows.map(logRowOfWhole) };
}

/** The content rows of a task, in order. */
export function readContent(database: SqliteDatabase, num: number, query: ContentQuery): readonly LogRow[] {
  const from = num * SEQ_SPAN;
  const to = from + SEQ_SPAN - 1;
  const { historyLength, artifacts } = query;
  if (historyLength === undefined && artifacts) {
    const all = `${CONTENT} and content <> ${CONTENT_NONE} order by id`;
    return (database.prepare(all).all(from, to) as LogRecord[]).map(logRowOf);
  }
  const latest = `${CONTENT} and content = ${CONTENT_MESSAGE} order by id desc limit ?`;
  const chunks = `${CONTENT} and content = ${CONTENT_ARTIFACT} order by id`;
  const records: LogRecord[] = [
    ...(historyLength === 0 ? [] : (database.prepare(latest).all(from, to, historyLength ?? -1) as LogRecord[])),
    ...(artifacts ? (database.prepare(chunks).all(from, to) as LogRecord[]) : []),
  ];
  return records.sort((a, b) => a.id - b.id).map(logRowOf);
}

function logRowOfWhole(row: WholeRow): LogRow {
  return logRowOf({
    id: row[7] ?? 0,
    kind: row[8] >> 3,
    content: (row[8] >> 1) & 3,
    append: row[8] & 1,
    content_start: row[9],
    content_end: row[10],
    artifact_id: row[11],
    user_message: row[12],
    body: row[13],
  });
}
