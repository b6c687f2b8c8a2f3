/** The tables as kysely sees them: those whose statements are not written by hand. */
import type { ColumnType } from 'kysely';

/** 64 bits: SQLite gives a number, PostgreSQL's driver may give text. */
type Integer64 = ColumnType<number | string, number, number>;
type NullableInteger64 = ColumnType<number | string | null, number | null, number | null>;

export interface ApiKeysTable {
  id: string;
  owner_id: string;
  name: string;
  key_hash: string;
  key_prefix: string;
  /** A JSON list. */
  scopes: string;
  /** A JSON list; null: all agents. */
  agents: string | null;
  /** 0 or 1. */
  disabled: number;
  created_at: Integer64;
  updated_at: Integer64;
  expires_at: NullableInteger64;
  last_used_at: NullableInteger64;
  previous_hash: string | null;
  previous_expires_at: NullableInteger64;
}

/** As far as an owner is looked for in it; the task store has the statements. */
export interface TasksTable {
  owner_id: string;
}

export interface Schema {
  api_keys: ApiKeysTable;
  tasks: TasksTable;
}
