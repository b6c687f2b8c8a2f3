/** Rekeying: what older keys have sealed is sealed anew with the current one, in batches, while everything runs. */
import { AppError } from '../../protocol/errors.ts';
import type { Logger } from '../logger.ts';
import type { AesGcmSealer } from './aes-gcm-sealer.ts';
import { isKeyId } from './encryption-keys.ts';
import type { SealedColumn } from './sealed-columns.ts';
import type { SealedValue, SealedValueStore } from './sealed-value-store.ts';

/** Values in one batch: few enough that others do not wait for its transaction. */
export const REKEY_BATCH = 200;

export interface KeyUse {
  /** Empty: plaintext from before. */
  readonly keyId: string;
  readonly isCurrent: boolean;
  /** Whether this server has the key. */
  readonly isHere: boolean;
  readonly count: number;
}

export interface RekeyStatus {
  readonly currentKeyId: string;
  /** Every key that is here or that has sealed something, the current one first. */
  readonly keys: readonly KeyUse[];
  /** Values that are still to be sealed with the current key. */
  readonly remaining: number;
  /** Keys that are here and have sealed nothing that is left: they may be taken out of the configuration. */
  readonly removable: readonly string[];
}

/** Where the next batch goes on. */
export interface RekeyPosition {
  /** Index of the column. */
  readonly column: number;
  readonly after: string | number | null;
}

export interface RekeyBatch {
  readonly rewritten: number;
  /** Changed by others meanwhile, or just being changed: sealed with the current key by now, or found in the next pass. */
  readonly skipped: number;
  /** Values that do not open: they stay as they are. */
  readonly failed: readonly { readonly table: string; readonly row: string }[];
  /** null: that was the last batch. */
  readonly next: RekeyPosition | null;
}

export interface RekeyingOptions {
  readonly store: SealedValueStore;
  readonly sealer: AesGcmSealer;
  readonly columns: readonly SealedColumn[];
  readonly logger: Logger;
}

export class Rekeying {
  readonly #store: SealedValueStore;
  readonly #sealer: AesGcmSealer;
  readonly #columns: readonly SealedColumn[];
  readonly #logger: Logger;

  constructor({ store, sealer, columns, logger }: RekeyingOptions) {
    this.#store = store;
    this.#sealer = sealer;
    this.#columns = columns;
    this.#logger = logger;
  }

  async status(): Promise<RekeyStatus> {
    const counts = new Map<string, number>(this.#sealer.keyIds.map((id) => [id, 0]));
    for (const column of this.#columns) {
      for (const { keyId, count } of await this.#store.counts(column)) {
        counts.set(keyId, (counts.get(keyId) ?? 0) + count);
      }
    }
    const { currentKeyId, keyIds } = this.#sealer;
    const keys = [...counts]
      .map(([keyId, count]) => ({ keyId, count, isCurrent: keyId === currentKeyId, isHere: keyIds.includes(keyId) }))
      .toSorted((a, b) => Number(b.isCurrent) - Number(a.isCurrent) || (a.keyId < b.keyId ? -1 : 1));
    return {
      currentKeyId,
      keys,
      remaining: keys.reduce((sum, { isCurrent, count }) => (isCurrent ? sum : sum + count), 0),
      removable: keys.filter(({ isCurrent, isHere, count }) => isHere && !isCurrent && count === 0).map((k) => k.keyId),
    };
  }

  /** One batch from `position` on (null: from the beginning). What is done already is not looked at again. */
  async batch(position: RekeyPosition | null, size = REKEY_BATCH): Promise<RekeyBatch> {
    const { column: index, after } = position ?? { column: 0, after: null };
    const column = this.#columns[index];
    if (column === undefined) return { rewritten: 0, skipped: 0, failed: [], next: null };
    const values = await this.#store.othersThan(column, this.#sealer.currentKeyId, after, size);
    const { changes, failed } = this.#resealed(column, values);
    const rewritten = changes.length === 0 ? 0 : await this.#store.replace(column, changes);
    const last = values.at(-1);
    const isColumnDone = values.length < size || last === undefined;
    const next = isColumnDone ? { column: index + 1, after: null } : { column: index, after: last.row };
    return {
      rewritten,
      skipped: changes.length - rewritten,
      failed,
      next: next.column < this.#columns.length ? next : null,
    };
  }

  /** One value that does not open is told and passed over: it is no reason to leave the others as they are. */
  #resealed(column: SealedColumn, values: readonly SealedValue[]) {
    const changes: { from: SealedValue; to: ReturnType<AesGcmSealer['seal']> }[] = [];
    const failed: { table: string; row: string }[] = [];
    for (const from of values) {
      const place = { table: column.table, column: column.valueColumn, row: String(from.row) };
      try {
        changes.push({ from, to: this.#sealer.seal(this.#sealer.open(from, place), place) });
      } catch (err) {
        if (!(err instanceof AppError)) throw err;
        this.#logger.error({ err, table: place.table, row: place.row }, 'a stored secret cannot be opened');
        failed.push({ table: place.table, row: place.row });
      }
    }
    return { changes, failed };
  }

  /** Seals what lies unsealed from before; in a column that has such values, what older keys have sealed too. */
  async sealPlaintext(): Promise<number> {
    let sealed = 0;
    for (const [index, column] of this.#columns.entries()) {
      if (column.mayBePlaintext !== true) continue;
      const counts = await this.#store.counts(column);
      if (!counts.some(({ keyId }) => keyId === '')) continue;
      let position: RekeyPosition | null = { column: index, after: null };
      while (position?.column === index) {
        const batch: RekeyBatch = await this.batch(position);
        sealed += batch.rewritten;
        position = batch.next;
      }
    }
    return sealed;
  }

  /**
   * Throws UNAVAILABLE where the database holds values of keys that are not here, and says what to do. What is no id of a
   * key was tampered with: that row does not open, and keeps nobody from starting.
   */
  async requireKeys(): Promise<void> {
    const { keys } = await this.status();
    const missing = keys.filter(({ keyId, isHere }) => isKeyId(keyId) && !isHere);
    if (missing.length === 0) return;
    const values = missing.reduce((sum, { count }) => sum + count, 0);
    const ids = missing.map(({ keyId }) => keyId).join(', ');
    throw new AppError(
      'UNAVAILABLE',
      `the database holds ${values} secret(s) sealed with an encryption key that is not here (${ids}). Give that key as ` +
        'ENCRYPTION_KEY, or as ENCRYPTION_KEYS_PREVIOUS beside the new one; all replicas need the same keys. If it is ' +
        'lost, set secrets.startWithoutKeys: true: those secrets stay unreadable, and everything else works',
    );
  }
}
