/** Sessions in SQL, for both databases. */
import type { SessionRecord, SessionStore } from '../core/access/session-store.ts';
import type { Sql } from './sql.ts';

interface Row {
  readonly token_hash: string;
  readonly id: string;
  readonly kind: string;
  readonly owner_id: string;
  readonly key_id: string | null;
  readonly credential: string;
  readonly user_agent: string;
  readonly created_at: number | string;
  readonly last_seen_at: number | string;
  readonly expires_at: number | string;
}

const COLUMNS = 'token_hash, id, kind, owner_id, key_id, credential, user_agent, created_at, last_seen_at, expires_at';

export class SqlSessionStore implements SessionStore {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  insert(record: SessionRecord, maxPerOwner: number): Promise<readonly Pick<SessionRecord, 'id' | 'tokenHash'>[]> {
    return this.#sql.transaction(async (sql) => {
      await sql.query(`insert into sessions (${COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, [
        record.tokenHash,
        record.id,
        record.kind,
        record.ownerId,
        record.keyId,
        record.credential,
        record.userAgent,
        record.createdAtMs,
        record.lastSeenAtMs,
        record.expiresAtMs,
      ]);
      const ended = await sql.query<Row>(
        `delete from sessions where owner_id = $1 and id in (select id from sessions where owner_id = $1
          order by created_at desc, id desc limit 1000 offset $2) returning ${COLUMNS}`,
        [record.ownerId, maxPerOwner],
      );
      return ended.map(({ id, token_hash }) => ({ id, tokenHash: token_hash }));
    });
  }

  async find(tokenHash: string): Promise<SessionRecord | null> {
    const [row] = await this.#sql.query<Row>(`select ${COLUMNS} from sessions where token_hash = $1`, [tokenHash]);
    return row === undefined ? null : recordOf(row);
  }

  async findById(id: string): Promise<SessionRecord | null> {
    const [row] = await this.#sql.query<Row>(`select ${COLUMNS} from sessions where id = $1`, [id]);
    return row === undefined ? null : recordOf(row);
  }

  async list(ownerId: string | null, limit: number): Promise<readonly SessionRecord[]> {
    const rows = await this.#sql.query<Row>(
      `select ${COLUMNS} from sessions ${ownerId === null ? '' : 'where owner_id = $2'}
        order by created_at desc, id desc limit $1`,
      [limit, ...(ownerId === null ? [] : [ownerId])],
    );
    return rows.map(recordOf);
  }

  async touch(tokenHash: string, nowMs: number): Promise<void> {
    await this.#sql.query('update sessions set last_seen_at = $2 where token_hash = $1 and last_seen_at < $2', [
      tokenHash,
      nowMs,
    ]);
  }

  async delete(id: string): Promise<boolean> {
    return (await this.#sql.query('delete from sessions where id = $1 returning id', [id])).length > 0;
  }

  async prune(nowMs: number, idleBeforeMs: number): Promise<void> {
    await this.#sql.query('delete from sessions where expires_at <= $1 or last_seen_at <= $2', [nowMs, idleBeforeMs]);
  }
}

function recordOf(row: Row): SessionRecord {
  return {
    tokenHash: row.token_hash,
    id: row.id,
    kind: row.kind === 'admin' ? 'admin' : 'key',
    ownerId: row.owner_id,
    keyId: row.key_id,
    credential: row.credential,
    userAgent: row.user_agent,
    createdAtMs: Number(row.created_at),
    lastSeenAtMs: Number(row.last_seen_at),
    expiresAtMs: Number(row.expires_at),
  };
}
