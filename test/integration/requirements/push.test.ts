/** What A2A demands of push notifications and of the extended card, over each wire. */
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { streamResponseSchema } from '../../../src/protocol/v1/schemas.ts';
import type { AgentCard, TaskPushNotificationConfig } from '../../../src/protocol/v1/types.ts';
import { startReceiver } from '../../support/receiver.ts';
import { call, type Fields, type Wire } from '../wire/wire.ts';
import { perWire } from './per-wire.ts';
import { type ServerUnderTest, startUnderTest, stranger, taskFor } from './server-under-test.ts';

let server: ServerUnderTest;

beforeAll(async () => {
  server = await startUnderTest('extended-card');
});

afterAll(() => server.stop());

/** What of a configuration is the same in every version: 0.3 nests it, and its REST form names it. */
interface Config {
  readonly id: string | undefined;
  readonly url: string;
}

function configOf(answer: unknown): Config {
  const fields = answer as Fields;
  const config = (fields['pushNotificationConfig'] ?? fields) as TaskPushNotificationConfig;
  return { id: config.id, url: config.url };
}

function configsOf(answer: unknown): Config[] {
  const page = Array.isArray(answer) ? answer : ((answer as { configs?: unknown[] }).configs ?? []);
  return page.map(configOf);
}

async function create(wire: Wire, taskId: string, url: string, more: Fields = {}): Promise<Config> {
  const fields = { ...more, taskId, url, authentication: { scheme: 'Bearer', credentials: 'of-the-receiver' } };
  const { result, error } = await call(server, wire, 'CreateTaskPushNotificationConfig', fields);
  expect(error).toBeUndefined();
  return configOf(result);
}

async function listed(wire: Wire, taskId: string): Promise<Config[]> {
  const { result, error } = await call(server, wire, 'ListTaskPushNotificationConfigs', { taskId });
  expect(error).toBeUndefined();
  return configsOf(result);
}

describe('a push configuration', () => {
  perWire('[PUSH-1] brings the updates of its task to the receiver, with its credentials', async (wire) => {
    const receiver = await startReceiver();
    const { id: taskId } = await taskFor(server, wire, 'tck-input-required');
    await create(wire, taskId, receiver.url());
    await taskFor(server, wire, 'tck-complete-task', { taskId });
    const pushes = await receiver.until(1);
    for (const { headers } of pushes) expect(headers.authorization).toBe('Bearer of-the-receiver');
    if (wire.version !== '1.0') return;
    expect(streamResponseSchema.safeParse(JSON.parse(pushes[0]?.body ?? '')).error).toBeUndefined();
  });

  perWire('[PUSH-2, PUSH-4] is listed with the others of its task while that goes on', async (wire) => {
    const { id: taskId } = await taskFor(server, wire, 'tck-input-required');
    const made = [
      await create(wire, taskId, 'http://127.0.0.1:9/a', { id: 'a' }),
      // 0.3 clients that name none mean one for the task.
      await create(wire, taskId, 'http://127.0.0.1:9/b', { id: 'b' }),
    ];
    await taskFor(server, wire, 'tck-input-required', { taskId });
    const urls = (await listed(wire, taskId)).map(({ url }) => url);
    expect(urls.toSorted()).toEqual(made.map(({ url }) => url));
  });

  perWire('[PUSH-3] can be read, by its owner only', async (wire) => {
    const { id: taskId } = await taskFor(server, wire, 'tck-input-required');
    const { id, url } = await create(wire, taskId, 'http://127.0.0.1:9/a');
    const { result } = await call(server, wire, 'GetTaskPushNotificationConfig', { taskId, id });
    expect(configOf(result)).toEqual({ id, url });
    const missing = await call(server, wire, 'GetTaskPushNotificationConfig', { taskId, id: 'none' });
    expect(missing.error?.reason).toMatch(/NOT_FOUND$/);
    const other = await stranger(server);
    const foreign = await call(other, wire, 'GetTaskPushNotificationConfig', { taskId, id });
    expect(foreign.error?.reason).toBe('TASK_NOT_FOUND');
  });

  perWire('[PUSH-5] that is deleted is gone, and deleting it again is no error', async (wire) => {
    const { id: taskId } = await taskFor(server, wire, 'tck-input-required');
    const { id } = await create(wire, taskId, 'http://127.0.0.1:9/a');
    for (let time = 0; time < 2; time++) {
      const { error } = await call(server, wire, 'DeleteTaskPushNotificationConfig', { taskId, id });
      expect(error).toBeUndefined();
      expect(await listed(wire, taskId)).toEqual([]);
    }
  });
});

describe('the extended card', () => {
  perWire('[XCARD-1] is given to who is authenticated', async (wire) => {
    const { result, error } = await call(server, wire, 'GetExtendedAgentCard', {});
    expect(error).toBeUndefined();
    expect((result as AgentCard).name).toBe('Parley, agent under test');
    const refused = await call(server, wire, 'GetExtendedAgentCard', {}, { headers: { authorization: '' } });
    expect(refused.error?.reason).toBe('UNAUTHENTICATED');
  });
});
