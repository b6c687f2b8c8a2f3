/** What replicas did and do, in SQL, for both databases. */
import {
  type ActivitySpan,
  type ActivityStore,
  LONG_KEPT_MS,
  LONG_MS,
  type ReplicaReport,
  type ReportedReplica,
  SHORT_KEPT_MS,
  SHORT_MS,
  type SpanMs,
} from '../core/activity/activity-store.ts';
import { countsJson, countsOf } from '../core/activity/counts.ts';
import type { Sql } from './sql.ts';

interface ReportRow {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly started_at: number | string;
  readonly ended_at: number | string | null;
  readonly seen_at: number | string;
  readonly running_tasks: number;
  readonly queued_writes: number;
  readonly lease_left: number | string | null;
}

export class SqlActivityStore implements ActivityStore {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  save(report: ReplicaReport, spans: readonly ActivitySpan[]): Promise<void> {
    const { id, name, version, startedAtMs, endedAtMs, runningTasks, queuedWrites } = report;
    const { nowMs } = this.#sql;
    return this.#sql.transaction(async (sql) => {
      await sql.query(
        `insert into replica_reports (id, name, version, started_at, ended_at, seen_at, running_tasks, queued_writes)
          values ($1, $2, $3, $4, $5, ${nowMs}, $6, $7)
          on conflict (id) do update set ended_at = excluded.ended_at, seen_at = excluded.seen_at,
            running_tasks = excluded.running_tasks, queued_writes = excluded.queued_writes`,
        [id, name, version, startedAtMs, endedAtMs, runningTasks, queuedWrites],
      );
      for (const { lengthMs, atMs, counts } of spans) {
        await sql.query(
          `insert into activity (length_ms, at, replica_id, counts) values ($1, $2, $3, $4)
            on conflict (length_ms, at, replica_id) do update set counts = excluded.counts`,
          [lengthMs, atMs, id, countsJson(counts)],
        );
      }
    });
  }

  async spans(lengthMs: SpanMs, fromMs: number): Promise<readonly ActivitySpan[]> {
    const rows = await this.#sql.query<{ at: number | string; counts: string }>(
      'select at, counts from activity where length_ms = $1 and at >= $2 order by at, replica_id',
      [lengthMs, fromMs],
    );
    return rows.map(({ at, counts }) => ({ lengthMs, atMs: Number(at), counts: countsOf(counts) }));
  }

  async replicas(limit: number): Promise<readonly ReportedReplica[]> {
    const { nowMs } = this.#sql;
    // Those that are alive first: they may have started before many that did not last.
    const rows = await this.#sql.query<ReportRow>(
      `select report.*, lease.expires_at - ${nowMs} as lease_left
        from replica_reports report left join replicas lease on lease.id = report.id
        order by case when report.ended_at is null and lease.expires_at > ${nowMs} then 0 else 1 end,
          report.started_at desc, report.id limit $1`,
      [limit],
    );
    return rows.map((row) => ({
      id: row.id,
      name: row.name,
      version: row.version,
      startedAtMs: Number(row.started_at),
      endedAtMs: row.ended_at === null ? null : Number(row.ended_at),
      seenAtMs: Number(row.seen_at),
      runningTasks: row.running_tasks,
      queuedWrites: row.queued_writes,
      leaseLeftMs: row.lease_left === null ? null : Number(row.lease_left),
    }));
  }

  async prune(nowMs: number, limit: number): Promise<number> {
    const { lockFree } = this.#sql;
    const spans = `delete from activity where (length_ms, at, replica_id) in (select length_ms, at, replica_id
      from activity where length_ms = $1 and at < $2 order by at limit $3 ${lockFree}) returning at`;
    const reports = `delete from replica_reports where id in
      (select id from replica_reports where seen_at < $1 limit $2 ${lockFree}) returning id`;
    const gone = [
      await this.#sql.query(spans, [SHORT_MS, nowMs - SHORT_KEPT_MS, limit]),
      await this.#sql.query(spans, [LONG_MS, nowMs - LONG_KEPT_MS, limit]),
      await this.#sql.query(reports, [nowMs - LONG_KEPT_MS, limit]),
    ];
    return gone.reduce((count, rows) => count + rows.length, 0);
  }
}
