/** Rate limits of two servers on one database: counted together, by HTTP and by gRPC, in PostgreSQL and in Redis. */
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DATABASES } from '../../support/databases.ts';
import type { OwnServer } from '../../support/own-server.ts';
import type { TestDatabase } from '../../support/postgres.ts';
import { redisSkipped, startRedis } from '../../support/redis.ts';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { waitFor } from '../../support/wait-for.ts';
import { ALL_FORMS, ask, callerOf, issueKey, metricOf, REST } from '../../support/wire-client.ts';

const PER_MINUTE = 10;
const ADMIN_KEY = 'test-admin-key-of-both-replicas-4711';
const postgres = DATABASES.find(({ name }) => name === 'PostgreSQL');
const postgresSkipped = postgres === undefined ? 'no PostgreSQL' : postgres.skipped;

describe.each([
  { name: 'PostgreSQL', skipped: postgresSkipped },
  { name: 'Redis', skipped: postgresSkipped ?? redisSkipped },
])('two replicas that count together', ({ name, skipped }) => {
  describe.skipIf(skipped !== undefined)(`in ${name}`, () => {
    let redis: OwnServer | undefined;
    let database: TestDatabase | undefined;
    let replicas: ParleyProcess[] = [];
    let key: string;
    beforeAll(async () => {
      database = await postgres?.create();
      if (name === 'Redis') redis = await startRedis();
      const config = `rateLimit: { failedAuthPerMinute: 6 }\n`;
      const env = { RATE_LIMIT_PER_MINUTE: String(PER_MINUTE), REDIS_URL: redis?.url };
      const options = { databaseUrl: database?.url ?? '', adminKey: ADMIN_KEY, config, env };
      replicas = [await startParley(options), await startParley(options)];
      ({ key } = await issueKey(replica(0)));
      // Known to both: a key that is in use is not shut out by what others guess from its address.
      for (const one of replicas) await ask(callerOf(one, key), 'ListTasks', REST);
    });
    afterAll(async () => {
      for (const replica of replicas) await replica.destroy();
      await redis?.destroy();
      await database?.drop();
    });
    const replica = (index: number): ParleyProcess => {
      const found = replicas[index % 2];
      if (found === undefined) throw new Error('no replica');
      return found;
    };

    test('[A8, O16] N requests pass in all, whichever replica and listener they come to', async () => {
      for (const form of ALL_FORMS) {
        const { key: fresh } = await issueKey(replica(0));
        const statuses: number[] = [];
        for (let index = 0; index < PER_MINUTE + 4; index++) {
          const { status, headers } = await ask(callerOf(replica(index), fresh), 'SendMessage', form);
          statuses.push(status);
          expect(Number(headers['ratelimit-remaining'])).toBe(Math.max(0, PER_MINUTE - index - 1));
        }
        expect(statuses.filter((status) => status === statuses[0])).toHaveLength(PER_MINUTE);
      }
    });

    test('[A8] failures at one replica count at the other', async () => {
      const guess = async (index: number): Promise<number> => {
        const { statusCode, body } = await request(`${replica(index).url}/v1/admin/token`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ api_key: 'guessed-admin-key-0123456789' }),
        });
        await body.dump();
        return statusCode;
      };
      let failed = 0;
      await waitFor('both to refuse', 20_000, async () => {
        const statuses = [await guess(0), await guess(1)];
        failed += statuses.filter((status) => status === 401).length;
        return statuses.every((status) => status === 429);
      });
      expect(failed).toBeGreaterThanOrEqual(6);
      expect(failed).toBeLessThanOrEqual(8);
      for (const one of replicas) expect(await metricOf(one, 'parley_rate_limit_shared')).toBe(1);
    });

    test.runIf(name === 'Redis')('[A8, O23] without Redis nothing fails, each counts alone, and says so', async () => {
      await redis?.kill();
      for (let index = 0; index < 6; index++) {
        expect((await ask(callerOf(replica(index), key), 'ListTasks', REST)).status).toBe(200);
      }
      for (const one of replicas) {
        expect(await metricOf(one, 'parley_rate_limit_shared')).toBe(0);
        expect(await metricOf(one, 'parley_rate_limit_fallbacks_total')).toBe(1);
        expect(one.output).toContain('each replica counts alone');
      }
      await redis?.start();
      await waitFor('both to count together again', 20_000, async () => {
        for (const one of replicas) if ((await metricOf(one, 'parley_rate_limit_shared')) !== 1) return false;
        return true;
      });
    });
  });
});
