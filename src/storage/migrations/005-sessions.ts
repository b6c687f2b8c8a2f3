/** Sessions of people in the console. What the cookie holds is never stored, only its hash. */
import type { Dialect, Migration } from './migration.ts';

export const sessions: Migration = {
  version: 5,
  name: 'sessions',
  statements(dialect: Dialect): readonly string[] {
    const integer = dialect === 'sqlite' ? 'integer' : 'bigint';
    const key = dialect === 'sqlite' ? 'text' : 'text collate "C"';
    return [
      // credential: of an API key the hash that api_keys has too; of the admin key one that needs the cookie to be made.
      `create table sessions (
        token_hash ${key} primary key,
        id ${key} not null unique,
        kind text not null,
        owner_id ${key} not null,
        key_id ${key},
        credential text not null,
        user_agent text not null,
        created_at ${integer} not null,
        last_seen_at ${integer} not null,
        expires_at ${integer} not null
      )${dialect === 'sqlite' ? ' strict' : ''}`,
      'create index sessions_by_owner on sessions (owner_id, created_at)',
      'create index sessions_by_expiry on sessions (expires_at)',
    ];
  },
};
