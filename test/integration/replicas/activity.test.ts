/** What the overview and the health of one replica tell of all that share its database. */
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Overview } from '../../../src/http/admin/overview-contract.ts';
import { overviewSchema } from '../../../src/http/admin/overview-contract.ts';
import { healthSchema, type ServerHealth } from '../../../src/http/admin/server-contract.ts';
import { postgresForTests } from '../../support/postgres.ts';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { waitFor } from '../../support/wait-for.ts';
import { ask, callerOf, issueKey, manage, REST } from '../../support/wire-client.ts';

const postgres = await postgresForTests();
/** A span of ten seconds, what passes until it is stored, and a slow machine. */
const TOLD_MS = 60_000;

async function overviewOf(parley: ParleyProcess): Promise<Overview> {
  const { json } = await manage(parley, 'GET', '/api/v1/overview?window=1h');
  expect(overviewSchema.parse(json)).toEqual(json);
  return json as Overview;
}

async function healthOf(parley: ParleyProcess): Promise<ServerHealth> {
  const { json } = await manage(parley, 'GET', '/api/v1/health');
  expect(healthSchema.parse(json)).toEqual(json);
  return json as ServerHealth;
}

const sum = (line: readonly (number | null)[] = []) => line.reduce<number>((total, value) => total + (value ?? 0), 0);
const createdOf = ({ series }: Overview) => sum(series?.tasksCreated);
const statuses = ({ replicas }: ServerHealth) =>
  replicas.map(({ status, isThis }) => `${status}${isThis ? ' here' : ''}`);

describe.skipIf('skipped' in postgres)('two replicas', () => {
  test('[U1] each tells what all of them did, also those that are gone, and who is there, late, gone or stopped', async () => {
    if ('skipped' in postgres) return;
    const database = await postgres.createDatabase();
    onTestFinished(() => database.drop());
    const options = {
      databaseUrl: database.url,
      adminKey: 'test-admin-key-of-both-replicas-0123456789',
      config: 'tasks:\n  leaseTtlMs: 2000\n',
      env: { RATE_LIMIT_PER_MINUTE: '0' },
    };
    const [a, b] = [await startParley(options), await startParley(options)];
    const send = async (parley: ParleyProcess, text: string) => {
      expect((await ask(callerOf(parley, parley.adminKey), 'SendMessage', REST, { text })).status).toBe(200);
    };
    for (let count = 0; count < 3; count++) await send(a, `to a ${count}`);
    for (let count = 0; count < 4; count++) await send(b, `to b ${count}`);
    await send(b, '/fail in b');
    await waitFor('the tasks of both', TOLD_MS, async () => createdOf(await overviewOf(a)) === 8);
    const fromB = await overviewOf(b);
    expect(createdOf(fromB)).toBe(8);
    expect(sum(fromB.series?.turnsFailed)).toBe(1);
    expect(fromB.replicas?.map(({ status }) => status)).toEqual(['alive', 'alive']);
    expect(new Set(fromB.replicas?.map(({ name }) => name.split(':').at(-1)))).toEqual(
      new Set([new URL(a.url).port, new URL(b.url).port]),
    );
    expect(statuses(await healthOf(b))).toEqual(['alive here', 'alive']);

    // What was not stored before it stops is stored then.
    await send(a, 'at the last moment');
    await a.stop();
    await waitFor('a to be stopped', TOLD_MS, async () => statuses(await healthOf(b)).includes('stopped'));
    await waitFor('what a did last', TOLD_MS, async () => createdOf(await overviewOf(b)) === 9);
    await a.start();
    await b.kill9();
    await waitFor('b to be late', TOLD_MS, async () => statuses(await healthOf(a)).includes('late'));
    expect(statuses(await healthOf(a))).toEqual(['alive here', 'late', 'stopped']);
    expect(createdOf(await overviewOf(a))).toBe(9);
    expect((await overviewOf(a)).replicas).toHaveLength(3);

    const reader = await issueKey(a, { scopes: ['tasks:read'] });
    const { json } = await manage(a, 'GET', '/api/v1/overview', { key: reader.key });
    expect(json).toMatchObject({ series: null, replicas: null, queue: null });
  }, 300_000);
});
