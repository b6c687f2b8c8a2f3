/** Conversations: questions and answers, messages at the wrong time or place, contexts, and the forms of answers. */
import { beforeAll, describe, expect, test } from 'vitest';
import { sendMessageResponseSchema } from '../../../src/protocol/v1/schemas.ts';
import type { Task } from '../../../src/protocol/v1/types.ts';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { bearer, call, type Fields, http, stream, textMessage, WIRES, type Wire } from './wire.ts';

let parley: ParleyProcess;

beforeAll(async () => {
  parley = await startParley();
});

async function sent(wire: Wire, text: string, more: Fields = {}, configuration: Fields = {}): Promise<Task> {
  const message = textMessage(text, more);
  const { result, error } = await call(parley, wire, 'SendMessage', { message, configuration });
  if (error !== undefined) throw new Error(`${wire.name}: ${error.message}`);
  const answer = sendMessageResponseSchema.parse(result);
  if (!('task' in answer)) throw new Error(`${wire.name}: the answer is no task`);
  return answer.task;
}

const texts = (task: Task): unknown[] => (task.history ?? []).map(({ role, parts }) => [role, parts[0]?.text]);

describe.each(WIRES.map((wire) => [wire.name, wire] as const))('over %s', (_name, wire) => {
  test('[A3] a question, its answer, and the end, in one task', async () => {
    const asked = await sent(wire, '/ask Which city?');
    expect(asked.status).toMatchObject({
      state: 'TASK_STATE_INPUT_REQUIRED',
      message: { role: 'ROLE_AGENT', parts: [{ text: 'Which city?' }], taskId: asked.id, contextId: asked.contextId },
    });
    const done = await sent(wire, 'Paris', { taskId: asked.id });
    expect(done).toMatchObject({
      id: asked.id,
      contextId: asked.contextId,
      status: { state: 'TASK_STATE_COMPLETED' },
      artifacts: [{ parts: [{ text: 'Paris' }] }],
    });
    expect(texts(done)).toEqual([
      ['ROLE_USER', '/ask Which city?'],
      ['ROLE_AGENT', 'Which city?'],
      ['ROLE_USER', 'Paris'],
    ]);
  });

  test('[A3] the answer may be streamed: the task as it is, then what follows, to the end', async () => {
    const asked = await sent(wire, '/ask Which city?');
    const message = textMessage('Rome', { taskId: asked.id, contextId: asked.contextId });
    const { events } = await stream(parley, wire, 'SendStreamingMessage', { message });
    expect(events[0]).toMatchObject({ task: { id: asked.id } });
    // A task that ends at once is in its first event already.
    const last = events.at(-1) as { task?: Task; statusUpdate?: Task };
    expect((last.task ?? last.statusUpdate)?.status.state).toBe('TASK_STATE_COMPLETED');
  });

  test('[A3] an answer to a task in another context is refused, and the task waits on', async () => {
    const asked = await sent(wire, '/ask Which city?');
    const message = textMessage('Paris', { taskId: asked.id, contextId: 'somewhere-else' });
    const { error } = await call(parley, wire, 'SendMessage', { message });
    expect(error).toMatchObject({ reason: 'INVALID_PARAMS', fields: ['message.contextId'] });
    const { result } = await call(parley, wire, 'GetTask', { id: asked.id });
    expect(result).toMatchObject({ status: { state: 'TASK_STATE_INPUT_REQUIRED' } });
    expect(await sent(wire, 'Paris', { taskId: asked.id, contextId: asked.contextId })).toMatchObject({
      status: { state: 'TASK_STATE_COMPLETED' },
    });
  });

  test('[A3] a task that works takes no message', async () => {
    const { id } = await sent(wire, '/sleep 60000', {}, { returnImmediately: true });
    const { error } = await call(parley, wire, 'SendMessage', { message: textMessage('hurry', { taskId: id }) });
    expect(error).toMatchObject({ reason: 'UNSUPPORTED_OPERATION', message: expect.stringContaining('is busy') });
    await call(parley, wire, 'CancelTask', { id });
  });

  test.each([
    ['/fail now', 'FAILED'],
    ['/reject', 'REJECTED'],
    ['hello', 'COMPLETED'],
  ])('[A3] a task ended by %s takes no message, and stays as it is', async (text, state) => {
    const ended = await sent(wire, text);
    const { error } = await call(parley, wire, 'SendMessage', { message: textMessage('more', { taskId: ended.id }) });
    expect(error).toMatchObject({ reason: 'UNSUPPORTED_OPERATION', message: expect.stringContaining('has ended') });
    const { result } = await call(parley, wire, 'GetTask', { id: ended.id });
    expect(result).toMatchObject({ status: { state: `TASK_STATE_${state}`, timestamp: ended.status.timestamp } });
  });

  test('[A3] a canceled question takes no answer', async () => {
    const asked = await sent(wire, '/ask Which city?');
    await call(parley, wire, 'CancelTask', { id: asked.id });
    const { error } = await call(parley, wire, 'SendMessage', { message: textMessage('Paris', { taskId: asked.id }) });
    expect(error?.reason).toBe('UNSUPPORTED_OPERATION');
  });

  test('[A3] a context holds all its tasks, newest first, and only them', async () => {
    const first = await sent(wire, 'one');
    const second = await sent(wire, 'two', { contextId: first.contextId });
    expect(second.contextId).toBe(first.contextId);
    expect(second.id).not.toBe(first.id);
    const { result } = await call(parley, wire, 'ListTasks', { contextId: first.contextId });
    const listed = (result as { tasks: Task[] }).tasks.map(({ id }) => id);
    expect(listed.toSorted()).toEqual([first.id, second.id].toSorted());
  });

  test('[A3] a context that the client names is kept as it is', async () => {
    for (const contextId of ['my context', 'ctx/1:2?#', 'é🦜', '__proto__', 'x'.repeat(256)]) {
      expect((await sent(wire, 'hello', { contextId })).contextId).toBe(contextId);
    }
  });

  test('[A3] a blocking send waits for the end, and one that returns immediately does not', async () => {
    const early = await sent(wire, '/sleep 600000', {}, { returnImmediately: true });
    expect(early.status.state).not.toBe('TASK_STATE_COMPLETED');
    const late = await sent(wire, '/sleep 100');
    expect(late.status.state).toBe('TASK_STATE_COMPLETED');
  });
});

