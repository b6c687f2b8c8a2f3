/** API keys in SQL, for both databases. */
import { type Kysely, type Selectable, sql, type Updateable } from 'kysely';
import type {
  ApiKeyChanges,
  ApiKeyCursor,
  ApiKeyRecord,
  ApiKeyRotation,
  ApiKeyStore,
  ApiKeyUse,
} from '../core/access/api-key-store.ts';
import type { Scope } from '../core/access/principal.ts';
import type { ApiKeysTable, Schema } from './schema.ts';

/** Uses in one statement: two parameters each, and SQLite joins at most 500 selects. */
const USES_PER_STATEMENT = 200;

export class SqlApiKeyStore implements ApiKeyStore {
  readonly #db: Kysely<Schema>;

  constructor(db: Kysely<Schema>) {
    this.#db = db;
  }

  async insert(record: ApiKeyRecord): Promise<void> {
    await this.#db.insertInto('api_keys').values(toRow(record)).execute();
  }

  async find(id: string): Promise<ApiKeyRecord | null> {
    return toRecord(await this.#db.selectFrom('api_keys').selectAll().where('id', '=', id).executeTakeFirst());
  }

  async findByHash(keyHash: string, nowMs: number): Promise<ApiKeyRecord | null> {
    const query = this.#db
      .selectFrom('api_keys')
      .selectAll()
      .where((is) =>
        is.or([
          is('key_hash', '=', keyHash),
          is.and([is('previous_hash', '=', keyHash), is('previous_expires_at', '>', nowMs)]),
        ]),
      );
    return toRecord(await query.executeTakeFirst());
  }

  async list(limit: number, after: ApiKeyCursor | null): Promise<readonly ApiKeyRecord[]> {
    let query = this.#db.selectFrom('api_keys').selectAll();
    if (after !== null) query = query.where(sql<boolean>`(created_at, id) < (${after.createdAtMs}, ${after.id})`);
    const rows = await query.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(limit).execute();
    return rows.map(recordOf);
  }

  async ownerExists(ownerId: string): Promise<boolean> {
    const row = await this.#db
      .selectFrom('api_keys')
      .select('owner_id')
      .where('owner_id', '=', ownerId)
      .unionAll(this.#db.selectFrom('tasks').select('owner_id').where('owner_id', '=', ownerId))
      .limit(1)
      .executeTakeFirst();
    return row !== undefined;
  }

  update(id: string, changes: ApiKeyChanges, nowMs: number): Promise<ApiKeyRecord | null> {
    const { name, scopes, agents, expiresAtMs, disabled } = changes;
    return this.#change(id, nowMs, {
      ...(name === undefined ? {} : { name }),
      ...(scopes === undefined ? {} : { scopes: JSON.stringify(scopes) }),
      ...(agents === undefined ? {} : { agents: agents === null ? null : JSON.stringify(agents) }),
      ...(expiresAtMs === undefined ? {} : { expires_at: expiresAtMs }),
      ...(disabled === undefined ? {} : { disabled: disabled ? 1 : 0 }),
    });
  }

  rotate(id: string, fromHash: string, rotation: ApiKeyRotation, nowMs: number): Promise<ApiKeyRecord | null> {
    const { keyHash, prefix, previousExpiresAtMs } = rotation;
    const columns = {
      key_hash: keyHash,
      key_prefix: prefix,
      previous_hash: previousExpiresAtMs === null ? null : fromHash,
      previous_expires_at: previousExpiresAtMs,
    };
    return this.#change(id, nowMs, columns, fromHash);
  }

  async delete(id: string): Promise<boolean> {
    const { numDeletedRows } = await this.#db.deleteFrom('api_keys').where('id', '=', id).executeTakeFirst();
    return numDeletedRows > 0n;
  }

  async touchLastUsed(uses: readonly ApiKeyUse[]): Promise<void> {
    // In one order everywhere, so that replicas that store the same keys seldom wait for each other crosswise.
    const sorted = uses.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    for (let start = 0; start < sorted.length; start += USES_PER_STATEMENT) {
      await this.#touch(sorted.slice(start, start + USES_PER_STATEMENT));
    }
  }

  async #change(
    id: string,
    nowMs: number,
    columns: Updateable<ApiKeysTable>,
    ifHash?: string,
  ): Promise<ApiKeyRecord | null> {
    let query = this.#db
      .updateTable('api_keys')
      .set(columns)
      .set({ updated_at: sql<number>`case when updated_at < ${nowMs} then ${nowMs} else updated_at + 1 end` })
      .where('id', '=', id);
    if (ifHash !== undefined) query = query.where('key_hash', '=', ifHash);
    return toRecord(await query.returningAll().executeTakeFirst());
  }

  async #touch(uses: readonly ApiKeyUse[]): Promise<void> {
    const rows = uses.map(
      ({ id, usedAtMs }) => sql`select cast(${id} as text) as id, cast(${usedAtMs} as bigint) as at`,
    );
    await sql`update api_keys set last_used_at = used.at from (${sql.join(rows, sql` union all `)}) as used
      where api_keys.id = used.id and (last_used_at is null or last_used_at < used.at)`.execute(this.#db);
  }
}

function toRow(record: ApiKeyRecord) {
  return {
    id: record.id,
    owner_id: record.ownerId,
    name: record.name,
    key_hash: record.keyHash,
    key_prefix: record.prefix,
    scopes: JSON.stringify(record.scopes),
    agents: record.agents === null ? null : JSON.stringify(record.agents),
    disabled: record.disabled ? 1 : 0,
    created_at: record.createdAtMs,
    updated_at: record.updatedAtMs,
    expires_at: record.expiresAtMs,
    last_used_at: record.lastUsedAtMs,
    previous_hash: record.previousHash,
    previous_expires_at: record.previousExpiresAtMs,
  };
}

function recordOf(row: Selectable<ApiKeysTable>): ApiKeyRecord {
  return {
    id: row.id,
    ownerId: row.owner_id,
    name: row.name,
    keyHash: row.key_hash,
    prefix: row.key_prefix,
    scopes: JSON.parse(row.scopes) as Scope[],
    agents: row.agents === null ? null : (JSON.parse(row.agents) as string[]),
    disabled: row.disabled !== 0,
    createdAtMs: Number(row.created_at),
    updatedAtMs: Number(row.updated_at),
    expiresAtMs: toNumber(row.expires_at),
    lastUsedAtMs: toNumber(row.last_used_at),
    previousHash: row.previous_hash,
    previousExpiresAtMs: toNumber(row.previous_expires_at),
  };
}

const toRecord = (row: Selectable<ApiKeysTable> | undefined) => (row === undefined ? null : recordOf(row));
const toNumber = (value: number | string | null) => (value === null ? null : Number(value));
