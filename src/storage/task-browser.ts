/** Lists of tasks across agents and owners in SQL, for both databases: merged from short runs of existing orders. */
import {
  type BrowsedTask,
  type BrowseQuery,
  FIRST_CHARS,
  type GlancedTask,
  type TaskBrowser,
  type TaskCount,
  type TimedRow,
  type WaitingTask,
} from '../core/tasks/browser.ts';
import { RATE_SAMPLES } from '../core/tasks/event-rate.ts';
import { firstText } from '../core/tasks/first-text.ts';
import { QUEUED, type TaskHead } from '../core/tasks/store.ts';
import type { TaskState } from '../protocol/v1/types.ts';
import type { Sql, SqlValue } from './sql.ts';
import { WAITING } from './task-claims.ts';
import {
  CONTENT_MESSAGE,
  HEAD_COLUMNS,
  type HeadRecord,
  headOf,
  LOG_COLUMNS,
  type LogRecord,
  logRowOf,
  SEQ_SPAN,
  taskState,
} from './task-rows.ts';

/** Runs merged by one statement. More of them are merged here; fewer are filled up, so that few statements differ. */
const MAX_RUNS = 64;
const NEWEST_FIRST = 'order by status_at desc, id desc';
/** The accepted message that began the task, or the event that holds it: row 0 or row 1 of its log. */
const FIRST_MESSAGE = `(select substr(coalesce(log.user_message, log.body), 1, ${FIRST_CHARS}) from task_log log
  where log.id between page.num * ${SEQ_SPAN} and page.num * ${SEQ_SPAN} + 1 and log.content = ${CONTENT_MESSAGE}
  order by log.id limit 1)`;
/** The seqs that a rate is estimated from: evenly spread, the first and the last among them. */
const SAMPLED_SEQ = `1 + (t.seq - 1) * k.k / ${RATE_SAMPLES - 1}`;
const SAMPLE_NUMBERS = Array.from({ length: RATE_SAMPLES }, (_, k) => `select ${k} as k`).join(' union all ');
const COLUMNS = `num, id, owner_id, agent_id, context_id, state, substr(status, 1, ${FIRST_CHARS}) as status, status_at,
  created_at, seq`;

interface GlanceRow {
  readonly id: string;
  readonly owner_id: string;
  readonly agent_id: string;
  readonly state: string;
  readonly status_at: number;
  readonly seq: number;
  readonly lease_replica: string | null;
  readonly sampled: number;
  readonly at: number | null;
}

interface Row {
  readonly id: string;
  readonly owner_id: string;
  readonly agent_id: string;
  readonly context_id: string;
  readonly state: string;
  readonly status: string;
  readonly status_at: number;
  readonly created_at: number;
  readonly seq: number;
  readonly first: string | null;
}

/** Tasks that one index has in the order of the list: of an agent, or of a context of one owner. */
type Run =
  | {
      readonly kind: 'agent';
      readonly ownerId: string | null;
      readonly agentId: string;
      readonly state: TaskState | null;
    }
  | { readonly kind: 'context'; readonly ownerId: string; readonly contextId: string };

export class SqlTaskBrowser implements TaskBrowser {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  async list(query: BrowseQuery): Promise<readonly BrowsedTask[]> {
    if (query.agentIds?.length === 0 || query.states?.length === 0) return [];
    const runs = await this.#runs(query);
    const pages: Promise<readonly Row[]>[] = [];
    for (let start = 0; start < runs.length; start += MAX_RUNS) {
      pages.push(this.#merged(query, runs.slice(start, start + MAX_RUNS)));
    }
    const rows = (await Promise.all(pages)).flat();
    return rows.sort(newestFirst).slice(0, query.limit).map(browsedOf);
  }

  /** What there is of the query, by the counters. */
  async #runs({ ownerId, agentIds, states, contextId }: BrowseQuery): Promise<readonly Run[]> {
    if (contextId !== null) {
      const owners = ownerId === null ? await this.#owners() : [ownerId];
      return owners.map((owner) => ({ kind: 'context', ownerId: owner, contextId }));
    }
    const runs = new Map<string, Run>();
    for (const { agentId, state } of await this.counts(ownerId)) {
      if (agentIds?.includes(agentId) === false || states?.includes(state) === false) continue;
      const ofState = ownerId !== null && states === null ? null : state;
      runs.set(`${agentId} ${ofState ?? ''}`, { kind: 'agent', ownerId, agentId, state: ofState });
    }
    return [...runs.values()];
  }

