/** Push notifications through every binding and version, to a real receiver. */
import { randomUUID } from 'node:crypto';
import { request } from 'undici';
import { beforeAll, describe, expect, test } from 'vitest';
import { startReceiver } from '../../support/receiver.ts';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import {
  at,
  callerOf,
  errorOf,
  FORMS,
  type Form,
  headersOf,
  issueKey,
  manage,
  metricOf,
} from '../../support/wire-client.ts';

const CONFIG = `
push:
  allowNetworks: ['127.0.0.0/8']
  maxConfigsPerTask: 3
  maxSecretLength: 64
`;

let parley: ParleyProcess;
let key: string;
beforeAll(async () => {
  parley = await startParley({ config: CONFIG });
  ({ key } = await issueKey(parley));
});

interface Json {
  readonly status: number;
  readonly json: unknown;
  readonly text: string;
}

async function call(form: Form, method: string, path: string, body: object | undefined, as = key): Promise<Json> {
  const caller = callerOf(parley, as);
  const response = await request(`${caller.address}${path}`, {
    method: method as 'GET',
    headers: { ...headersOf(caller, form), ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const text = await response.body.text();
  return { status: response.statusCode, text, json: text === '' ? undefined : (JSON.parse(text) as unknown) };
}

const rpc = (form: Form, method: string, params: object, as = key) =>
  call(form, 'POST', '', { jsonrpc: '2.0', id: 1, method, params }, as);

/** The operations on configurations in one form, told and answered in the words of 1.0. */
function operationsOf(form: Form) {
  const isV1 = form.version === '1.0';
  const base = (taskId: string) => `${isV1 ? '' : '/v1'}/tasks/${taskId}/pushNotificationConfigs`;
  const inner = (json: unknown) => {
    const result = at(json, 'result') ?? json;
    return isV1 ? result : at(result, 'pushNotificationConfig');
  };
  const isRest = form.binding === 'REST';
  return {
    create: async (taskId: string, config: object, as = key) => {
      if (isRest) return call(form, 'POST', base(taskId), config, as);
      return isV1
        ? rpc(form, 'CreateTaskPushNotificationConfig', { taskId, ...config }, as)
        : rpc(form, 'tasks/pushNotificationConfig/set', { taskId, pushNotificationConfig: config }, as);
    },
    get: async (taskId: string, id: string, as = key) => {
      if (isRest) return call(form, 'GET', `${base(taskId)}/${encodeURIComponent(id)}`, undefined, as);
      return isV1
        ? rpc(form, 'GetTaskPushNotificationConfig', { taskId, id }, as)
        : rpc(form, 'tasks/pushNotificationConfig/get', { id: taskId, pushNotificationConfigId: id }, as);
    },
    list: async (taskId: string, as = key) => {
      if (isRest) return call(form, 'GET', base(taskId), undefined, as);
      return isV1
        ? rpc(form, 'ListTaskPushNotificationConfigs', { taskId }, as)
        : rpc(form, 'tasks/pushNotificationConfig/list', { id: taskId }, as);
    },
    remove: async (taskId: string, id: string, as = key) => {
      if (isRest) return call(form, 'DELETE', `${base(taskId)}/${encodeURIComponent(id)}`, undefined, as);
      return isV1
        ? rpc(form, 'DeleteTaskPushNotificationConfig', { taskId, id }, as)
        : rpc(form, 'tasks/pushNotificationConfig/delete', { id: taskId, pushNotificationConfigId: id }, as);
    },
    configOf: (answer: Json) => inner(answer.json),
    configsOf: (answer: Json): unknown[] => {
      const result = at(answer.json, 'result') ?? answer.json;
      const list = Array.isArray(result) ? result : at(result, 'configs');
      if (!Array.isArray(list)) throw new Error(`No configurations: ${answer.text}`);
      return list.map(inner);
    },
  };
}

const REST: Form = { binding: 'REST', version: '1.0' };

async function newTask(text = '/ask which?', configuration: object = {}): Promise<string> {
  const message = { messageId: randomUUID(), role: 'ROLE_USER', parts: [{ text }] };
  const { json, text: answer } = await call(REST, 'POST', '/message:send', { message, configuration });
  const id = at(json, 'task', 'id');
  if (typeof id !== 'string') throw new Error(answer);
  return id;
}

async function say(taskId: string, text: string, configuration: object = {}): Promise<Json> {
  const message = { messageId: randomUUID(), taskId, role: 'ROLE_USER', parts: [{ text }] };
  return call(REST, 'POST', '/message:send', { message, configuration });
}

describe.each(FORMS)('$binding $version', (form) => {
  const { create, get, list, remove, configOf, configsOf } = operationsOf(form);

  test('[A3] [A11] [A12] configurations are made, got, listed, replaced and deleted, whatever their ids; secrets are not shown', async () => {
    const taskId = await newTask();
    const id = 'a/b:c d';
    const config = {
      id,
      url: 'https://receiver.example/hook',
      token: 'token-not-shown',
      authentication:
        form.version === '1.0'
          ? { scheme: 'Bearer', credentials: 'credentials-not-shown' }
          : { schemes: ['Bearer'], credentials: 'credentials-not-shown' },
    };
    const answers = [await create(taskId, config), await get(taskId, id), await list(taskId)];
    for (const answer of answers) {
      expect(errorOf({ ...answer, headers: {} })).toBeUndefined();
      expect(answer.text).not.toContain('not-shown');
      expect(answer.text).toContain(taskId);
    }
    const [made, got, listed] = answers;
    if (made === undefined || got === undefined || listed === undefined) throw new Error('no answer');
    expect(configOf(made)).toMatchObject({ id, url: config.url });
    expect(configOf(got)).toEqual(configOf(made));
    expect(configsOf(listed)).toEqual([configOf(made)]);
    await create(taskId, { id, url: 'https://other.example/' });
    expect(configsOf(await list(taskId))).toMatchObject([{ id, url: 'https://other.example/' }]);
    for (const _ of [1, 2]) expect(errorOf({ ...(await remove(taskId, id)), headers: {} })).toBeUndefined();
    expect(configsOf(await list(taskId))).toEqual([]);
    expect(errorOf({ ...(await get(taskId, id)), headers: {} })).toMatchObject({ reason: 'TASK_NOT_FOUND' });
  });

  test('[A11] without an id, 0.3 uses that of the task and 1.0 makes one', async () => {
    const taskId = await newTask();
    const made = configOf(await create(taskId, { url: 'https://receiver.example/' }));
    const again = configOf(await create(taskId, { url: 'https://receiver.example/' }));
    const ids = [at(made, 'id'), at(again, 'id')];
    const isOne = form.version === '0.3';
    expect([ids[0] === taskId, ids[0] === ids[1]]).toEqual([isOne, isOne]);
    expect(configsOf(await list(taskId))).toHaveLength(isOne ? 1 : 2);
  });

  test("[A6] somebody else's task has no configurations to see, to make or to delete", async () => {
    const taskId = await newTask();
    await create(taskId, { id: 'mine', url: 'https://receiver.example/' });
    const { key: other } = await issueKey(parley);
    for (const answer of [
      await create(taskId, { id: 'theirs', url: 'https://receiver.example/' }, other),
      await get(taskId, 'mine', other),
      await list(taskId, other),
      await remove(taskId, 'mine', other),
    ]) {
      expect(errorOf({ ...answer, headers: {} })).toMatchObject({ reason: 'TASK_NOT_FOUND' });
    }
    expect(configsOf(await list(taskId))).toHaveLength(1);
  });

  test('[A13] addresses that may not be called are refused, with the field named', async () => {
    const taskId = await newTask();
    const field = form.version === '1.0' ? 'url' : 'pushNotificationConfig.url';
    const messages: Record<string, string> = {};
    const refused = [
      'https://10.0.0.1/',
      'https://[::1]/',
      'https://[fd00:ec2::254]/latest',
      'http://169.254.169.254/latest/meta-data',
      'https://user:password@receiver.example/',
      'https://[::ffff:10.0.0.1]/',
    ];
    for (const url of refused) {
      const { message } = errorOf({ ...(await create(taskId, { url })), headers: {} }) ?? {};
      messages[url] = String(message).split(' must be ')[0] ?? '';
    }
    expect(messages).toEqual(Object.fromEntries(refused.map((url) => [url, `Invalid parameters: ${field}:`])));
    expect(configsOf(await list(taskId))).toEqual([]);
    // Of the allowed network, in whatever notation, and a name that is not looked up yet.
    for (const url of ['https://0x7f.1/', 'http://2130706433/', 'http://receiver.example/']) {
      expect((await create(taskId, { id: 'same', url })).status).toBe(200);
    }
  });

  test('[A11] limits are named in the errors that they cause, and counted', async () => {
    const taskId = await newTask();
    for (const id of ['1', '2', '3']) await create(taskId, { id, url: 'https://receiver.example/' });
    const series = 'parley_limit_reached_total{limit="push.maxConfigsPerTask"}';
    const before = (await metricOf(parley, series)) ?? 0;
    const full = await create(taskId, { id: '4', url: 'https://receiver.example/' });
    expect(full.text).toContain('push.maxConfigsPerTask is 3');
    const withSend = await say(taskId, 'x', { taskPushNotificationConfig: { url: 'https://receiver.example/' } });
    expect([withSend.status, withSend.text.includes('push.maxConfigsPerTask')]).toEqual([429, true]);
    expect(await metricOf(parley, series)).toBe(before + 2);
    for (const config of [
      { url: 'https://receiver.example/', token: 'x'.repeat(65) },
      { url: 'https://receiver.example/', token: 'line\r\nx-evil: 1' },
      { id: '1', url: `https://receiver.example/${'x'.repeat(3000)}` },
    ]) {
      expect((await create(taskId, config)).text).toMatch(/INVALID|nvalid/);
    }
  });

  test('[A11] [PUSH-8] each event arrives once, in order, in the version of the configuration', async () => {
    const receiver = await startReceiver();
    const taskId = await newTask();
    await create(taskId, { url: receiver.url('/x?y=z'), token: 'token-1' });
    await say(taskId, 'Vienna');
    await receiver.until(4);
    expect(receiver.eventIds).toEqual([3, 4, 5, 6].map((seq) => `${taskId}.${seq}`));
    const bodies = receiver.received.map(({ body }) => JSON.parse(body) as unknown);
    const states =
      form.version === '1.0'
        ? [at(bodies[0], 'statusUpdate', 'status', 'state'), at(bodies[3], 'statusUpdate', 'status', 'state')]
        : [at(bodies[0], 'status', 'state'), at(bodies[3], 'status', 'state')];
    expect(states).toEqual(
      form.version === '1.0' ? ['TASK_STATE_WORKING', 'TASK_STATE_COMPLETED'] : ['working', 'completed'],
    );
    const isTask = form.version === '0.3';
    // Each as of its event: the first has no artifact yet.
    const kinds = [
      at(bodies[0], 'kind'),
      at(bodies[0], 'artifacts'),
      at(bodies[3], 'artifacts', 0, 'parts', 0, 'text'),
    ];
    expect(kinds).toEqual(isTask ? ['task', undefined, 'Vienna'] : [undefined, undefined, undefined]);
    for (const { headers, path } of receiver.received) {
      expect(path).toBe('/x?y=z');
      expect(headers).toMatchObject({
        'content-type': form.version === '1.0' ? 'application/a2a+json' : 'application/json',
        'x-a2a-notification-token': 'token-1',
      });
      expect(headers.authorization).toBeUndefined();
    }
  });
});

describe('with a message', () => {
  test('[A11] a configuration gets all events of the new task, and a repeated send makes no second one', async () => {
    const receiver = await startReceiver();
    const body = {
      message: { messageId: randomUUID(), role: 'ROLE_USER', parts: [{ text: 'hello' }] },
      configuration: { taskPushNotificationConfig: { url: receiver.url() } },
    };
    const first = await call(REST, 'POST', '/message:send', body);
    const again = await call(REST, 'POST', '/message:send', body);
    const taskId = String(at(first.json, 'task', 'id'));
    expect(at(again.json, 'task', 'id')).toBe(taskId);
    await receiver.until(4);
    // A second configuration would have sent its first event by the time that this task's have all arrived.
    const marker = await startReceiver();
    await newTask('hello', { taskPushNotificationConfig: { url: marker.url() } });
    await marker.until(4);
    expect(receiver.eventIds).toEqual([1, 2, 3, 4].map((seq) => `${taskId}.${seq}`));
  });

  test('[A11] [PUSH-6] the declared credentials are sent as their scheme has it', async () => {
    const receiver = await startReceiver();
    const sent = async (authentication: object) => {
      const before = receiver.received.length;
      await newTask('/reject', { taskPushNotificationConfig: { url: receiver.url(), authentication } });
      const [first] = (await receiver.until(before + 2)).slice(before);
      return { authorization: first?.headers.authorization, apiKey: first?.headers['x-api-key'] };
    };
    expect(await sent({ scheme: 'bearer', credentials: 'abc' })).toEqual({ authorization: 'Bearer abc' });
    expect(await sent({ scheme: 'Basic', credentials: 'u:p' })).toEqual({ authorization: 'Basic dTpw' });
    expect(await sent({ scheme: 'ApiKey', credentials: 'abc' })).toEqual({ apiKey: 'abc' });
    expect(await sent({ scheme: 'Custom', credentials: 'x=y' })).toEqual({ authorization: 'Custom x=y' });
  });

  test('[A11] the end of a task ends its configurations; a finished one takes them', async () => {
    const receiver = await startReceiver();
    const taskId = await newTask('hello', { taskPushNotificationConfig: { id: 'early', url: receiver.url() } });
    const { create, get, list, configsOf } = operationsOf(REST);
    expect(configsOf(await list(taskId))).toEqual([]);
    await receiver.until(4);
    expect((await create(taskId, { id: 'late', url: receiver.url() })).status).toBe(200);
    expect((await get(taskId, 'late')).status).toBe(200);
  });
});

test('[A13] a name that leads to the loopback is refused when it is connected to, though its URL looks harmless', async () => {
  const strict = await startParley({ config: 'push: { allowHttp: true, retry: { giveUpAfterMs: 0 } }\n' });
  const receiver = await startReceiver();
  const { key: owner } = await issueKey(strict);
  const message = { messageId: randomUUID(), role: 'ROLE_USER', parts: [{ text: 'hello' }] };
  const url = `http://localhost:${receiver.port}/`;
  await request(`${strict.url}/a2a/message:send`, {
    method: 'POST',
    headers: { authorization: `Bearer ${owner}`, 'a2a-version': '1.0', 'content-type': 'application/json' },
    body: JSON.stringify({ message, configuration: { taskPushNotificationConfig: { url } } }),
  });
  const { waitFor } = await import('../../support/wait-for.ts');
  const dead = await waitFor('dead letters', 20_000, async () => {
    const page = await manage(strict, 'GET', '/api/v1/push/deliveries?state=dead');
    const list = at(page.json, 'deliveries');
    return Array.isArray(list) && list.length === 4 && list;
  });
  expect(at(dead[0], 'history', 0, 'error')).toBe('address_refused');
  expect(receiver.received).toEqual([]);
});
