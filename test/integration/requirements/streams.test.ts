/** What A2A demands of streams, over each wire. */
import { afterAll, beforeAll, beforeEach, describe, expect } from 'vitest';
import type { StreamResponse, Task } from '../../../src/protocol/v1/types.ts';
import { waitFor } from '../../support/wait-for.ts';
import { call, stream, type Wire } from '../wire/wire.ts';
import { perWire } from './per-wire.ts';
import { messageFor, type ServerUnderTest, startUnderTest, taskFor, workingTask } from './server-under-test.ts';

let server: ServerUnderTest;

beforeAll(async () => {
  server = await startUnderTest('streaming-push');
});

afterAll(() => server.stop());

/** What clients of the test before have left may still be open. */
beforeEach(async () => {
  await waitFor('no open streams', 20_000, async () => (await server.openStreams()) === 0);
});

const kindOf = (event: unknown): string => Object.keys(event as object)[0] ?? '';

/** A word for each event: the new state, or the text of the artifact's chunk. */
function wordOf(event: unknown): string {
  const response = event as StreamResponse;
  if ('task' in response) return response.task.status.state;
  if ('statusUpdate' in response) return response.statusUpdate.status.state;
  return 'artifactUpdate' in response ? (response.artifactUpdate.artifact.parts[0]?.text ?? '') : 'message';
}

describe('a stream of a message', () => {
  perWire('[STREAM-1] holds that message and ends', async (wire) => {
    const { events } = await stream(server, wire, 'SendStreamingMessage', {
      message: messageFor('tck-message-response'),
    });
    expect(events.map(kindOf)).toEqual(['message']);
  });
});

describe('a stream of a task', () => {
  perWire(
    '[STREAM-2, ORDER-1] begins with it, has what the agent makes in that order, and ends with the end',
    async (wire) => {
      const message = messageFor('tck-stream-artifact-chunked');
      const { events } = await stream(server, wire, 'SendStreamingMessage', { message });
      expect(events.map(kindOf)).toEqual(['task', 'statusUpdate', 'artifactUpdate', 'artifactUpdate', 'statusUpdate']);
      expect(events.slice(1).map(wordOf)).toEqual([
        'TASK_STATE_WORKING',
        'chunk-1 ',
        'chunk-2',
        'TASK_STATE_COMPLETED',
      ]);
    },
  );

  perWire('[STREAM-3] tells of the work while it goes on', async (wire) => {
    const message = messageFor('own-work');
    const { events } = await stream(server, wire, 'SendStreamingMessage', { message }, { count: 2 });
    expect(events.map(kindOf)).toEqual(['task', 'statusUpdate']);
    const { id } = (events[0] as { task: Task }).task;
    expect((await call(server, wire, 'CancelTask', { id })).error).toBeUndefined();
  });
});

describe('a subscription', () => {
  /** Reads to the end, which the test brings about once the reader has begun. */
  async function readToCancel(wire: Wire, readers: number): Promise<unknown[][]> {
    const { id } = await workingTask(server, wire);
    const reading = Array.from({ length: readers }, async () => stream(server, wire, 'SubscribeToTask', { id }));
    await untilSubscribed(readers);
    expect((await call(server, wire, 'CancelTask', { id })).error).toBeUndefined();
    return (await Promise.all(reading)).map(({ events }) => events.map((event) => event));
  }

  async function untilSubscribed(count: number): Promise<void> {
    await waitFor(`${count} open streams`, 20_000, async () => (await server.openStreams()) >= count);
  }

  perWire('[SUB-1, SUB-2] begins with the task as it is, and ends with the terminal state', async (wire) => {
    const [events = []] = await readToCancel(wire, 1);
    expect(events.map(kindOf)).toEqual(['task', 'statusUpdate']);
    expect(events.map(wordOf)).toEqual(['TASK_STATE_WORKING', 'TASK_STATE_CANCELED']);
  });

  perWire('[ORDER-2] is one of several, which get the same events in the same order', async (wire) => {
    const [first, ...others] = await readToCancel(wire, 4);
    expect(first?.length).toBe(2);
    for (const events of others) expect(events).toEqual(first);
  });

  perWire('[ORDER-3] ends without touching the others', async (wire) => {
    const { id } = await workingTask(server, wire);
    const staying = stream(server, wire, 'SubscribeToTask', { id });
    await untilSubscribed(1);
    // Leaves after its first event.
    expect((await stream(server, wire, 'SubscribeToTask', { id }, { count: 1 })).events).toHaveLength(1);
    await call(server, wire, 'CancelTask', { id });
    expect((await staying).events.map(wordOf).at(-1)).toBe('TASK_STATE_CANCELED');
  });

  perWire('[SUB-3] to a task that has ended is an unsupported operation', async (wire) => {
    for (const scenario of ['tck-complete-task', 'tck-reject-task', 'own-fail']) {
      const { id } = await taskFor(server, wire, scenario);
      const { error, events } = await stream(server, wire, 'SubscribeToTask', { id });
      expect([scenario, error?.reason, events]).toEqual([scenario, 'UNSUPPORTED_OPERATION', []]);
    }
  });

  perWire('[SUB-4] to a task that is not there does not find it', async (wire) => {
    const { error } = await stream(server, wire, 'SubscribeToTask', { id: crypto.randomUUID() });
    expect(error?.reason).toBe('TASK_NOT_FOUND');
  });
});
