/** Claims on PostgreSQL read no more than what waits, however many tasks there are; plans are made while tables are empty. */
import { expect, test } from 'vitest';
import { newMigratedDatabase, postgresSkipped } from '../../../test/support/postgres-database.ts';
import { HEAD_COLUMNS } from '../task-rows.ts';
import type { PostgresSession } from './database.ts';
import { CLAIM_DEAD, CLAIM_WAITING, COUNT_WAITING, LOOK_AT_REPLICAS } from './task-claims.ts';

const ENDED = 20_000;
const QUEUED = 10_000;
const CLAIM_TYPES = 'text, integer, text[], integer[], integer, text[], text[], bigint, text';
/** Of 50 owners with 200 waiting tasks each. */
const STATEMENTS: readonly (readonly [name: string, sql: string, types: string, values: string, most: number])[] = [
  ['one', CLAIM_WAITING, CLAIM_TYPES, `'r', 1, '{}', '{}', 9, '{}', '{echo}', 0, ''`, 400],
  ['waiting', CLAIM_WAITING, CLAIM_TYPES, `'r', 100, '{o1,o2}', '{1,7}', 9, '{}', '{echo}', 0, 'o2'`, 1300],
  ['passing', CLAIM_WAITING, CLAIM_TYPES, `'r', 20, '{o1,o2}', '{9,9}', 9, '{}', '{echo}', 0, 'x'`, 500],
  ['nobody', CLAIM_WAITING, CLAIM_TYPES, `'r', 20, '{}', '{}', 9, '{echo}', '{echo}', 0, ''`, QUEUED + 500],
  ['strangers', CLAIM_WAITING, CLAIM_TYPES, `'r', 20, '{}', '{}', 9, '{}', '{another}', 0, ''`, QUEUED + 500],
  ['dead', CLAIM_DEAD, CLAIM_TYPES, `'r', 20, '{}', '{}', 9, '{}', '{echo}', 0, ''`, 500],
  ['count', COUNT_WAITING, 'bigint', '100000', 2 * QUEUED],
  ['replicas', LOOK_AT_REPLICAS, 'text', `'alive1'`, 100],
];

interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly Plan[];
}

/** Rows of `tasks` that a plan has looked at. */
function rowsRead(plan: Plan): number {
  const own = plan['Relation Name'] === 'tasks' && plan['Node Type'].includes('Scan');
  const read = own ? (plan['Actual Rows'] + (plan['Rows Removed by Filter'] ?? 0)) * plan['Actual Loops'] : 0;
  return (plan.Plans ?? []).reduce((sum, child) => sum + rowsRead(child), read);
}

async function fill(session: PostgresSession, prefix: string, count: number, lease: string): Promise<void> {
  await session.query(`insert into tasks (${HEAD_COLUMNS})
    select '${prefix}' || i, 'o' || (i % 50), 'echo', 'c', 'TASK_STATE_WORKING', '{}', i, i, 1, 1, 1, 1, 1, 100, ${lease}, 1, 1
    from generate_series(1, ${count}) i`);
}

test.skipIf(postgresSkipped !== undefined)('[A14] a claim reads what waits, and no other task', async () => {
  const { database } = await newMigratedDatabase();
  const wrong: string[] = [];
  await database.session(async (session) => {
    await session.query('set plan_cache_mode = force_generic_plan');
    for (const [name, sql, types] of STATEMENTS) await session.query(`prepare ${name}(${types}) as ${sql}`);
    await fill(session, 'ended', ENDED, 'null');
    await fill(session, 'queued', QUEUED, `'queued'`);
    await fill(session, 'running', 1000, `case when i % 10 = 0 then 'dead' else 'alive' || (i % 10) end`);
    await session.query(
      `insert into replicas select 'alive' || i, 1, ${Date.now()} + 3600000 from generate_series(1, 9) i`,
    );
    for (const [name, , , values, most] of STATEMENTS) {
      const [row] = await session.query<{ 'QUERY PLAN': readonly [{ Plan: Plan }] }>(
        `explain (analyze, format json) execute ${name}(${values})`,
      );
      const [explained] = row?.['QUERY PLAN'] ?? [];
      if (explained === undefined) throw new Error('no plan');
      const read = rowsRead(explained.Plan);
      if (read === 0 || read >= most) wrong.push(`${name} reads ${read} rows`);
    }
  });
  expect(wrong).toEqual([]);
});
