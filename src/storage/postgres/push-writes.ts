/** A push configuration that comes with a message, in the transaction of that message's write. */
import type { NewPushConfig } from '../../core/push/push-config.ts';
import { isTerminal } from '../../core/tasks/states.ts';
import type { TaskWrite } from '../../core/tasks/store.ts';
import { NOW_MS } from './clock.ts';
import type { PostgresSession } from './database.ts';

const REPLACE = `update push_configs set version = $3, host = $4, secret_key_id = $5, secret = $6, uid = $7,
    created_at = $8
  from tasks where tasks.id = $1 and push_configs.task_num = any(array[tasks.num]) and push_configs.id = $2
    and push_configs.active = 1
  returning push_configs.num`;
const INSERT = `with counted as (
    update tasks set push_configs = push_configs + 1 where id = $1 returning num, owner_id)
  insert into push_configs (uid, task_num, id, owner_id, version, host, secret_key_id, secret, active, created_at)
  select $7, num, $2, owner_id, $3, $4, $5, $6, 1, $8 from counted returning num`;
const QUEUE = `with queued as (
    update push_configs set pending = pending + $2::integer, active = $3,
      due_at = case when pending = 0 then ${NOW_MS} else due_at end
    where num = $1 returning num)
  insert into push_deliveries (config_num, state, seq, created_at)
  select num, 0, seq, ${NOW_MS} from queued, generate_series($4::integer, $5::integer) as seq`;

/**
 * Runs after the statement of the write, whose row lock on the task holds off all others; that statement has given the
 * events to the configurations that were there before.
 */
export async function addPushConfig(session: PostgresSession, write: TaskWrite, config: NewPushConfig): Promise<void> {
  const { before, head } = write;
  const { uid, id, version, host, secret, createdAtMs } = config;
  const values = [head.id, id, version, host, secret.keyId, secret.envelope, uid, createdAtMs];
  if ((await session.query(REPLACE, values)).length > 0) return;
  const [added] = await session.query<{ num: number }>(INSERT, values);
  if (added === undefined) return;
  const after = before?.seq ?? 0;
  await session.query(QUEUE, [added.num, head.seq - after, isTerminal(head.state) ? 0 : 1, after + 1, head.seq]);
}
