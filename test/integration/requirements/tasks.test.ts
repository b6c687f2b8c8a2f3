/** What A2A demands of sending, reading and canceling, over each wire. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Message, Task } from '../../../src/protocol/v1/types.ts';
import { call, type Fields, type Wire, type WireError } from '../wire/wire.ts';
import { perWire } from './per-wire.ts';
import { messageFor, type ServerUnderTest, sent, startUnderTest, taskFor, workingTask } from './server-under-test.ts';

let server: ServerUnderTest;

beforeAll(async () => {
  server = await startUnderTest('streaming-push');
});

afterAll(() => server.stop());

async function refusal(
  wire: Wire,
  operation: 'SendMessage' | 'GetTask' | 'CancelTask',
  fields: Fields,
): Promise<WireError | undefined> {
  return (await call(server, wire, operation, fields)).error;
}

async function get(wire: Wire, fields: Fields): Promise<Task> {
  const { result, error } = await call(server, wire, 'GetTask', fields);
  expect(error).toBeUndefined();
  return result as Task;
}

/** Every way in which a task ends. */
async function endedTasks(wire: Wire): Promise<Task[]> {
  const canceled = await taskFor(server, wire, 'tck-input-required');
  const { result } = await call(server, wire, 'CancelTask', { id: canceled.id });
  return [
    await taskFor(server, wire, 'tck-complete-task'),
    await taskFor(server, wire, 'tck-reject-task'),
    await taskFor(server, wire, 'own-fail'),
    result as Task,
  ];
}

const textOf = (message: Message | undefined): string | undefined => message?.parts[0]?.text;

describe('sending', () => {
  perWire('[SEND-1] the answer is a task, or a message', async (wire) => {
    const withTask = await sent(server, wire, messageFor('tck-complete-task'));
    expect(Object.keys(withTask)).toEqual(['task']);
    const withMessage = await sent(server, wire, messageFor('tck-message-response'));
    expect(Object.keys(withMessage)).toEqual(['message']);
    expect([withMessage.message?.role, textOf(withMessage.message)]).toEqual(['ROLE_AGENT', 'Direct message response']);
  });

  perWire('[SEND-2] a task that has ended takes no message, in whatever way it has', async (wire) => {
    for (const { id, status } of await endedTasks(wire)) {
      const error = await refusal(wire, 'SendMessage', { message: messageFor('tck-complete-task', { taskId: id }) });
      expect([status.state, error?.reason]).toEqual([status.state, 'UNSUPPORTED_OPERATION']);
    }
  });

  perWire('[SEND-3] a file of a type that the agent does not take is refused', async (wire) => {
    const parts = [{ raw: 'AAAA', mediaType: 'application/x-nobody-takes-this' }];
    const error = await refusal(wire, 'SendMessage', { message: messageFor('tck-complete-task', { parts }) });
    expect(error?.reason).toBe('CONTENT_TYPE_NOT_SUPPORTED');
  });

  perWire('[WAIT-1] an answer waits for the end, or for the question, of the work', async (wire) => {
    const states = {
      'tck-stream-001': 'TASK_STATE_COMPLETED',
      'own-fail': 'TASK_STATE_FAILED',
      'tck-reject-task': 'TASK_STATE_REJECTED',
      'tck-input-required': 'TASK_STATE_INPUT_REQUIRED',
      'own-auth-required': 'TASK_STATE_AUTH_REQUIRED',
    };
    for (const [scenario, state] of Object.entries(states)) {
      expect((await taskFor(server, wire, scenario, {}, { returnImmediately: false })).status.state).toBe(state);
    }
  });

  perWire('[WAIT-2] an answer that does not wait tells of a task that goes on', async (wire) => {
    const { id, status } = await workingTask(server, wire);
    expect(['TASK_STATE_SUBMITTED', 'TASK_STATE_WORKING']).toContain(status.state);
    expect((await get(wire, { id })).id).toBe(id);
  });
});

