/** Where an agent answers: its address, what lies below it, and what is said of everything else. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { Task } from '../../../src/protocol/v1/types.ts';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { bearer, call, errorOf, type HttpAnswer, type HttpOptions, http, textMessage, WIRES } from './wire.ts';

const ADDRESSES = ['/a2a', '/a2a/agents/echo'];
const V1 = { 'a2a-version': '1.0' };

let parley: ParleyProcess;
let taskId: string;

beforeAll(async () => {
  parley = await startParley();
  const wire = WIRES[0];
  if (wire === undefined) throw new Error('No wire');
  const { result } = await call(parley, wire, 'SendMessage', { message: textMessage('hello') });
  taskId = (result as { task: Task }).task.id;
});

async function ask(path: string, options: HttpOptions = {}): Promise<HttpAnswer> {
  return http(`${parley.url}${path}`, { ...options, headers: { ...bearer(parley), ...options.headers } });
}

/** `{id}` stands for a task of the caller. */
const fill = (path: string): string => path.replace('{id}', taskId);

describe.each(ADDRESSES)('%s', (address) => {
  test.each(WIRES.map((wire) => [wire.name, wire] as const))(
    '[A2] does the work of the agent in %s',
    async (_name, wire) => {
      const sent = await call(parley, wire, 'SendMessage', { message: textMessage('hello') }, { address });
      const { task } = sent.result as { task: Task };
      // The default agent and the agent of that name are one: what one address made, the other finds.
      for (const other of ADDRESSES) {
        const got = await call(parley, wire, 'GetTask', { id: task.id }, { address: other });
        expect(got.result).toMatchObject({ id: task.id, artifacts: [{ parts: [{ text: 'hello' }] }] });
      }
    },
  );

  test('[A2] JSON-RPC also answers with a slash at the end', async () => {
    const body = { jsonrpc: '2.0', id: 1, method: 'tasks/get', params: { id: taskId } };
    expect((await ask(`${address}/`, { body })).json).toMatchObject({ id: 1, result: { kind: 'task', id: taskId } });
  });

  test.each([
    ['/tasks', V1],
    ['/tasks/{id}', V1],
    ['/tasks?pageSize=1', V1],
    ['/tasks?A2A-Version=1.0', {}],
    ['/v1/tasks', {}],
    ['/v1/tasks/{id}', {}],
    ['/v1/tasks/{id}', { 'a2a-version': '0.3' }],
    ['/v1/tasks/{id}?history_length=0', {}],
  ])('[A2] GET %s is there', async (path, headers) => {
    const answer = await ask(`${address}${fill(path)}`, { headers });
    expect(answer.status).toBe(200);
    const head = await ask(`${address}${fill(path)}`, { method: 'HEAD', headers });
    expect([head.status, head.text]).toEqual([200, '']);
    expect(head.headers['content-type']).toBe(answer.headers['content-type']);
  });

  test.each([
    ['/tasks/', V1],
    ['/tasks//', V1],
    ['/tasks/{id}/', V1],
    ['/task', V1],
    ['/Tasks', V1],
    ['/tasks/{id}/artifacts', V1],
    ['/message', V1],
    ['/message:sendnow', V1],
    ['/v1', {}],
    ['/v1/', {}],
    ['/v1/tasks/', {}],
    ['/v1/v1/tasks', {}],
    ['/agents', V1],
  ])('[A2] %s is 404, in the form of the wire', async (path, headers) => {
    for (const method of ['GET', 'POST']) {
      const body = method === 'POST' ? { body: {} } : {};
      const answer = await ask(`${address}${fill(path)}`, { method, headers, ...body });
      const version = headers === V1 ? '1.0' : '0.3';
      expect([method, path, answer.status]).toEqual([method, path, 404]);
      expect(errorOf({ version, binding: 'HTTP+JSON' }, answer.json)).toMatchObject({ reason: 'NOT_FOUND' });
    }
  });

  test.each([
    ['', 'GET', V1, 'POST'],
    ['', 'PUT', {}, 'POST'],
    ['', 'PATCH', V1, 'POST'],
    ['', 'DELETE', V1, 'POST'],
    ['', 'OPTIONS', V1, 'POST'],
    ['/tasks', 'POST', V1, 'GET'],
    ['/tasks', 'DELETE', V1, 'GET'],
    ['/tasks', 'OPTIONS', V1, 'GET'],
    ['/tasks/{id}', 'DELETE', V1, 'GET'],
    ['/tasks/{id}', 'PUT', V1, 'GET'],
    ['/message:send', 'GET', V1, 'POST'],
    ['/message:stream', 'GET', V1, 'POST'],
    ['/tasks/{id}:cancel', 'GET', V1, 'POST'],
    ['/tasks/{id}:subscribe', 'DELETE', V1, 'POST, GET'],
    ['/tasks/{id}/pushNotificationConfigs', 'PUT', V1, 'POST, GET'],
    ['/tasks/{id}/pushNotificationConfigs/1', 'POST', V1, 'GET, DELETE'],
    ['/extendedAgentCard', 'POST', V1, 'GET'],
    ['/v1/tasks', 'POST', {}, 'GET'],
    ['/v1/message:send', 'GET', {}, 'POST'],
    ['/v1/card', 'PUT', {}, 'GET'],
  ])('[A2] %s does not take %s, and names what it takes', async (path, method, headers, allowed) => {
    const body = method === 'GET' || method === 'OPTIONS' ? {} : { body: {} };
    const answer = await ask(`${address}${fill(path)}`, { method, headers, ...body });
    expect(answer.status).toBe(405);
    expect(answer.headers['allow']).toBe(allowed);
    expect(answer.text).toContain('is not allowed here');
  });

  test('[A2] HEAD of a stream opens none', async () => {
    const head = await ask(`${address}/tasks/${taskId}:subscribe`, { method: 'HEAD', headers: V1 });
    expect(head).toMatchObject({ status: 405, text: '' });
    expect((await ask(address, { method: 'HEAD' })).status).toBe(405);
  });

  test('[A2] ids in the path are decoded once, and may hold what separates a path', async () => {
    for (const id of ['a/b', 'a:b', 'a?b', 'a%b', 'é', 'a:cancel', '%2F']) {
      const answer = await ask(`${address}/tasks/${encodeURIComponent(id)}`, { headers: V1 });
      expect([id, answer.json]).toMatchObject([id, { error: { details: [{ reason: 'TASK_NOT_FOUND' }] } }]);
    }
  });

  test('[A2] a verb with an encoded colon is the verb', async () => {
    const answer = await ask(`${address}/tasks/${taskId}%3Acancel`, { headers: V1, body: {} });
    expect(answer.json).toMatchObject({ error: { details: [{ reason: 'TASK_NOT_CANCELABLE' }] } });
  });

  test('[A2] a path that is not valid is 400', async () => {
    for (const path of ['/tasks/%zz', '/tasks/%ff%fe', '/%']) {
      const answer = await ask(`${address}${path}`, { headers: V1 });
      expect([path, answer.status]).toEqual([path, 400]);
    }
  });
});

