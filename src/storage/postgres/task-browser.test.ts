/** Lists of tasks across owners on PostgreSQL. */
import { afterEach, describe } from 'vitest';
import { postgresForTests } from '../../../test/support/postgres.ts';
import { silentLogger } from '../../core/logger.ts';
import { taskBrowserContract } from '../task-browser.contract.ts';
import { PostgresDatabase } from './database.ts';
import { migrate } from './migrate.ts';
import { postgresSql } from './sql.ts';
import { PostgresTaskStore } from './task-store.ts';

const postgres = await postgresForTests();
const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

describe.skipIf('skipped' in postgres)('lists of tasks on PostgreSQL', () => {
  taskBrowserContract(async () => {
    if ('skipped' in postgres) throw new Error(postgres.skipped);
    const created = await postgres.createDatabase();
    cleanUps.push(() => created.drop());
    const pool = { size: 4, overflow: 2, acquireTimeoutMs: 10_000 };
    const database = PostgresDatabase.open({ url: created.url, ...pool, logger: silentLogger });
    cleanUps.push(() => database.close());
    await migrate(database, () => new Date());
    return {
      sql: postgresSql(database),
      store: new PostgresTaskStore(database, 0),
      explain: async (text, values) => {
        const rows = await database.query<{ 'QUERY PLAN': string }>(`explain ${text}`, values);
        return rows.map((row) => row['QUERY PLAN']).join('\n');
      },
      analyze: async () => {
        await database.query('analyze tasks');
        await database.query('analyze task_log');
      },
    };
  });
});
