/** Fills a SQLite database with tasks that have ended, by the store itself: far faster than sending messages. */
import { v7 } from 'uuid';
import { systemClock } from '../../src/ops/runtime.ts';
import { SqliteDatabase } from '../../src/storage/sqlite/database.ts';
import { migrate } from '../../src/storage/sqlite/migrate.ts';
import { SqliteTaskStore } from '../../src/storage/sqlite/task-store.ts';
import { newTask, status } from './task-writes.ts';

const GROUP = 500;
const STATES = ['TASK_STATE_COMPLETED', 'TASK_STATE_COMPLETED', 'TASK_STATE_COMPLETED', 'TASK_STATE_FAILED'] as const;

/** `count` tasks of the admin, one each second until now; the newest is the last one. @param path of the file, which no server has open. */
export async function fillWithTasks(path: string, count: number): Promise<void> {
  const database = SqliteDatabase.open(path);
  try {
    migrate(database, () => new Date());
    const store = new SqliteTaskStore(database, systemClock);
    const nowMs = Date.now();
    for (let from = 0; from < count; from += GROUP) {
      const numbers = Array.from({ length: Math.min(GROUP, count - from) }, (_, index) => from + index);
      const begun = numbers.map((number) =>
        newTask({
          // As the server makes them: a page token holds nothing else.
          id: v7({ msecs: nowMs - (count - number) * 1000 }),
          ownerId: 'admin',
          contextId: `context-${number % 1000}`,
          atMs: nowMs - (count - number) * 1000,
          text: `task number ${number}`,
        }),
      );
      await store.commit(begun);
      await store.commit(
        begun.map(({ head }, index) => {
          const state = STATES[index % STATES.length] ?? 'TASK_STATE_COMPLETED';
          return status(head, state, { agentText: `the end of ${from + index}` });
        }),
      );
    }
  } finally {
    database.close();
  }
}