describe.each(ADDRESSES)('tenants below %s', (address) => {
  test('[A2] each path of 1.0 is there with a tenant before it, for the same tasks', async () => {
    for (const tenant of ['acme', 'acme-2.example', 'M%C3%BCller', 'echo']) {
      const got = await ask(`${address}/${tenant}/tasks/${taskId}`, { headers: V1 });
      expect([tenant, got.status, got.json]).toMatchObject([tenant, 200, { id: taskId }]);
      const listed = await ask(`${address}/${tenant}/tasks?contextId=nope`, { headers: V1 });
      expect(listed.json).toMatchObject({ tasks: [] });
      const body = { message: textMessage('hello') };
      const sent = await ask(`${address}/${tenant}/message:send`, { headers: V1, body });
      expect(sent.json).toMatchObject({ task: { status: { state: 'TASK_STATE_COMPLETED' } } });
      const card = await ask(`${address}/${tenant}/extendedAgentCard`, { headers: V1 });
      expect(card.json).toMatchObject({ name: 'Echo' });
      const canceled = await ask(`${address}/${tenant}/tasks/${taskId}:cancel`, { method: 'POST', headers: V1 });
      expect(canceled.json).toMatchObject({ error: { details: [{ reason: 'TASK_NOT_CANCELABLE' }] } });
    }
  });

  test('[A2, A5] a body or query that names another tenant than the path is refused', async () => {
    const body = { tenant: 'other', message: textMessage('hello') };
    const sent = await ask(`${address}/acme/message:send`, { headers: V1, body });
    const got = await ask(`${address}/acme/tasks/${taskId}?tenant=other`, { headers: V1 });
    for (const { status, json } of [sent, got]) {
      expect(status).toBe(400);
      expect(errorOf({ version: '1.0', binding: 'HTTP+JSON' }, json)).toMatchObject({
        reason: 'INVALID_PARAMS',
        fields: ['tenant'],
      });
    }
    const same = { ...body, tenant: 'acme' };
    expect((await ask(`${address}/acme/message:send`, { headers: V1, body: same })).status).toBe(200);
  });

  test('[A2] agents, v1 and tasks are no tenants; 0.3 has none; two are one too many', async () => {
    for (const path of [
      'agents/tasks',
      'v1/tasks',
      'tasks/tasks/x',
      'acme/acme/tasks',
      '/tasks',
      'a:b/tasks',
      'acme/nope',
    ]) {
      const { status } = await ask(`${address}/${path}`, { headers: V1 });
      expect([path, status]).toEqual([path, 404]);
    }
    const old = await ask(`${address}/acme/v1/tasks`, { headers: {} });
    expect(old.status).toBe(404);
    const wrong = await ask(`${address}/acme/tasks`, { method: 'DELETE', headers: V1 });
    expect([wrong.status, wrong.headers['allow']]).toEqual([405, 'GET']);
  });
});

