/** The marks of the replicas' admin keys, in PostgreSQL. */
import type { AdminKeyMarks } from '../../core/access/admin-key-agreement.ts';
import { NOW_MS } from './clock.ts';
import type { PostgresDatabase } from './database.ts';

export class PostgresAdminKeyMarks implements AdminKeyMarks {
  readonly #database: PostgresDatabase;

  constructor(database: PostgresDatabase) {
    this.#database = database;
  }

  async exchange(replicaId: string, mark: string, ttlMs: number): Promise<readonly string[]> {
    const rows = await this.#database.query<{ mark: string }>(
      `with gone as (delete from admin_key_marks where expires_at <= ${NOW_MS} and replica_id <> $1),
        mine as (insert into admin_key_marks (replica_id, mark, expires_at) values ($1, $2, ${NOW_MS} + $3)
          on conflict (replica_id) do update set mark = excluded.mark, expires_at = excluded.expires_at)
        select mark from admin_key_marks where replica_id <> $1 and expires_at > ${NOW_MS}`,
      [replicaId, mark, ttlMs],
    );
    return rows.map((row) => row.mark);
  }

  async remove(replicaId: string): Promise<void> {
    await this.#database.query('delete from admin_key_marks where replica_id = $1', [replicaId]);
  }
}
