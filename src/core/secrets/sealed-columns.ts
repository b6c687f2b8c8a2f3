/** Where sealed values lie. Rekeying, its status and the check at the start know them from here and from nowhere else. */

export interface SealedColumn {
  readonly table: string;
  /** The primary key: text or a number, one column. */
  readonly keyColumn: string;
  /** The envelope; null: there is no value. */
  readonly valueColumn: string;
  /** The id of the key that it was sealed with; null or empty: it is plaintext from before. */
  readonly keyIdColumn: string;
  /** Values from before there was encryption may lie here unsealed; the start seals them. */
  readonly mayBePlaintext?: true;
}

export const SEALED_COLUMNS: readonly SealedColumn[] = [
  { table: 'push_configs', keyColumn: 'uid', valueColumn: 'secret', keyIdColumn: 'secret_key_id' },
  { table: 'signing_keys', keyColumn: 'kid', valueColumn: 'private_key', keyIdColumn: 'encryption_key_id' },
];

/** For the sealer, which knows places. */
export function mayBePlaintext(columns: readonly SealedColumn[]) {
  return ({ table, column }: { readonly table: string; readonly column: string }): boolean =>
    columns.some((entry) => entry.mayBePlaintext === true && entry.table === table && entry.valueColumn === column);
}
