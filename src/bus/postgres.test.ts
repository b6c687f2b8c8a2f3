/** The bus by LISTEN and NOTIFY. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { connect, newDatabase, postgresSkipped } from '../../test/support/postgres-database.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { silentLogger } from '../core/logger.ts';
import { systemClock as clock } from '../ops/runtime.ts';
import { busContract } from './bus.contract.ts';
import { postgresBus } from './postgres.ts';
import { MAX_UNSENT_BYTES } from './reconnecting.ts';

const optionsOf = (url: string) => ({ url, clock, logger: silentLogger, random: Math.random });

describe.skipIf(postgresSkipped !== undefined)('the bus by PostgreSQL', () => {
  busContract(async () => {
    const url = await newDatabase();
    const database = connect(url);
    return {
      join: () => postgresBus(optionsOf(url)),
      cut: async () => {
        await database.query(
          "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'parley bus' and datname = current_database()",
        );
      },
    };
  });

  test('what a statement cannot take in time is given up and counted, not kept for ever', async () => {
    const bus = postgresBus(optionsOf(await newDatabase()));
    onTestFinished(() => bus.stop());
    let isUp = false;
    let dropped = 0;
    let heard = 0;
    bus.start('alone', {
      onPayload: () => heard++,
      onState: (state) => {
        isUp = state;
      },
      onDropped: (count) => {
        dropped += count;
      },
    });
    await waitFor('the bus to be up', 20_000, () => isUp);
    const count = Math.ceil(MAX_UNSENT_BYTES / 7000);
    for (let sent = 0; sent < count; sent++) {
      // PostgreSQL gives equal ones of a statement once; sealed payloads are never equal.
      const payload = Buffer.alloc(bus.maxPayloadBytes, 7);
      payload.writeUInt32BE(sent);
      bus.publish('all', payload);
    }
    await waitFor('all that was taken', 20_000, () => heard + dropped === count);
    expect(dropped).toBeGreaterThan(0);
    expect(heard).toBeGreaterThan(count / 2);
  });

  test('a server that is not there is tried again and again, and told of once', async () => {
    const warnings: unknown[] = [];
    const logger = { ...silentLogger, warn: (fields: unknown) => void warnings.push(fields) };
    let tries = 0;
    const counting = {
      ...clock,
      after: (ms: number, task: () => void) => clock.after(ms > 1000 ? ms : (tries++, 1), task),
    };
    const bus = postgresBus({ ...optionsOf('postgres://nobody@127.0.0.1:1/none'), clock: counting, logger });
    onTestFinished(() => bus.stop());
    bus.start('alone', { onPayload: () => {}, onState: () => {}, onDropped: () => {} });
    await waitFor('some tries', 20_000, () => tries > 2);
    expect(warnings).toMatchObject([{ bus: 'PostgreSQL', err: { code: 'ECONNREFUSED' } }]);
  });
});