  async #owners(): Promise<readonly string[]> {
    const rows = await this.#sql.query<{ owner_id: string }>('select distinct owner_id from task_counters');
    return rows.map(({ owner_id }) => owner_id);
  }

  #merged(query: BrowseQuery, runs: readonly Run[]): Promise<readonly Row[]> {
    const values = new Values();
    const narrower = narrowing(query, values);
    const limit = values.add(query.limit);
    let size = 1;
    while (size < runs.length) size *= 2;
    const selects = Array.from({ length: size }, (_, index) => {
      const where = [...conditionsOf(runs[index] ?? emptyRun(query), values), ...narrower];
      return `select * from (select ${COLUMNS} from tasks where ${where.join(' and ')} ${NEWEST_FIRST} limit ${limit}) as run`;
    });
    return this.#page(selects.join(' union all '), limit, values);
  }

  /** The texts are read for the tasks of the page only. */
  #page(select: string, limit: string, values: Values): Promise<readonly Row[]> {
    return this.#sql.query<Row>(
      `select page.*, ${FIRST_MESSAGE} as first
        from (select * from (${select}) as found ${NEWEST_FIRST} limit ${limit}) as page ${NEWEST_FIRST}`,
      values.list,
    );
  }

  async byIds(ids: readonly string[]): Promise<readonly BrowsedTask[]> {
    if (ids.length === 0) return [];
    const values = new Values();
    const where = `listed + 0 = 1 and ${anyOf('id', ids, values)}`;
    const rows = await this.#page(`select ${COLUMNS} from tasks where ${where}`, values.add(ids.length), values);
    return rows.map(browsedOf);
  }

  async byIdPrefix(prefix: string, limit: number): Promise<readonly BrowsedTask[]> {
    const values = new Values();
    // Ids are made of what comes before `~`.
    const where = `id >= ${values.add(prefix)} and id < ${values.add(`${prefix}~`)} and listed + 0 = 1`;
    const bound = values.add(limit);
    const select = `select ${COLUMNS} from tasks where ${where} order by id desc limit ${bound}`;
    return (await this.#page(`select * from (${select}) as matching`, bound, values)).map(browsedOf);
  }

  async counts(ownerId: string | null): Promise<readonly TaskCount[]> {
    const rows = await this.#sql.query<{ agent_id: string; state: string; n: number | string }>(
      `select agent_id, state, sum(n) as n from task_counters ${ownerId === null ? '' : 'where owner_id = $1'}
        group by agent_id, state having sum(n) > 0`,
      ownerId === null ? [] : [ownerId],
    );
    return rows.map(({ agent_id, state, n }) => ({ agentId: agent_id, state: taskState(state), count: Number(n) }));
  }

  async glances(ids: readonly string[]): Promise<readonly GlancedTask[]> {
    if (ids.length === 0) return [];
    const values = new Values();
    const rows = await this.#sql.query<GlanceRow>(
      `select t.id, t.owner_id, t.agent_id, t.state, t.status_at, t.seq, t.lease_replica, ${SAMPLED_SEQ} as sampled,
          (select stored_at from task_log log where log.id = t.num * ${SEQ_SPAN} + ${SAMPLED_SEQ} and t.first_seq = 1) as at
        from tasks t cross join (${SAMPLE_NUMBERS}) k
        where ${anyOf('t.id', ids, values)} and t.listed + 0 = 1 order by t.id, k.k`,
      values.list,
    );
    return glancesOf(rows);
  }

  async waiting(ownerId: string | null, limit: number): Promise<readonly WaitingTask[]> {
    const rows = await this.#sql.query<{ id: string; since: number | null }>(
      waitingSql(ownerId !== null),
      ownerId === null ? [limit] : [limit, ownerId],
    );
    return rows.map(({ id, since }) => ({ id, sinceMs: since }));
  }

  async find(taskId: string): Promise<TaskHead | undefined> {
    const [record] = await this.#sql.query<HeadRecord>(`select ${HEAD_COLUMNS} from tasks where id = $1`, [taskId]);
    return record === undefined ? undefined : headOf(record);
  }

  async events(taskId: string, afterSeq: number, limit: number): Promise<readonly TimedRow[]> {
    const base = `(select num from tasks where id = $1) * ${SEQ_SPAN}`;
    const records = await this.#sql.query<LogRecord & { stored_at: number | null }>(
      `select ${LOG_COLUMNS}, stored_at from task_log where id > ${base} + $2 and id < ${base} + ${SEQ_SPAN}
        order by id limit $3`,
      [taskId, Math.max(afterSeq, 0), limit],
    );
    return records.map((record) => ({ row: logRowOf(record), atMs: record.stored_at }));
  }
}

