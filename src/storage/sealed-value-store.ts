/** Sealed values of any table in SQL, for both databases. Names of tables and columns are the program's own, never a caller's. */
import type { SealedColumn } from '../core/secrets/sealed-columns.ts';
import type { SealedCount, SealedValue, SealedValueStore } from '../core/secrets/sealed-value-store.ts';
import type { SealedSecret } from '../core/secrets/sealer.ts';
import type { Sql } from './sql.ts';

export class SqlSealedValueStore implements SealedValueStore {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  async counts({ table, valueColumn, keyIdColumn }: SealedColumn): Promise<readonly SealedCount[]> {
    const rows = await this.#sql.query<{ key_id: string; n: number | string }>(
      `select coalesce(${keyIdColumn}, '') as key_id, count(*) as n from ${table}
        where ${valueColumn} is not null group by 1 order by 1`,
    );
    return rows.map(({ key_id, n }) => ({ keyId: key_id, count: Number(n) }));
  }

  othersThan(
    { table, keyColumn, valueColumn, keyIdColumn }: SealedColumn,
    keyId: string,
    after: string | number | null,
    limit: number,
  ): Promise<readonly SealedValue[]> {
    const isAfter = after === null ? '' : `and ${keyColumn} > $3`;
    return this.#sql.query<SealedValue>(
      `select ${keyColumn} as "row", ${valueColumn} as envelope, coalesce(${keyIdColumn}, '') as "keyId" from ${table}
        where ${valueColumn} is not null and coalesce(${keyIdColumn}, '') <> $1 ${isAfter}
        order by ${keyColumn} limit $2`,
      [keyId, limit, ...(after === null ? [] : [after])],
    );
  }

  replace(
    { table, keyColumn, valueColumn, keyIdColumn }: SealedColumn,
    changes: readonly { readonly from: SealedValue; readonly to: SealedSecret }[],
  ): Promise<number> {
    // It never waits for a row: whoever holds one, such as a commit of a task, may be about to want one that is held here.
    const update = `update ${table} set ${valueColumn} = $1, ${keyIdColumn} = $2
      where ${keyColumn} in (select ${keyColumn} from ${table}
        where ${keyColumn} = $3 and ${valueColumn} = $4 and coalesce(${keyIdColumn}, '') = $5 ${this.#sql.lockFree})
      returning ${keyColumn}`;
    return this.#sql.transaction(async (sql) => {
      let replaced = 0;
      for (const { from, to } of changes) {
        const rows = await sql.query(update, [to.envelope, to.keyId, from.row, from.envelope, from.keyId]);
        replaced += rows.length;
      }
      return replaced;
    });
  }
}
