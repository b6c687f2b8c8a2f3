/** The server's own signing keys, and the signatures of cards, so that every replica and start serves the same bytes. */
import type { Dialect, Migration } from './migration.ts';

export const signingKeys: Migration = {
  version: 3,
  name: 'signing-keys',
  statements(dialect: Dialect): readonly string[] {
    const integer = dialect === 'sqlite' ? 'integer' : 'bigint';
    const key = dialect === 'sqlite' ? 'text' : 'text collate "C"';
    const suffix = dialect === 'sqlite' ? ' strict' : '';
    return [
      // generation: of replicas that make a key at once, one does.
      `create table signing_keys (
        kid ${key} primary key,
        generation ${integer} not null unique,
        algorithm text not null,
        public_key text not null,
        private_key text,
        encryption_key_id text,
        created_at ${integer} not null,
        active_from ${integer} not null,
        retired_at ${integer}
      )${suffix}`,
      `create table card_signatures (
        kid ${key} not null,
        digest ${key} not null,
        protected text not null,
        signature text not null,
        created_at ${integer} not null,
        primary key (kid, digest)
      )${suffix}`,
    ];
  },
};
