/** API keys: who may call, as whom, until when. The key itself is never stored, only its hash. */
import type { Dialect, Migration } from './migration.ts';

export const apiKeys: Migration = {
  version: 2,
  name: 'api-keys',
  statements(dialect: Dialect): readonly string[] {
    const integer = dialect === 'sqlite' ? 'integer' : 'bigint';
    return [
      `create table api_keys (
        id text primary key,
        owner_id text not null,
        name text not null,
        key_hash text not null unique,
        key_prefix text not null,
        scopes text not null,
        agents text,
        disabled integer not null,
        created_at ${integer} not null,
        updated_at ${integer} not null,
        expires_at ${integer},
        last_used_at ${integer},
        previous_hash text unique,
        previous_expires_at ${integer}
      )${dialect === 'sqlite' ? ' strict' : ''}`,
      'create index api_keys_by_time on api_keys (created_at desc, id desc)',
    ];
  },
};