describe('forms of answers', () => {
  const send = { message: { messageId: 'forms', role: 'ROLE_USER', parts: [{ text: 'a' }] } };

  test.each([
    [undefined, 'application/a2a+json'],
    ['*/*', 'application/a2a+json'],
    ['application/a2a+json', 'application/a2a+json'],
    ['application/json', 'application/json'],
    ['application/json, application/a2a+json', 'application/a2a+json'],
    ['application/json, */*;q=0.1', 'application/a2a+json'],
    ['text/html', 'application/a2a+json'],
  ])('[A3] REST 1.0 to a client that accepts %s answers %s', async (accept, expected) => {
    const headers = { ...bearer(parley), 'a2a-version': '1.0', ...(accept === undefined ? {} : { accept }) };
    const answers = [
      await http(`${parley.url}/a2a/tasks`, { headers }),
      await http(`${parley.url}/a2a/message:send`, { headers, body: send }),
      await http(`${parley.url}/a2a/tasks/nope`, { headers }),
      await http(`${parley.url}/a2a/message:send`, { headers, body: {} }),
    ];
    for (const answer of answers) expect(String(answer.headers['content-type']).replace(/;.*/, '')).toBe(expected);
  });

  test('[A3] REST 0.3 and JSON-RPC answer application/json, whatever is accepted', async () => {
    for (const accept of ['*/*', 'application/a2a+json']) {
      const headers = { ...bearer(parley), accept };
      const rpc = { jsonrpc: '2.0', id: 1, method: 'tasks/list', params: {} };
      for (const answer of [
        await http(`${parley.url}/a2a/v1/tasks`, { headers }),
        await http(`${parley.url}/a2a`, { headers, body: rpc }),
      ]) {
        expect([answer.status, answer.headers['content-type']]).toEqual([
          200,
          expect.stringMatching(/^application\/json/),
        ]);
      }
    }
  });

  test.each(['application/json', 'application/json; charset=utf-8', 'application/a2a+json', 'APPLICATION/JSON'])(
    '[A3] bodies are taken as %s',
    async (type) => {
      const headers = { ...bearer(parley), 'a2a-version': '1.0', 'content-type': type };
      const rest = await http(`${parley.url}/a2a/message:send`, { headers, body: JSON.stringify(send) });
      expect([type, rest.status]).toEqual([type, 200]);
      const rpc = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'SendMessage', params: send });
      expect((await http(`${parley.url}/a2a`, { headers, body: rpc })).status).toBe(200);
    },
  );

  test.each<[string, unknown]>([
    ['"abc"', 'abc'],
    ['""', ''],
    ['0', 0],
    ['-5', -5],
    ['1.5', 1.5],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
    ['null', null],
    ['"__proto__"', '__proto__'],
    ['"\\ud83e\\udd9c"', '🦜'],
  ])('[A3] JSON-RPC gives the id %s back as it came', async (id, expected) => {
    for (const method of ['tasks/list', 'nope']) {
      const body = `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":{}}`;
      const { json } = await http(`${parley.url}/a2a`, { headers: bearer(parley), body });
      expect(json).toMatchObject({ jsonrpc: '2.0', id: expected });
    }
  });

  test('[A3] of a key that comes twice the last counts, everywhere alike', async () => {
    const parts = '"parts":[{"text":"first"}],"parts":[{"text":"second"}]';
    const message = `{"messageId":"twice","role":"ROLE_USER",${parts}}`;
    const headers = { ...bearer(parley), 'a2a-version': '1.0' };
    const rest = await http(`${parley.url}/a2a/message:send`, { headers, body: `{"message":{},"message":${message}}` });
    const { task } = rest.json as { task: Task };
    expect([texts(task), task.artifacts?.[0]?.parts[0]?.text]).toEqual([[['ROLE_USER', 'second']], 'second']);
    const rpc = `{"jsonrpc":"1.0","jsonrpc":"2.0","id":1,"id":2,"method":"nope","method":"GetTask","params":{},"params":{"id":"${task.id}"}}`;
    const got = await http(`${parley.url}/a2a`, { headers, body: rpc });
    expect(got.json).toMatchObject({ id: 2, result: { id: task.id } });
  });

  test('[A3] unknown fields are ignored, and not stored', async () => {
    const message = { ...send.message, messageId: 'unknown', color: 'red', ['constructor']: 1 };
    const headers = { ...bearer(parley), 'a2a-version': '1.0' };
    const { json } = await http(`${parley.url}/a2a/message:send`, { headers, body: { message, speed: 'fast' } });
    const { task } = json as { task: Task };
    expect(Object.keys(task.history?.[0] ?? {}).toSorted()).toEqual([
      'contextId',
      'messageId',
      'parts',
      'role',
      'taskId',
    ]);
  });
});