describe('reading', () => {
  perWire('[GET-1] a task is as it is now: its state, and what it has made', async (wire) => {
    const asked = await taskFor(server, wire, 'tck-input-required');
    expect((await get(wire, { id: asked.id })).status).toEqual(asked.status);
    const done = await taskFor(server, wire, 'tck-artifact-text', { taskId: asked.id });
    const read = await get(wire, { id: asked.id });
    expect(read.status).toEqual(done.status);
    expect(read.artifacts?.[0]?.parts[0]?.text).toBe('Generated text content');
  });

  perWire('[GET-2, CANCEL-3] what is not there is not found', async (wire) => {
    for (const id of [crypto.randomUUID(), 'never', "a'b", 'ü']) {
      expect((await refusal(wire, 'GetTask', { id }))?.reason).toBe('TASK_NOT_FOUND');
      expect((await refusal(wire, 'CancelTask', { id }))?.reason).toBe('TASK_NOT_FOUND');
    }
  });
});

describe('history', () => {
  const said = ['first', 'second', 'third'];

  /** A task in which the user has said three things. */
  async function conversation(wire: Wire): Promise<string> {
    let id: string | undefined;
    for (const text of said) {
      const more = { parts: [{ text }], ...(id === undefined ? {} : { taskId: id }) };
      ({ id } = await taskFor(server, wire, 'tck-input-required', more));
    }
    return id ?? '';
  }

  perWire('[HIST-1] of a history there is no more than was asked for: the last of it', async (wire) => {
    const id = await conversation(wire);
    const { history: whole = [] } = await get(wire, { id });
    for (const historyLength of [1, 2, 3, 100]) {
      const { history = [] } = await get(wire, { id, historyLength });
      expect(history).toEqual(whole.slice(-historyLength));
      const task = await taskFor(server, wire, 'tck-input-required', { taskId: id }, { historyLength });
      expect(task.history?.length).toBeLessThanOrEqual(historyLength);
      whole.push(...((await get(wire, { id })).history?.slice(whole.length) ?? []));
    }
  });

  perWire('[HIST-2] with a length of 0 there is none, in every answer', async (wire) => {
    const id = await conversation(wire);
    expect(await get(wire, { id, historyLength: 0 })).not.toHaveProperty('history');
    const more = { taskId: id };
    expect(await taskFor(server, wire, 'tck-input-required', more, { historyLength: 0 })).not.toHaveProperty('history');
    const { contextId } = await get(wire, { id });
    const { result } = await call(server, wire, 'ListTasks', { contextId, historyLength: 0 });
    for (const task of (result as { tasks: Task[] }).tasks) expect(task).not.toHaveProperty('history');
  });

  perWire('[HIST-3] it is told in the order in which it was said, word for word', async (wire) => {
    const { history = [] } = await get(wire, { id: await conversation(wire) });
    const byUser = history.filter(({ role }) => role === 'ROLE_USER');
    expect(byUser.map(textOf)).toEqual(said);
  });
});

describe('canceling', () => {
  perWire('[CANCEL-1] a task that works, and one that waits, is canceled, and given as it is then', async (wire) => {
    const tasks = [await workingTask(server, wire), await taskFor(server, wire, 'tck-input-required')];
    for (const { id } of tasks) {
      const { result, error } = await call(server, wire, 'CancelTask', { id });
      expect(error).toBeUndefined();
      const task = result as Task;
      expect([task.id, task.status.state]).toEqual([id, 'TASK_STATE_CANCELED']);
      expect((await get(wire, { id })).status).toEqual(task.status);
    }
  });

  perWire(
    '[CANCEL-2] a task that has ended, in whatever way, cannot be canceled, and stays as it was',
    async (wire) => {
      for (const { id, status } of await endedTasks(wire)) {
        const error = await refusal(wire, 'CancelTask', { id });
        expect([status.state, error?.reason]).toEqual([status.state, 'TASK_NOT_CANCELABLE']);
        expect((await get(wire, { id })).status).toEqual(status);
      }
    },
  );
});