/** In this form, as claims have it: one index has all that wait in this order, another those of one owner. */
export const waitingSql = (isOfOwner: boolean): string =>
  `select id, case lease_replica when '${QUEUED}' then status_at end as since from tasks
    where ${WAITING} ${isOfOwner ? "and owner_id || '' = $2" : ''} order by num + 0 limit $1`;

/** Finds nothing, at the cost of one look into an index. */
function emptyRun({ ownerId, contextId }: BrowseQuery): Run {
  if (contextId !== null) return { kind: 'context', ownerId: '', contextId };
  return { kind: 'agent', ownerId, agentId: '', state: 'TASK_STATE_SUBMITTED' };
}

/** Of one owner by the orders that ListTasks has; of all owners by the one that says `num > 0` (see its migration). */
function conditionsOf(run: Run, values: Values): string[] {
  const { ownerId } = run;
  if (run.kind === 'context') {
    // `+ 0`: in this form the index by time cannot be taken.
    return [`owner_id = ${values.add(ownerId)}`, `context_id = ${values.add(run.contextId)}`, 'listed + 0 = 1'];
  }
  const where = ['listed = 1', `agent_id = ${values.add(run.agentId)}`];
  where.push(ownerId === null ? 'num > 0' : `owner_id = ${values.add(ownerId)}`);
  if (run.state !== null) {
    where.push(`state = ${values.add(run.state)}`);
    // Implied by the line above, and what lets the partial index be used.
    if (ownerId !== null && run.state !== 'TASK_STATE_COMPLETED') where.push(`state <> 'TASK_STATE_COMPLETED'`);
  }
  return where;
}

/** What the runs themselves do not say. */
function narrowing(query: BrowseQuery, values: Values): string[] {
  const { contextId, agentIds, states, statusFromMs, statusBeforeMs, after } = query;
  return [
    ...(contextId === null || agentIds === null ? [] : [anyOf('agent_id', agentIds, values)]),
    ...(contextId === null || states === null ? [] : [anyOf('state', states, values)]),
    ...(statusFromMs === null ? [] : [`status_at >= ${values.add(statusFromMs)}`]),
    ...(statusBeforeMs === null ? [] : [`status_at < ${values.add(statusBeforeMs)}`]),
    ...(after === null ? [] : [`(status_at, id) < (${values.add(after.statusAtMs)}, ${values.add(after.id)})`]),
  ];
}

const anyOf = (column: string, list: readonly SqlValue[], values: Values): string =>
  `${column} in (${list.map((value) => values.add(value)).join(', ')})`;

/** Numbered parameters in the order in which a statement is put together. */
class Values {
  readonly list: SqlValue[] = [];

  add(value: SqlValue): string {
    this.list.push(value);
    return `$${this.list.length}`;
  }
}

function newestFirst(a: Row, b: Row): number {
  if (a.status_at !== b.status_at) return b.status_at - a.status_at;
  return a.id < b.id ? 1 : -1;
}

/** @param rows by task, then by seq; of a short task the same seq may come several times. */
function glancesOf(rows: readonly GlanceRow[]): GlancedTask[] {
  const glances: (GlancedTask & { readonly samples: { seq: number; atMs: number }[] })[] = [];
  for (const row of rows) {
    let glance = glances.at(-1);
    if (glance?.id !== row.id) {
      const { id, owner_id: ownerId, agent_id: agentId, status_at: statusAtMs, seq } = row;
      const isQueued = row.lease_replica === QUEUED;
      glance = { id, ownerId, agentId, state: taskState(row.state), statusAtMs, seq, isQueued, samples: [] };
      glances.push(glance);
    }
    const { sampled: seq, at: atMs } = row;
    if (atMs !== null && seq > (glance.samples.at(-1)?.seq ?? 0)) glance.samples.push({ seq, atMs });
  }
  return glances;
}

function browsedOf(row: Row): BrowsedTask {
  return {
    id: row.id,
    ownerId: row.owner_id,
    agentId: row.agent_id,
    contextId: row.context_id,
    state: taskState(row.state),
    statusAtMs: row.status_at,
    createdAtMs: row.created_at,
    seq: row.seq,
    firstText: firstText(row.first ?? '', FIRST_CHARS),
    statusText: firstText(row.status, FIRST_CHARS),
  };
}
