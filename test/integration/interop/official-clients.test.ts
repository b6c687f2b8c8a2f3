/** The official JavaScript clients do every operation against the real server, over every transport that they have. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StreamResponse, Task } from '../../../src/protocol/v1/types.ts';
import { startReceiver } from '../../support/receiver.ts';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { waitFor } from '../../support/wait-for.ts';
import { errorName, type InteropClient } from './client.ts';
import { type CuttingProxy, startProxy } from './proxy.ts';
import { SDK_V0_3 } from './sdk-v0-3.ts';
import { SDK_V1 } from './sdk-v1.ts';

const clients = [...SDK_V1, ...SDK_V0_3].map((client) => [client.name, client] as const);

let parley: ParleyProcess;
let proxy: CuttingProxy;
let grpcProxy: CuttingProxy;
let cardUrl: string;

beforeAll(async () => {
  parley = await startParley({ config: 'push:\n  allowHttp: true\n  allowNetworks: [127.0.0.0/8]\n' });
  proxy = await startProxy(parley.ports.port);
  grpcProxy = await startProxy(parley.ports.grpcPort);
  cardUrl = `${parley.url}/.well-known/agent-card.json`;
});

afterAll(() => {
  proxy.close();
  grpcProxy.close();
});

/** What a task has said, in its artifacts. */
const textsOf = (task: Task): string[] =>
  (task.artifacts ?? []).flatMap(({ parts }) => parts.flatMap(({ text }) => (text === undefined ? [] : [text])));

/** What the events of a stream add to what a task has said. */
const textOf = (event: StreamResponse): string[] =>
  'artifactUpdate' in event ? event.artifactUpdate.artifact.parts.flatMap(({ text }) => text ?? []) : [];

async function collect(events: AsyncIterable<StreamResponse>): Promise<StreamResponse[]> {
  const collected: StreamResponse[] = [];
  for await (const event of events) collected.push(event);
  return collected;
}

function lastState(events: readonly StreamResponse[]): string | undefined {
  const event = events.at(-1);
  if (event === undefined) return undefined;
  if ('task' in event) return event.task.status.state;
  return 'statusUpdate' in event ? event.statusUpdate.status.state : undefined;
}

/** The name of what the client throws. */
async function refusal(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
  } catch (error) {
    return errorName(error);
  }
  return 'no error';
}

const tickNumbers = (texts: readonly string[]): number[] =>
  texts.map((text) => Number(/^tick (\d+)/.exec(text)?.[1] ?? Number.NaN));

