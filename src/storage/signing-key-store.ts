/** Signing keys and the signatures of cards in SQL, for both databases. */
import type { DetachedSignature } from '../core/signing/signer.ts';
import type { CardSignatureStore, SigningKeyRecord, SigningKeyStore } from '../core/signing/signing-key-store.ts';
import type { Sql } from './sql.ts';

interface Row {
  readonly kid: string;
  readonly generation: number | string;
  readonly public_key: string;
  readonly private_key: string | null;
  readonly encryption_key_id: string | null;
  readonly created_at: number | string;
  readonly active_from: number | string;
  readonly retired_at: number | string | null;
}

export class SqlSigningKeyStore implements SigningKeyStore {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  async list(): Promise<readonly SigningKeyRecord[]> {
    return (await this.#sql.query<Row>('select * from signing_keys order by generation')).map(recordOf);
  }

  async insert(record: SigningKeyRecord): Promise<boolean> {
    const rows = await this.#sql.query(
      `insert into signing_keys (kid, generation, algorithm, public_key, private_key, encryption_key_id, created_at,
        active_from, retired_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        on conflict (generation) do nothing returning kid`,
      [
        record.kid,
        record.generation,
        record.algorithm,
        record.publicKey,
        record.privateKey?.envelope ?? null,
        record.privateKey?.keyId ?? null,
        record.createdAtMs,
        record.activeFromMs,
        record.retiredAtMs,
      ],
    );
    return rows.length > 0;
  }

  retire(kid: string, nowMs: number): Promise<boolean> {
    return this.#sql.transaction(async (sql) => {
      const rows = await sql.query(
        `update signing_keys set retired_at = $1, private_key = null, encryption_key_id = null
          where kid = $2 and retired_at is null returning kid`,
        [nowMs, kid],
      );
      await sql.query('delete from card_signatures where kid = $1', [kid]);
      return rows.length > 0;
    });
  }
}

export class SqlCardSignatureStore implements CardSignatureStore {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  async find(kid: string, digest: string): Promise<DetachedSignature | null> {
    const [row] = await this.#sql.query<DetachedSignature>(
      'select protected, signature from card_signatures where kid = $1 and digest = $2',
      [kid, digest],
    );
    return row === undefined ? null : { protected: row.protected, signature: row.signature };
  }

  async keep(kid: string, digest: string, signature: DetachedSignature, nowMs: number): Promise<DetachedSignature> {
    await this.#sql.query(
      `insert into card_signatures (kid, digest, protected, signature, created_at) values ($1, $2, $3, $4, $5)
        on conflict (kid, digest) do nothing`,
      [kid, digest, signature.protected, signature.signature, nowMs],
    );
    return (await this.find(kid, digest)) ?? signature;
  }
}

function recordOf(row: Row): SigningKeyRecord {
  return {
    kid: row.kid,
    generation: Number(row.generation),
    algorithm: 'ES256',
    publicKey: row.public_key,
    privateKey: row.private_key === null ? null : { envelope: row.private_key, keyId: row.encryption_key_id ?? '' },
    createdAtMs: Number(row.created_at),
    activeFromMs: Number(row.active_from),
    retiredAtMs: row.retired_at === null ? null : Number(row.retired_at),
  };
}
