/** Tasks on PostgreSQL: the contract, and what only a database with many writers can do. */
import { describe, expect, test } from 'vitest';
import { connect, newMigratedDatabase, postgresSkipped } from '../../../test/support/postgres-database.ts';
import { write } from '../../../test/support/store-under-test.ts';
import { dedupOf, newTask, status } from '../../../test/support/task-writes.ts';
import { waitFor } from '../../../test/support/wait-for.ts';
import type { TaskHead } from '../../core/tasks/store.ts';
import { taskStoreContract } from '../task-store.contract.ts';
import type { PostgresDatabase } from './database.ts';
import { COMMIT } from './task-commit.ts';
import { PostgresTaskStore } from './task-store.ts';

/** Resolves once so many statements of the database wait for a lock. */
async function untilWaiting(database: PostgresDatabase, count = 1): Promise<void> {
  await waitFor('a statement to wait for a lock', 20_000, async () => {
    const waiting = await database.query(
      `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    return waiting.length >= count;
  });
}

const stateOf = async (promise: Promise<unknown>) =>
  Promise.race([promise.then(() => 'done'), new Promise((resolve) => setImmediate(resolve, 'pending'))]);

describe.skipIf(postgresSkipped !== undefined)('tasks on PostgreSQL', () => {
  taskStoreContract(async () => {
    const { url, database } = await newMigratedDatabase();
    const second = connect(url);
    const third = connect(url);
    return {
      store: new PostgresTaskStore(database, 0),
      other: new PostgresTaskStore(second, 1),
      isShared: true,
      select: (sql) => third.query(sql),
      reopen: async () => {
        for (const open of [database, second, third]) await open.close();
        return new PostgresTaskStore(connect(url), 2);
      },
    };
  });
});

describe.skipIf(postgresSkipped !== undefined)('tasks on PostgreSQL, with others at work', () => {
  async function asked(store: PostgresTaskStore): Promise<TaskHead> {
    return write(store, status(await write(store, newTask()), 'TASK_STATE_INPUT_REQUIRED'));
  }

  test('[A14] a task that somebody holds is not waited for by whoever deletes, and goes with all it got meanwhile', async () => {
    const { url, database } = await newMigratedDatabase();
    const store = new PostgresTaskStore(database, 0);
    const observer = connect(url);
    const ended = async () => write(store, status(await write(store, newTask()), 'TASK_STATE_COMPLETED'));
    const [held, free] = [await ended(), await ended()];
    await observer.transaction(async (session) => {
      await session.query('select 1 from tasks where id = $1 for update', [held.id]);
      expect(await store.deleteTasks(held.statusAtMs + 1000, 100)).toEqual({ deleted: 1, isDone: true });
      await session.query(
        `insert into push_configs (uid, task_num, id, owner_id, version, host, secret_key_id, secret, active, created_at)
          select 'uid', num, 'c', 'owner-1', '1.0', 'h', 'k', 's', 1, 1 from tasks where id = $1`,
        [held.id],
      );
    });
    expect(await store.readHead(free, free.id)).toBeUndefined();
    expect(await store.readHead(held, held.id)).toEqual(held);
    expect(await store.deleteTasks(held.statusAtMs + 1000, 100)).toEqual({ deleted: 1, isDone: true });
    expect(await observer.query('select 1 from push_configs')).toEqual([]);
  });

  test('[A10, A14] nothing of a write can be seen before all of it is committed', async () => {
    const { url, database } = await newMigratedDatabase();
    const store = new PostgresTaskStore(database, 0);
    const observer = connect(url);
    const reader = new PostgresTaskStore(observer, 1);
    const known = await write(store, newTask());
    const created = newTask({ dedup: dedupOf('k') });
    const changed = status(known, 'TASK_STATE_WORKING');
    // The counter is what a write touches last.
    const commit = await observer.transaction(async (session) => {
      await session.query('lock table task_counters in exclusive mode');
      const pending = store.commit([created, changed]);
      await untilWaiting(observer);
      expect(await reader.readHead(created.head, created.head.id)).toBeUndefined();
      expect(await reader.readHead(known, known.id)).toEqual(known);
      expect(await reader.readEvents(known.id, 0, 10)).toHaveLength(1);
      expect(await reader.readDuplicate(dedupOf('k'))).toBeUndefined();
      expect(await stateOf(pending)).toBe('pending');
      return { pending };
    });
    expect(await commit.pending).toEqual([{ status: 'written' }, { status: 'written' }]);
    expect(await reader.readHead(known, known.id)).toEqual(changed.head);
  });

  test('[A7, A14] a key that another transaction is about to bind is waited for: bound it is a duplicate, else free', async () => {
    const { url, database } = await newMigratedDatabase();
    const store = new PostgresTaskStore(database, 0);
    const observer = connect(url);
    const bind = `insert into task_dedup values ('k', 'body-1', 'task-of-another', ${Number.MAX_SAFE_INTEGER})`;
    const begin = async (end: 'commit' | 'rollback') =>
      observer.session(async (session) => {
        await session.query('begin');
        await session.query(bind);
        const pending = store.commit([newTask({ dedup: dedupOf('k') }), newTask()]);
        await untilWaiting(observer);
        await session.query(end);
        return pending;
      });
    expect(await begin('rollback')).toEqual([{ status: 'written' }, { status: 'written' }]);
    await observer.query(`delete from task_dedup`);
    expect(await begin('commit')).toEqual([
      { status: 'duplicate', taskId: 'task-of-another', sameBody: true },
      { status: 'written' },
    ]);
  });

  test.each([
    ['gives the lease back', 'lease_replica = null', 'written'],
    ['writes an event', 'seq = seq + 1', 'conflict'],
    ['takes the lease', 'lease_epoch = lease_epoch + 1', 'conflict'],
  ])(
    '[A14] a next message that meets a writer who %s is written whole or not at all',
    async (_what, change, expected) => {
      const { url, database } = await newMigratedDatabase();
      const store = new PostgresTaskStore(database, 0);
      const observer = connect(url);
      const head = await asked(store);
      const next = status(head, 'TASK_STATE_WORKING', { userText: 'go on', dedup: dedupOf('k') });
      const results = await observer.session(async (session) => {
        await session.query('begin');
        await session.query(`update tasks set ${change} where id = $1`, [head.id]);
        const pending = store.commit([next, newTask()]);
        await untilWaiting(observer);
        await session.query('commit');
        return pending;
      });
      expect(results).toEqual([{ status: expected }, { status: 'written' }]);
      const bound = expected === 'written' ? { taskId: head.id, sameBody: true } : undefined;
      expect(await store.readDuplicate(dedupOf('k'))).toEqual(bound);
      expect(await store.readEvents(head.id, 2, 10)).toHaveLength(expected === 'written' ? 1 : 0);
    },
  );

  test('[A14] a group that loses to a deadlock is tried again', async () => {
    const { url, database } = await newMigratedDatabase();
    const store = new PostgresTaskStore(database, 0);
    const observer = connect(url);
    const touch = (id: string | undefined) => `update tasks set attempt = attempt where id = '${id}'`;
    const deadlock = async () => {
      const heads = [await write(store, newTask()), await write(store, newTask())];
      return observer.session(async (session) => {
        await session.query('begin');
        await session.query(touch(heads[1]?.id));
        const pending = store.commit(heads.map((head) => status(head, 'TASK_STATE_WORKING')));
        await untilWaiting(observer);
        // The store waited first, so it is the one to notice, after deadlock_timeout (1 s).
        const isVictim = await session.query(touch(heads[0]?.id)).then(
          () => false,
          () => true,
        );
        await session.query(isVictim ? 'rollback' : 'commit');
        const results = await pending;
        return isVictim ? null : results;
      });
    };
    // Where the machine paused for longer than that in between, PostgreSQL chose this side: that shows nothing.
    let results = await deadlock();
    for (let attempt = 1; results === null && attempt < 5; attempt++) results = await deadlock();
    expect(results).toEqual([{ status: 'written' }, { status: 'written' }]);
  });

  test('[A10, A14] a commit whose connection breaks is rejected, leaves nothing, and the next one gets a new connection', async () => {
    const { url, database } = await newMigratedDatabase();
    const store = new PostgresTaskStore(database, 0);
    const observer = connect(url);
    const writes = [newTask({ dedup: dedupOf('k') }), newTask()];
    const [outcome] = await observer.transaction(async (session) => {
      await session.query('lock table task_counters in exclusive mode');
      const pending = Promise.allSettled([store.commit(writes)]);
      await untilWaiting(observer);
      await observer.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      );
      return pending;
    });
    expect(outcome).toMatchObject({ status: 'rejected', reason: { detail: expect.stringMatching(/terminat/) } });
    expect(await observer.query('select id from tasks')).toEqual([]);
    expect(await store.commit(writes)).toEqual([{ status: 'written' }, { status: 'written' }]);
  });

  test('[A14] a commit that takes too long is rejected and leaves nothing', async () => {
    const { url, database } = await newMigratedDatabase({ statementTimeoutMs: 200 });
    const store = new PostgresTaskStore(database, 0);
    const observer = connect(url);
    await observer.transaction(async (session) => {
      await session.query('lock table task_counters in exclusive mode');
      await expect(store.commit([newTask(), newTask()])).rejects.toThrow(/statement timeout/);
    });
    expect(await observer.query('select id from tasks')).toEqual([]);
  });

  test('[A14] a value that PostgreSQL cannot hold fails alone', async () => {
    const { database } = await newMigratedDatabase();
    const store = new PostgresTaskStore(database, 0);
    const results = await store.commit([newTask({ contextId: 'a\0b' }), newTask()]);
    expect(results).toMatchObject([{ status: 'failed', cause: expect.any(Error) }, { status: 'written' }]);
  });

  test('[A14] the plan of a commit, made while the tables are empty, looks tasks up by id and reads no others', async () => {
    const { database } = await newMigratedDatabase();
    const plan = await database.session(async (session) => {
      await session.query('set plan_cache_mode = force_generic_plan');
      await session.query(`prepare one_commit as ${COMMIT}`);
      return session.query(`explain execute one_commit('[]', '[]', '[]', 0)`);
    });
    const lines = plan.map((line) => String(Object.values(line)[0]).trim());
    const scans = lines.flatMap((line, index) =>
      /Scan.* on tasks /.test(line) ? [`${line} ${lines[index + 1]}`] : [],
    );
    expect(scans).toHaveLength(2);
    for (const scan of scans)
      expect(scan).toMatch(/Index Scan using tasks_id_key on tasks t(_\d+)? .*Index Cond: \(id = ANY/);
  });

  test('[A14] four commits at once of one owner do not wait for each other, and the counters add up', async () => {
    const { url, database } = await newMigratedDatabase();
    const store = new PostgresTaskStore(database, 14);
    const observer = connect(url);
    const commits = Array.from({ length: 200 }, () => store.commit([newTask()]));
    await Promise.all(commits);
    const [row] = await observer.query(
      'select count(distinct slot)::int as slots, sum(n)::int as n from task_counters',
    );
    expect(row).toMatchObject({ n: 200 });
    expect(Number(row?.['slots'])).toBeGreaterThan(1);
  });
});
