/** A task that retention has deleted, as clients meet it: not found, in every form, and in no list. */
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openConnection } from '../../../src/storage/sqlite/driver.ts';
import { startParley } from '../../support/server.ts';
import { openSse } from '../../support/sse.ts';
import { waitFor } from '../../support/wait-for.ts';
import {
  ALL_FORMS,
  ask,
  at,
  callerOf,
  errorOf,
  headersOf,
  issueKey,
  metricOf,
  REST,
  resultOf,
  taskIdOf,
  wireRequest,
} from '../../support/wire-client.ts';

test('[A6, A9, A10] a deleted task is not found like any other, also by who resumes its stream', async () => {
  const parley = await startParley({ config: 'tasks: { retentionDays: 1 }\n' });
  onTestFinished(() => parley.destroy());
  const caller = callerOf(parley, (await issueKey(parley)).key);
  const old = taskIdOf(await ask(caller, 'SendMessage', REST, { text: 'hello' }));
  const recent = taskIdOf(await ask(caller, 'SendMessage', REST, { text: 'hello again' }));
  const missing = await ask(caller, 'GetTask', REST, { taskId: crypto.randomUUID() });
  await parley.stop();
  const database = openConnection(join(parley.dataDir, 'parley.sqlite'), { timeoutMs: 5000 });
  database.prepare('update tasks set status_at = status_at - 2 * 86400000 where id = ?').run(old);
  database.close();
  await parley.start();
  // Retention looks every ten seconds.
  await waitFor(
    'the task to be deleted',
    30_000,
    async () => (await metricOf(parley, 'parley_tasks_deleted_total')) === 1,
  );

  for (const form of ALL_FORMS) {
    expect(errorOf(await ask(caller, 'GetTask', form, { taskId: old }))?.reason).toBe(errorOf(missing)?.reason);
    expect(errorOf(await ask(caller, 'GetTask', form, { taskId: recent }))).toBeUndefined();
  }
  expect(errorOf(missing)?.reason).toBe('TASK_NOT_FOUND');
  const { method, path } = wireRequest('SubscribeToTask', REST, { taskId: old });
  const options = { method: method === 'GET' ? ('GET' as const) : ('POST' as const), headers: headersOf(caller, REST) };
  const resumed = await openSse(`${caller.address}${path}`, { ...options, lastEventId: '1' });
  expect(resumed.status).toBe(404);
  const list = resultOf(await ask(caller, 'ListTasks', REST));
  expect([at(list, 'totalSize'), at(list, 'tasks', 0, 'id')]).toEqual([1, recent]);
});
