/** All migrations in order. */
import { tasks } from './001-tasks.ts';
import { apiKeys } from './002-api-keys.ts';
import { signingKeys } from './003-signing-keys.ts';
import { push } from './004-push.ts';
import { sessions } from './005-sessions.ts';
import { taskBrowsing } from './006-task-browsing.ts';
import { taskQueue } from './007-task-queue.ts';
import { sharedLimits } from './008-shared-limits.ts';
import { captures } from './009-captures.ts';
import { activity } from './010-activity.ts';
import { fairQueue } from './011-fair-queue.ts';
import type { Migration } from './migration.ts';

export const MIGRATIONS: readonly Migration[] = [
  tasks,
  apiKeys,
  signingKeys,
  push,
  sessions,
  taskBrowsing,
  taskQueue,
  sharedLimits,
  captures,
  activity,
  fairQueue,
];
