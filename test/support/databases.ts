/** The databases that an integration test runs on: SQLite, and PostgreSQL where there is one. */
import { postgresForTests, type TestDatabase } from './postgres.ts';

export interface DatabaseUnderTest {
  readonly name: 'SQLite' | 'PostgreSQL';
  /** Why it cannot be tested here, for `describe.skipIf`. */
  readonly skipped: string | undefined;
  /** A new, empty one; undefined: the SQLite file that each server has of its own. */
  create(): Promise<TestDatabase | undefined>;
}

const postgres = await postgresForTests();

export const DATABASES: readonly DatabaseUnderTest[] = [
  { name: 'SQLite', skipped: undefined, create: async () => undefined },
  {
    name: 'PostgreSQL',
    skipped: 'skipped' in postgres ? postgres.skipped : undefined,
    create: async () => ('skipped' in postgres ? undefined : postgres.createDatabase()),
  },
];