describe('contexts and tasks', () => {
  perWire('[CTX-1, CTX-3] a new task has an id and a context of its own, which the answer tells', async (wire) => {
    const tasks: Task[] = [];
    for (let count = 0; count < 3; count++) tasks.push(await taskFor(server, wire, 'tck-complete-task'));
    expect(new Set(tasks.map(({ id }) => id)).size).toBe(3);
    expect(new Set(tasks.map(({ contextId }) => contextId)).size).toBe(3);
    for (const { id, contextId } of tasks) expect([id, contextId]).not.toContain('');
    const { message } = await sent(server, wire, messageFor('tck-message-response'));
    expect(message?.contextId).toMatch(/./);
  });

  perWire('[CTX-2] a context id of the client is the one that the task has', async (wire) => {
    const contextId = `mine-${crypto.randomUUID()}`;
    expect((await taskFor(server, wire, 'tck-complete-task', { contextId })).contextId).toBe(contextId);
    const unacceptable = 'x'.repeat(1000);
    const error = await refusal(wire, 'SendMessage', {
      message: messageFor('tck-complete-task', { contextId: unacceptable }),
    });
    expect(error?.reason).toBe('INVALID_PARAMS');
  });

  perWire('[CTX-4] a message to a task that is not there does not make it', async (wire) => {
    const taskId = crypto.randomUUID();
    const error = await refusal(wire, 'SendMessage', { message: messageFor('tck-complete-task', { taskId }) });
    expect(error?.reason).toBe('TASK_NOT_FOUND');
    expect((await refusal(wire, 'GetTask', { id: taskId }))?.reason).toBe('TASK_NOT_FOUND');
  });

  perWire('[CTX-5, CTX-6] the context of a message to a task is the one of the task, and no other', async (wire) => {
    const { id: taskId, contextId } = await taskFor(server, wire, 'tck-input-required');
    const other = { message: messageFor('tck-complete-task', { taskId, contextId: crypto.randomUUID() }) };
    expect((await refusal(wire, 'SendMessage', other))?.reason).toBe('INVALID_PARAMS');
    const done = await taskFor(server, wire, 'tck-complete-task', { taskId });
    expect([done.id, done.contextId]).toEqual([taskId, contextId]);
  });
});

describe('authorization within a task', () => {
  perWire('[AUTH-5] a task that needs it says so in its state, and what is to be done in a message', async (wire) => {
    const { status } = await taskFor(server, wire, 'own-auth-required');
    expect(status.state).toBe('TASK_STATE_AUTH_REQUIRED');
    expect(textOf(status.message)).toContain('https://example.com/authorize');
  });

  perWire('[AUTH-6] a task that needs it takes messages', async (wire) => {
    const { id } = await taskFor(server, wire, 'own-auth-required');
    expect((await taskFor(server, wire, 'tck-complete-task', { taskId: id })).status.state).toBe(
      'TASK_STATE_COMPLETED',
    );
  });
});

test('the agent under test knows every scenario of the kit', async () => {
  const wire: Wire = { name: '1.0 JSON-RPC', version: '1.0', binding: 'JSONRPC' };
  const artifactOf = async (scenario: string) => (await taskFor(server, wire, scenario)).artifacts?.[0]?.parts;
  expect(await artifactOf('tck-artifact-data')).toEqual([{ data: { key: 'value', count: 42 } }]);
  expect(await artifactOf('tck-artifact-file-url')).toMatchObject([{ url: 'https://example.com/output.txt' }]);
  expect(await artifactOf('tck-artifact-file')).toMatchObject([{ filename: 'output.txt', mediaType: 'text/plain' }]);
  expect(await artifactOf('tck-stream-artifact-chunked')).toEqual([{ text: 'chunk-1 ' }, { text: 'chunk-2' }]);
});