describe('an agent that is not there', () => {
  test.each(WIRES.map((wire) => [wire.name, wire] as const))(
    '[A2] is 404 over %s, for every operation',
    async (_name, wire) => {
      for (const id of ['nope', 'Echo', 'constructor', '__proto__', 'toString']) {
        const address = `/a2a/agents/${id}`;
        const answers = [
          await call(parley, wire, 'SendMessage', { message: textMessage('hello') }, { address }),
          await call(parley, wire, 'GetTask', { id: taskId }, { address }),
          await call(parley, wire, 'ListTasks', {}, { address }),
          await call(parley, wire, 'CancelTask', { id: taskId }, { address }),
          await call(parley, wire, 'GetExtendedAgentCard', {}, { address }),
        ];
        for (const { status, error } of answers) {
          expect([status, error]).toMatchObject([404, { reason: 'NOT_FOUND', message: `There is no agent ${id}` }]);
        }
      }
    },
  );
});

test('[A2] the address of an agent that is not there is 404 to every method', async () => {
  for (const path of ['/a2a/agents/', '/a2a/agents/nope', '/a2a/agents/nope/']) {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const { status } = await ask(path, { method, headers: V1 });
      expect([method, path, status]).toEqual([method, path, 404]);
    }
  }
});

test('[A2] [AUTH-2, AUTH-7] without a key, what is there and what is not look the same', async () => {
  const paths = [
    '/a2a/tasks',
    `/a2a/tasks/${taskId}`,
    '/a2a/tasks/nope',
    '/a2a/agents/echo/tasks',
    '/a2a/agents/nope/tasks',
  ];
  const answers = await Promise.all(paths.map((path) => http(`${parley.url}${path}`, { headers: V1 })));
  for (const { status, text, headers } of answers) {
    expect([status, text]).toEqual([401, answers[0]?.text]);
    expect(headers['www-authenticate']).toBe('Bearer');
  }
});
