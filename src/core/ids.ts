/** Identifiers as a dependency. Task ids are made by the server only (A2A 1.0 section 3.4.2). */

export interface Ids {
  /**
   * A new UUID version 7: unique, and growing with time, so that rows keyed by it are appended to the end of an index
   * and not scattered over it. It is no secret: what may be seen is decided by ownership alone.
   */
  next(): string;
}
