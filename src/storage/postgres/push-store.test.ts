/** Push notifications on PostgreSQL. */
import { describe, expect, test } from 'vitest';
import { connect, newMigratedDatabase, postgresSkipped } from '../../../test/support/postgres-database.ts';
import { write } from '../../../test/support/store-under-test.ts';
import { chunks, newTask } from '../../../test/support/task-writes.ts';
import { waitFor } from '../../../test/support/wait-for.ts';
import { postgresPush } from '../push-sql.ts';
import { CLAIM, configOf, pushStoreContract } from '../push-store.contract.ts';
import { SqlPushStore } from '../push-store.ts';
import type { PostgresDatabase } from './database.ts';
import { postgresKysely } from './kysely.ts';
import { PostgresTaskStore } from './task-store.ts';

const pushOn = (database: PostgresDatabase) => new SqlPushStore(postgresKysely(database), postgresPush);

describe.skipIf(postgresSkipped !== undefined)('push notifications on PostgreSQL', () => {
  pushStoreContract(async () => {
    const { url, database } = await newMigratedDatabase();
    const second = connect(url);
    return {
      store: new PostgresTaskStore(database, 0),
      push: pushOn(database),
      other: new PostgresTaskStore(second, 1),
      isShared: true,
      otherPush: pushOn(second),
      select: (sql) => second.query(sql),
      reopen: async () => new PostgresTaskStore(connect(url), 2),
    };
  });
});

describe.skipIf(postgresSkipped !== undefined)('push notifications on PostgreSQL, with others at work', () => {
  test('[A11] a commit that waited for a new configuration of its task gives it the event all the same', async () => {
    const { url, database } = await newMigratedDatabase();
    const store = new PostgresTaskStore(database, 0);
    const push = pushOn(database);
    const head = await write(store, newTask());
    const bystander = await write(store, newTask());
    const config = configOf();
    let committed: Promise<unknown> = Promise.resolve();
    await connect(url).transaction(async (session) => {
      // As putConfig does it, held open until the commit waits for the row of the task.
      await session.query(`select num from tasks where id = $1 for update`, [head.id]);
      await session.query(
        `insert into push_configs (uid, task_num, id, owner_id, version, host, secret_key_id, secret, active, created_at)
          select $1, num, $2, owner_id, '1.0', 'h', 'k', 's', 1, 0 from tasks where id = $3`,
        [config.uid, config.id, head.id],
      );
      await session.query('update tasks set push_configs = push_configs + 1 where id = $1', [head.id]);
      committed = store.commit([chunks(head, ['a', 'b']), chunks(bystander, ['c'])]);
      await waitFor('the commit to wait for the lock', 20_000, async () => {
        const waiting = await session.query(
          `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        );
        return waiting.length > 0;
      });
    });
    expect(await committed).toEqual([{ status: 'written', hasDeliveries: true }, { status: 'written' }]);
    expect(await push.claim(CLAIM)).toMatchObject([{ uid: config.uid, seq: 2 }]);
    expect(await push.queued()).toBe(2);
  });

  test('[A11] two replicas that claim at once never get the same configuration', async () => {
    const { url, database } = await newMigratedDatabase();
    const store = new PostgresTaskStore(database, 0);
    const stores = [pushOn(database), pushOn(connect(url))];
    for (let index = 0; index < 20; index++) {
      const head = await write(store, newTask());
      await stores[0]?.putConfig(head, head.id, configOf(), 10);
      await write(store, chunks(head, ['a']));
    }
    const claimed = await Promise.all(
      stores.flatMap((push) => Array.from({ length: 4 }, () => push.claim({ ...CLAIM, limit: 5 }))),
    );
    const uids = claimed.flat().map(({ uid }) => uid);
    expect(new Set(uids).size).toBe(uids.length);
    const rest = await stores[1]?.claim(CLAIM);
    expect(uids.length + (rest?.length ?? 0)).toBe(20);
  });
});
