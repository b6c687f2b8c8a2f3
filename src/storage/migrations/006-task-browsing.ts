/** What the management API needs to list tasks of all owners, and to say when an event was stored. */
import type { Dialect, Migration } from './migration.ts';

export const taskBrowsing: Migration = {
  version: 6,
  name: 'task-browsing',
  statements(dialect: Dialect): readonly string[] {
    return [
      // `num > 0` is always so. Only statements that say it can take this index: ListTasks must not, which by it would
      // read the tasks of all owners.
      `create index tasks_by_agent_state on tasks (agent_id, state, status_at, id) where listed = 1 and num > 0`,
      ...(dialect === 'sqlite'
        ? ['alter table task_log add column stored_at integer']
        : [
            'alter table task_log add column stored_at bigint',
            // By itself, so that rows which are there already are not rewritten: they have none.
            'alter table task_log alter column stored_at set default (extract(epoch from now()) * 1000)::bigint',
          ]),
    ];
  },
};
