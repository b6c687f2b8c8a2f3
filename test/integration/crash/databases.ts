/** The databases that a crash must not harm: each gives a server something to keep its data in. */
import { onTestFinished } from 'vitest';
import { postgresForTests } from '../../support/postgres.ts';
import { type ParleyProcess, startParley } from '../../support/server.ts';

export interface CrashDatabase {
  readonly name: string;
  /** Why it cannot be tried here; undefined where it can. */
  readonly skipped: string | undefined;
  /** @param config text of a `parley.yaml` */
  start(env?: Readonly<Record<string, string>>, config?: string): Promise<ParleyProcess>;
}

/** No limit of these tests' own making may get in the way. */
const ROOMY = { RATE_LIMIT_PER_MINUTE: '0', LOG_LEVEL: 'warn' };

export async function crashDatabases(): Promise<readonly CrashDatabase[]> {
  const postgres = await postgresForTests();
  return [
    {
      name: 'SQLite',
      skipped: undefined,
      start: (env, config) => startParley({ env: { ...ROOMY, ...env }, ...(config === undefined ? {} : { config }) }),
    },
    {
      name: 'PostgreSQL',
      skipped: 'skipped' in postgres ? postgres.skipped : undefined,
      async start(env, config) {
        if ('skipped' in postgres) throw new Error(postgres.skipped);
        const database = await postgres.createDatabase();
        onTestFinished(() => database.drop());
        const options = { env: { ...ROOMY, ...env }, ...(config === undefined ? {} : { config }) };
        return startParley({ databaseUrl: database.url, ...options });
      },
    },
  ];
}