describe.each(clients)('[A16] %s', (_name, under) => {
  let client: InteropClient;

  beforeAll(async () => {
    client = await under.connect({ cardUrl, key: parley.adminKey });
  });

  test('sends and waits for the end', async () => {
    const task = await client.send('hello, world');
    expect(task.status.state).toBe('TASK_STATE_COMPLETED');
    expect(textsOf(task)).toEqual(['hello, world']);
  });

  test('sends and does not wait, then gets the task until it has ended', async () => {
    const { id, status } = await client.send('/sleep 300', { isImmediate: true });
    expect(['TASK_STATE_SUBMITTED', 'TASK_STATE_WORKING']).toContain(status.state);
    await waitFor('the task to end', 20_000, async () => {
      return (await client.get(id)).status.state === 'TASK_STATE_COMPLETED';
    });
  });

  test('streams: the task, then each change, then the end', async () => {
    const events = await collect(client.stream('/stream count=3 interval=0'));
    expect(events[0]).toHaveProperty('task');
    expect(tickNumbers(events.flatMap(textOf))).toEqual([0, 1, 2]);
    expect(lastState(events)).toBe('TASK_STATE_COMPLETED');
  });

  test('answers a question of the agent in the same task', async () => {
    const asked = await client.send('/ask Which city?');
    expect(asked.status.state).toBe('TASK_STATE_INPUT_REQUIRED');
    const done = await client.send('Lisbon', { taskId: asked.id, contextId: asked.contextId ?? '' });
    expect([done.id, done.status.state]).toEqual([asked.id, 'TASK_STATE_COMPLETED']);
    expect(textsOf(done)).toEqual(['Lisbon']);
  });

  test('gets a task with as much history as it asks for', async () => {
    const asked = await client.send('/ask Why?');
    const { id } = await client.send('Because', { taskId: asked.id, contextId: asked.contextId ?? '' });
    const whole = (await client.get(id)).history ?? [];
    const last = (await client.get(id, 1)).history ?? [];
    expect(whole.length).toBeGreaterThan(1);
    expect(last).toEqual(whole.slice(-1));
    expect((await client.get(id, 0)).history ?? []).toEqual(under.isOldGrpc ? whole : []);
  });

  test('lists the tasks of a context, where the client can', async () => {
    const first = await client.send('one');
    const contextId = first.contextId ?? '';
    const second = await client.send('two', { contextId });
    // 0.3.0 names the operation for REST and gRPC only, and its clients have no method for it.
    const listed = (await client.list?.(contextId)) ?? [second, first];
    expect(listed.map(({ id }) => id)).toEqual([second.id, first.id]);
  });

  test('cancels a task that runs, and hears that it cannot cancel it twice', async () => {
    const { id } = await client.send('/sleep 60000', { isImmediate: true });
    expect((await client.cancel(id)).status.state).toBe('TASK_STATE_CANCELED');
    expect(await refusal(() => client.cancel(id))).toBe('TaskNotCancelable');
  });

  test('subscribes again after its connection was cut, and misses nothing', async () => {
    const addresses = { http: proxy.url, grpc: new URL(grpcProxy.url).host };
    const through = await under.connect({ cardUrl, key: parley.adminKey, through: addresses });
    const texts: string[] = [];
    let taskId = '';
    const read = async (): Promise<void> => {
      for await (const event of through.stream('/stream count=8 interval=100')) {
        if ('task' in event) taskId = event.task.id;
        texts.push(...textOf(event));
        if (texts.length === 2) {
          proxy.cut();
          grpcProxy.cut();
        }
      }
    };
    await expect(read()).rejects.toThrow(/terminated|reset|closed|unavailable/i);
    expect(tickNumbers(texts)).toEqual([0, 1]);

    const events = await collect(through.subscribe(taskId));
    const [snapshot, ...rest] = events;
    if (snapshot === undefined || !('task' in snapshot)) throw new Error('the stream does not begin with the task');
    expect(tickNumbers([...textsOf(snapshot.task), ...rest.flatMap(textOf)])).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(lastState(events)).toBe('TASK_STATE_COMPLETED');
  });

  test('makes, gets, lists and deletes push configurations, and its receiver is told', async () => {
    const receiver = await startReceiver();
    const { id: taskId } = await client.send('/ask When?');
    const config = { id: 'mine', taskId, url: receiver.url(), token: 'of-the-task' };
    expect(await client.createPushConfig(config)).toMatchObject({ id: 'mine', url: receiver.url() });
    expect(await client.getPushConfig(taskId, 'mine')).toMatchObject({ taskId, url: receiver.url() });
    expect((await client.listPushConfigs(taskId)).map(({ id }) => id)).toEqual(['mine']);
    await client.send('now', { taskId });
    const [push] = await receiver.until(1);
    expect(push?.headers['x-a2a-notification-token']).toBe('of-the-task');
    expect(push?.body).toContain(taskId);

    const { id: other } = await client.send('/ask Who?');
    await client.createPushConfig({ ...config, taskId: other });
    await client.deletePushConfig(other, 'mine');
    expect(await client.listPushConfigs(other)).toEqual([]);
  });

  test('gets the extended card', async () => {
    expect(await client.cardExtensions()).toContain('urn:parley:extension:caller:v1');
  });

  test('knows what the server refuses by its own errors', async () => {
    const unknown = crypto.randomUUID();
    const { id } = await client.send('done');
    const isV1 = client.list !== undefined;
    // The gRPC client of 0.3.x knows the status of the error for canceling alone, and passes on what is said.
    const ended = 'UnsupportedOperation';
    expect({
      get: await refusal(() => client.get(unknown)),
      cancel: await refusal(() => client.cancel(unknown)),
      subscribe: await refusal(() => collect(client.subscribe(unknown))),
      sendTo: await refusal(() => client.send('more', { taskId: unknown })),
      sendToEnded: (await refusal(() => client.send('more', { taskId: id }))).replace(
        /^.*takes no more messages.*$/,
        ended,
      ),
      cancelEnded: await refusal(() => client.cancel(id)),
      ...(isV1 ? { subscribeToEnded: await refusal(() => collect(client.subscribe(id))) } : {}),
    }).toEqual({
      get: 'TaskNotFound',
      cancel: 'TaskNotFound',
      subscribe: 'TaskNotFound',
      sendTo: 'TaskNotFound',
      sendToEnded: 'UnsupportedOperation',
      cancelEnded: 'TaskNotCancelable',
      ...(isV1 ? { subscribeToEnded: 'UnsupportedOperation' } : {}),
    });
  });

  test('is refused with a wrong key, in each operation', async () => {
    const stranger = await under.connect({ cardUrl, key: 'prly_no_such_key_0000000000000000000000' });
    const { id } = await client.send('mine');
    for (const work of [
      () => stranger.send('hello'),
      () => collect(stranger.stream('hello')),
      () => stranger.get(id),
      () => stranger.cancel(id),
      () => collect(stranger.subscribe(id)),
    ]) {
      await expect(work()).rejects.toThrow(/401|key|authenticat/i);
    }
  });
});
