/** The few statements that are needed before the query builder is loaded: hand-written once, for both databases. */

export type SqlValue = string | number | null;

export interface Sql {
  /** At the end of a select: locks its rows until the transaction ends, without those that somebody else has locked. */
  readonly lockFree: string;
  /** An expression: now by the clock of the database, milliseconds since 1970. */
  readonly nowMs: string;
  /** Parameters are `$1`, `$2`, ...; the rows come back as objects. What it changes is committed by itself. */
  query<R extends object>(text: string, values?: readonly SqlValue[]): Promise<readonly R[]>;
  /** Runs statements in one transaction: all of them, or none. `work` must wait for nothing but its statements. */
  transaction<T>(work: (sql: Pick<Sql, 'query'>) => Promise<T>): Promise<T>;
}
