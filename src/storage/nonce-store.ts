/** Nonces in SQL, for both databases. */
import { createHash } from 'node:crypto';
import type { NonceStore } from '../core/limits/nonce-store.ts';
import type { Sql } from './sql.ts';

export class SqlNonceStore implements NonceStore {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** The unique row decides, and no clock: one that has expired is refused until it is pruned. */
  async accept(scope: string, nonce: string, expiresAtMs: number): Promise<boolean> {
    // Hashed: whatever a caller sends fits into the key.
    const key = createHash('sha256')
      .update(JSON.stringify([scope, nonce]))
      .digest('base64url');
    const rows = await this.#sql.query(
      'insert into nonces (key, expires_at) values ($1, $2) on conflict (key) do nothing returning key',
      [key, expiresAtMs],
    );
    return rows.length === 1;
  }

  async prune(nowMs: number, limit: number): Promise<number> {
    const rows = await this.#sql.query(
      `delete from nonces where key in
        (select key from nonces where expires_at <= $1 order by expires_at limit $2) returning key`,
      [nowMs, limit],
    );
    return rows.length;
  }
}
