/** Two servers on one database whose keys differ: what they say, and that nothing is lost by it. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DATABASES } from '../../support/databases.ts';
import type { TestDatabase } from '../../support/postgres.ts';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { waitFor } from '../../support/wait-for.ts';

const postgres = DATABASES.find(({ name }) => name === 'PostgreSQL');
const DIFFERENT = 'another replica on this database has another admin key';

describe.skipIf(postgres === undefined || postgres.skipped !== undefined)('replicas with different keys', () => {
  let database: TestDatabase | undefined;
  let first: ParleyProcess;
  const options = () => ({
    databaseUrl: database?.url ?? '',
    env: { ENCRYPTION_KEY: undefined, LOG_FORMAT: 'json' },
  });
  beforeAll(async () => {
    database = await postgres?.create();
    first = await startParley(options());
  });
  afterAll(async () => {
    await first?.destroy();
    await database?.drop();
  });

  test('[A12, O16] a second one without the encryption key of the first does not start, and says which key it needs', async () => {
    const error: unknown = await startParley(options()).catch((reason: unknown) => reason);
    const said = error instanceof Error ? error.message : '';
    expect(said).toContain('the database holds encrypted secrets, and there is no encryption key');
    expect(said).toContain('replicas on one database need the same key');
    expect(said).toContain('encryption.key in its data directory');
    const env = { ENCRYPTION_KEY: 'kQ3v5y8BqEhKnRtUwYz2C4F6J9MbPdSgVjXm1p0sLxA=', LOG_FORMAT: 'json' };
    const wrong: unknown = await startParley({ ...options(), env }).catch((reason: unknown) => reason);
    expect(wrong instanceof Error ? wrong.message : '').toContain('all replicas need the same keys');
  });

  test('[I1, O16] a second one with another admin key says so, and one with the same does not', async () => {
    const keyFile = join(first.dataDir, 'data', 'encryption.key');
    const env = { ENCRYPTION_KEY: undefined, ENCRYPTION_KEY_FILE: keyFile, LOG_FORMAT: 'json' };
    const start = (adminKey?: string): Promise<ParleyProcess> =>
      startParley({ databaseUrl: database?.url ?? '', env, ...(adminKey === undefined ? {} : { adminKey }) });
    const same = await start(first.adminKey);
    await same.stop();
    expect(same.output).not.toContain(DIFFERENT);
    const other = await start();
    await waitFor('it to say so', 20_000, () => other.output.includes(DIFFERENT));
    expect(other.output).not.toContain(other.adminKey);
    await other.destroy();
    await same.destroy();
  });
});
