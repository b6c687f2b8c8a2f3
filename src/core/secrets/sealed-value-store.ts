/** The port by which sealed values are found and replaced, whatever table they lie in. */

import type { SealedColumn } from './sealed-columns.ts';
import type { SealedSecret } from './sealer.ts';

/** A value as it is stored. */
export interface SealedValue extends SealedSecret {
  /** The primary key of its row, as the database gives it. */
  readonly row: string | number;
}

export interface SealedCount {
  /** Empty: plaintext from before. */
  readonly keyId: string;
  readonly count: number;
}

export interface SealedValueStore {
  /** How many values each key has sealed. */
  counts(column: SealedColumn): Promise<readonly SealedCount[]>;
  /** Values that another key than `keyId` has sealed, in the order of their rows, after the row `after`. */
  othersThan(
    column: SealedColumn,
    keyId: string,
    after: string | number | null,
    limit: number,
  ): Promise<readonly SealedValue[]>;
  /**
   * Replaces values that are still as they were read, all in one transaction.
   * @returns how many it replaced: the others were changed or deleted meanwhile, or are locked by somebody who changes them
   */
  replace(
    column: SealedColumn,
    changes: readonly { readonly from: SealedValue; readonly to: SealedSecret }[],
  ): Promise<number>;
}
