/** A map for what passes through by the thousand a second: tasks that run, streams that are open. */

interface Cell<V> {
  value: V | null;
}

/**
 * Like a Map, with a cell around each value that is emptied when its entry is deleted. A table that V8 has grown out of
 * goes on pointing to the entries it had, and to the table after it; once one of them is old, all that come later survive
 * each collection of young objects until the next full one. Here those are empty cells, not tasks with all their events.
 */
export class TransitMap<K, V extends object> {
  readonly #cells = new Map<K, Cell<V>>();

  get size(): number {
    return this.#cells.size;
  }

  get(key: K): V | undefined {
    return this.#cells.get(key)?.value ?? undefined;
  }

  has(key: K): boolean {
    return this.#cells.has(key);
  }

  set(key: K, value: V): void {
    const cell = this.#cells.get(key);
    if (cell === undefined) this.#cells.set(key, { value });
    else cell.value = value;
  }

  delete(key: K): boolean {
    const cell = this.#cells.get(key);
    if (cell === undefined) return false;
    cell.value = null;
    return this.#cells.delete(key);
  }

  keys(): Iterable<K> {
    return this.#cells.keys();
  }

  /** What is deleted meanwhile is left out, as with a Map. */
  *values(): Generator<V> {
    for (const { value } of this.#cells.values()) if (value !== null) yield value;
  }
}
