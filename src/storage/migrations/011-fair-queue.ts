/** What claims need that are fair among owners: who waits, and the tasks of one owner in the order of their creation. */
import type { Migration } from './migration.ts';

export const fairQueue: Migration = {
  version: 11,
  name: 'fair-queue',
  statements(): readonly string[] {
    return [
      // Only tasks that wait are in it. `owner_id || ''`: only this index has that order; in the order of owner_id alone
      // a plan may go through all tasks of an owner.
      `create index tasks_waiting_by_owner on tasks ((owner_id || ''), (num + 0))
        where lease_replica in ('queued', 'released')`,
    ];
  },
};
