/** What replicas share besides tasks: windows of rate limits, nonces, marks of their admin keys; and logs of deleted tasks that are still to go. */
import type { Dialect, Migration } from './migration.ts';

export const sharedLimits: Migration = {
  version: 8,
  name: 'shared-limits',
  statements(dialect: Dialect): readonly string[] {
    const integer = dialect === 'sqlite' ? 'integer' : 'bigint';
    const key = dialect === 'sqlite' ? 'text' : 'text collate "C"';
    const keyed = dialect === 'sqlite' ? ' without rowid, strict' : '';
    return [
      ...(dialect === 'sqlite'
        ? []
        : [
            // Unlogged: written to no disk before it is answered. A crash of the database forgets a minute of counts.
            // Room in each page, so that one more in a window changes no index.
            `create unlogged table rate_windows (
              key ${key} primary key,
              used bigint not null,
              ends_at bigint not null
            ) with (fillfactor = 50)`,
            'create index rate_windows_by_end on rate_windows (ends_at)',
            // mark: what tells two admin keys apart, to those who have the encryption key.
            `create table admin_key_marks (
              replica_id ${key} primary key,
              mark text not null,
              expires_at bigint not null
            )`,
          ]),
      // key: a hash over scope and nonce.
      `create table nonces (
        key ${key} primary key,
        expires_at ${integer} not null
      )${keyed}`,
      'create index nonces_by_expiry on nonces (expires_at)',
      // num: of a deleted task, whose log is too long to go in one step. step: rows to delete at once.
      `create table log_removals (
        num ${integer} primary key,
        step integer not null
      )${dialect === 'sqlite' ? ' strict' : ''}`,
    ];
  },
};
