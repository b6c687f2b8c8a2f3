/** What claims of waiting tasks need: those tasks in the order of their creation, without a look at any other task. */
import type { Migration } from './migration.ts';

export const taskQueue: Migration = {
  version: 7,
  name: 'task-queue',
  statements(): readonly string[] {
    return [
      // Tasks that run or have ended are not in it, so that a task which never waits does not pay for it. `num + 0`: only
      // this index has that order; in the order of num alone a plan may go through all tasks by their primary key.
      `create index tasks_waiting on tasks ((num + 0), lease_replica, owner_id)
        where lease_replica in ('queued', 'released')`,
    ];
  },
};
