/** What a write of a task adds to the outbox, within its transaction. Tasks without push configurations never get here. */
import type { NewPushConfig } from '../../core/push/push-config.ts';
import { isTerminal } from '../../core/tasks/states.ts';
import type { TaskWrite } from '../../core/tasks/store.ts';
import type { SqliteDatabase } from './database.ts';

const REPLACE = `update push_configs set version = ?, host = ?, secret_key_id = ?, secret = ?, uid = ?, created_at = ?
  where task_num = ? and id = ? and active = 1`;
const INSERT = `insert into push_configs
  (uid, task_num, id, owner_id, version, host, secret_key_id, secret, active, created_at) values (?,?,?,?,?,?,?,?,1,?)`;
/** Of a configuration with nothing to send the next delivery is due at once; others wait for what they have. */
const QUEUE = `update push_configs set pending = pending + ?, active = ?,
  due_at = case when pending = 0 then ? else due_at end where task_num = ? and active = 1 returning num`;
const DELIVER = 'insert into push_deliveries (config_num, state, seq, created_at) values (?,0,?,?)';

/** The configuration that came with a message: a new one of its task, or in the place of the one with its id. */
export function addPushConfig(database: SqliteDatabase, taskNum: number, ownerId: string, config: NewPushConfig): void {
  const { uid, id, version, host, secret, createdAtMs } = config;
  const replaced = database
    .prepare(REPLACE)
    .run(version, host, secret.keyId, secret.envelope, uid, createdAtMs, taskNum, id);
  if (replaced.changes !== 0) return;
  database.prepare(INSERT).run(uid, taskNum, id, ownerId, version, host, secret.keyId, secret.envelope, createdAtMs);
  database.prepare('update tasks set push_configs = push_configs + 1 where num = ?').run(taskNum);
}

/** A delivery for each event and configuration; the end of the task ends its configurations. Answers whether there are any. */
export function addDeliveries(database: SqliteDatabase, taskNum: number, write: TaskWrite, nowMs: number): boolean {
  const events = write.rows.filter((row) => row.seq > 0);
  if (events.length === 0) return false;
  const isActive = isTerminal(write.head.state) ? 0 : 1;
  const configs = database.prepare(QUEUE).all(events.length, isActive, nowMs, taskNum) as { num: number }[];
  const deliver = database.prepare(DELIVER);
  for (const { num } of configs) for (const { seq } of events) deliver.run(num, seq, nowMs);
  return configs.length > 0;
}
