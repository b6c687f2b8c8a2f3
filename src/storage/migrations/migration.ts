/** What a migration is. Migrations are forward-only, run in a transaction, and are never edited once released. */

export type Dialect = 'sqlite' | 'postgres';

export interface Migration {
  /** 1, 2, 3, ... in the order of application. */
  readonly version: number;
  readonly name: string;
  /** Statements, run in order. An older program must be able to work on the result: add, do not rename or drop. */
  statements(dialect: Dialect): readonly string[];
}

export interface AppliedMigration {
  readonly version: number;
  readonly name: string;
  /** RFC 3339, UTC. */
  readonly appliedAt: string;
}

export interface MigrationStatus {
  readonly applied: readonly AppliedMigration[];
  readonly pending: readonly { readonly version: number; readonly name: string }[];
  /** Applied by a newer program than this one. */
  readonly unknown: readonly AppliedMigration[];
}

/** What of `known` is still to be applied, and what of `applied` is not known here. */
export function statusOf(known: readonly Migration[], applied: readonly AppliedMigration[]): MigrationStatus {
  const done = new Set(applied.map((migration) => migration.version));
  const mine = new Set(known.map((migration) => migration.version));
  return {
    applied,
    pending: known.filter((migration) => !done.has(migration.version)).map(({ version, name }) => ({ version, name })),
    unknown: applied.filter((migration) => !mine.has(migration.version)),
  };
}
