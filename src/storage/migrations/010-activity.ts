/** What replicas did over the last day, and what each last said of itself. */
import type { Dialect, Migration } from './migration.ts';

export const activity: Migration = {
  version: 10,
  name: 'activity',
  statements(dialect: Dialect): readonly string[] {
    const integer = dialect === 'sqlite' ? 'integer' : 'bigint';
    const key = dialect === 'sqlite' ? 'text' : 'text collate "C"';
    const keyed = dialect === 'sqlite' ? ' without rowid, strict' : '';
    return [
      // A row per replica and span of time. counts: a JSON object, so that a new number needs no new column.
      `create table activity (
        length_ms integer not null,
        at ${integer} not null,
        replica_id ${key} not null,
        counts text not null,
        primary key (length_ms, at, replica_id)
      )${keyed}`,
      `create table replica_reports (
        id ${key} primary key,
        name text not null,
        version text not null,
        started_at ${integer} not null,
        ended_at ${integer},
        seen_at ${integer} not null,
        running_tasks integer not null,
        queued_writes integer not null
      )${keyed}`,
    ];
  },
};
