/** Clients that wait, and clients that go: what they asked for goes on, and nothing of them is left behind. */
import { randomUUID } from 'node:crypto';
import { Agent, request } from 'undici';
import { describe, expect, test } from 'vitest';
import type { Task } from '../../../src/protocol/v1/types.ts';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { waitFor } from '../../support/wait-for.ts';

interface Options {
  readonly dispatcher?: Agent;
  readonly signal?: AbortSignal;
}

async function call(parley: ParleyProcess, path: string, body: object | null, options: Options = {}): Promise<string> {
  const response = await request(`${parley.url}/a2a${path}`, {
    method: body === null ? 'GET' : 'POST',
    headers: {
      authorization: `Bearer ${parley.adminKey}`,
      'a2a-version': '1.0',
      'content-type': 'application/json',
    },
    body: body === null ? null : JSON.stringify(body),
    ...options,
  });
  const text = await response.body.text();
  if (response.statusCode !== 200) throw new Error(`${path}: ${response.statusCode} ${text}`);
  return text;
}

const send = (parley: ParleyProcess, text: string, options?: Options) => {
  const message = { messageId: randomUUID(), role: 'ROLE_USER', parts: [{ text }] };
  return call(parley, '/message:send', { message }, options);
};

describe('blocking sends', () => {
  test('one after the other on one connection leave no listener behind on it', async () => {
    const parley = await startParley({ env: { RATE_LIMIT_PER_MINUTE: '0' } });
    const dispatcher = new Agent({ connections: 1, pipelining: 1 });
    for (let n = 0; n < 30; n++) await send(parley, '/sleep 5', { dispatcher });
    await dispatcher.close();
    expect((await parley.stop()).code).toBe(0);
    expect(parley.output).not.toContain('MaxListenersExceededWarning');
  });

  test('whose client leaves: the task goes on to its end', async () => {
    const parley = await startParley();
    const client = new AbortController();
    const sending = send(parley, '/sleep 500', { signal: client.signal }).catch(() => undefined);
    const states = async () => {
      const page = JSON.parse(await call(parley, '/tasks', null)) as { tasks: Task[] };
      return page.tasks.map((task) => task.status.state);
    };
    await waitFor('the task', 20_000, async () => (await states()).length === 1);
    client.abort();
    await sending;
    await waitFor('its end', 20_000, async () => (await states())[0] !== 'TASK_STATE_WORKING');
    expect(await states()).toEqual(['TASK_STATE_COMPLETED']);
  });
});
