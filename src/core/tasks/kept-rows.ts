/** The committed rows of a short task, kept by its run so that the answer needs no look-up. */
import { type LogRow, sizeOf } from './log.ts';

const MAX_ROWS = 64;
const MAX_CHARS = 64 * 1024;

export class KeptRows {
  #rows: LogRow[] | null;
  #chars = 0;

  /** @param isWhole the run has its task from the first row on; else nothing is kept. */
  constructor(isWhole: boolean) {
    this.#rows = isWhole ? [] : null;
  }

  /** null where they are not all here, or are too many. */
  get rows(): readonly LogRow[] | null {
    return this.#rows;
  }

  add(rows: readonly LogRow[]): void {
    if (this.#rows === null) return;
    for (const row of rows) {
      this.#rows.push(row);
      this.#chars += sizeOf(row);
    }
    if (this.#rows.length > MAX_ROWS || this.#chars > MAX_CHARS) this.#rows = null;
  }
}
