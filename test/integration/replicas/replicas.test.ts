/** Two servers on one PostgreSQL, by each bus: a client of either sees and moves what runs on the other. */
import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { StreamResponse, Task } from '../../../src/protocol/v1/types.ts';
import { ConsoleClient, signedIn } from '../../support/console-client.ts';
import type { ParleyProcess } from '../../support/server.ts';
import { openSse } from '../../support/sse.ts';
import { waitFor } from '../../support/wait-for.ts';
import { issueKey, manage, metricOf } from '../../support/wire-client.ts';
import { CrashClient, eventOf, type Seen, stateOf } from '../crash/client.ts';
import { busKinds, type Replicas, untilHeard } from './replicas.ts';

const range = (from: number, to: number) => Array.from({ length: Math.max(0, to - from + 1) }, (_, n) => from + n);

/** What a follower saw, and whether its stream has ended. */
class Watcher {
  readonly seen: Seen[] = [];
  /** When each event came, in milliseconds. */
  readonly atMs: number[] = [];
  isEnded = false;

  get seqs(): number[] {
    return this.seen.map(({ id }) => id);
  }

  /** Follows a task, from its present state on. */
  static async of(parley: ParleyProcess, taskId: string, key = parley.adminKey): Promise<Watcher> {
    const stream = await openSse(`${parley.url}/a2a/tasks/${taskId}:subscribe`, {
      headers: { authorization: `Bearer ${key}`, 'a2a-version': '1.0' },
    });
    onTestFinished(() => stream.close());
    if (stream.status !== 200) throw new Error(`subscribe: ${stream.status} ${await stream.text()}`);
    const watcher = new Watcher();
    void (async () => {
      for await (const event of stream) {
        watcher.seen.push({ id: Number(event.id), data: event.data });
        watcher.atMs.push(performance.now());
      }
      watcher.isEnded = true;
    })();
    await waitFor('the Task', 20_000, () => watcher.seen.length > 0);
    return watcher;
  }

  get last(): StreamResponse | undefined {
    const last = this.seen.at(-1);
    return last === undefined ? undefined : eventOf(last);
  }
}

function clientOf(parley: ParleyProcess): CrashClient {
  const client = new CrashClient(parley);
  onTestFinished(() => client.close());
  return client;
}

/** Begins a task there; its id. */
async function begin(parley: ParleyProcess, text: string, more: object = {}): Promise<string> {
  const { task } = await post<{ task: Task }>(parley, '/a2a/message:send', {
    message: { messageId: randomUUID(), role: 'ROLE_USER', parts: [{ text }], ...more },
    configuration: { returnImmediately: true },
  });
  return task.id;
}

async function post<T>(parley: ParleyProcess, path: string, body: object, key = parley.adminKey): Promise<T> {
  const response = await fetch(`${parley.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'a2a-version': '1.0', 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}

for (const kind of await busKinds()) {
  describe.skipIf(kind.skipped !== undefined)(`by ${kind.name}`, () => {
    let replicas: Replicas;
    beforeAll(async () => {
      replicas = await kind.start();
    });

    test('[A9, O16] a stream of one replica is followed live on the other, every event once', async () => {
      const { a, b } = replicas;
      const id = await begin(a, '/stream count=40 interval=50');
      const watcher = await Watcher.of(b, id);
      await waitFor('the end', 20_000, () => watcher.isEnded);
      const [first = 0] = watcher.seqs;
      expect(watcher.seqs).toEqual(range(first, 43));
      expect(stateOf(watcher.last)).toBe('TASK_STATE_COMPLETED');
      // Found by looks into the database, they would come all five seconds.
      const gaps = watcher.atMs.slice(1).map((at, index) => at - (watcher.atMs[index] ?? at));
      expect(Math.max(...gaps)).toBeLessThan(2000);
      expect(gaps.filter((ms) => ms > 20).length).toBeGreaterThan(10);
    });

    test('[A2, O16] cancel on one replica reaches the agent on the other, which ends the task itself', async () => {
      const { a, b } = replicas;
      const id = await begin(a, '/sleep 600000');
      const ended = 'parley_task_turn_duration_seconds_count{agent="echo",state="TASK_STATE_CANCELED"}';
      const before = (await metricOf(a, ended)) ?? 0;
      const task = await clientOf(b).cancel(id);
      expect(task.status.state).toBe('TASK_STATE_CANCELED');
      expect(await metricOf(a, ended)).toBe(before + 1);
      expect(await metricOf(a, 'parley_lease_lost_total{agent="echo"}')).toBeUndefined();
    });

    test('[A9, O16] a task that asked for input on one replica and is answered on the other ends for its followers on both', async () => {
      const { a, b } = replicas;
      const id = await begin(a, '/ask which?');
      await waitFor('the question', 20_000, async () => {
        return (await clientOf(b).get(id)).status.state === 'TASK_STATE_INPUT_REQUIRED';
      });
      const watchers = [await Watcher.of(a, id), await Watcher.of(b, id)];
      const answeredAtMs = performance.now();
      await begin(b, 'this one', { taskId: id });
      await waitFor('the ends', 20_000, () => watchers.every(({ isEnded }) => isEnded));
      for (const { seqs, last, atMs } of watchers) {
        expect(seqs).toEqual(range(seqs[0] ?? 0, seqs.at(-1) ?? 0));
        expect(stateOf(last)).toBe('TASK_STATE_COMPLETED');
        // Without a word by the bus the log is read each five seconds.
        expect((atMs.at(-1) ?? 0) - answeredAtMs).toBeLessThan(4500);
      }
    });

    test('[A5, O16] a key that is revoked on one replica ends its streams on the other at once', async () => {
      const { a, b } = replicas;
      const { id, key } = await issueKey(a, { name: 'short-lived' });
      const { task } = await post<{ task: Task }>(
        b,
        '/a2a/message:send',
        {
          message: { messageId: randomUUID(), role: 'ROLE_USER', parts: [{ text: '/sleep 600000' }] },
          configuration: { returnImmediately: true },
        },
        key,
      );
      const watcher = await Watcher.of(b, task.id, key);
      expect(watcher.isEnded).toBe(false);
      expect((await manage(a, 'DELETE', `/api/v1/keys/${id}`)).status).toBe(204);
      // A heartbeat, every 15 s, would notice it else.
      await waitFor('the end of the stream', 12_000, () => watcher.isEnded);
      await expect(post(b, '/a2a/message:send', {}, key)).rejects.toThrow('401');
    });

    test('[I12, O16] a session that is ended on one replica is over on the other at once', async () => {
      const { a, b } = replicas;
      const onA = await signedIn(a);
      const onB = new ConsoleClient(b);
      onB.cookie = onA.cookie;
      const look = async () => (await onB.send('GET', '/api/v1/sessions')).status;
      expect(await look()).toBe(200);
      expect((await onA.send('DELETE', '/api/v1/session')).status).toBe(204);
      const endedAtMs = performance.now();
      await waitFor('the end of the session', 20_000, async () => (await look()) === 401);
      // What is known of a session is believed for five seconds else.
      expect(performance.now() - endedAtMs).toBeLessThan(4500);
    });

    test('[A9, O2, O16] a bus that goes and comes back under a stream costs no event; meanwhile the replicas are ready', async () => {
      const { a, b } = replicas;
      const watcher = await Watcher.of(b, await begin(a, '/stream count=60 interval=50'));
      await waitFor('some ticks', 20_000, () => watcher.seen.length > 5);
      await replicas.cut();
      const held = watcher.seen.length;
      // By looks into the database.
      await waitFor('more ticks', 20_000, () => watcher.seen.length > held + 10);
      for (const parley of [a, b]) expect((await fetch(`${parley.url}/readyz`)).status).toBe(200);
      await replicas.back();
      await waitFor('the end', 20_000, () => watcher.isEnded);
      expect(watcher.seqs).toEqual(range(watcher.seqs[0] ?? 0, 63));
      for (const parley of [a, b]) {
        expect(parley.output).toContain('the bus between replicas is down');
        await untilHeard(parley);
      }
    });

    test('[A9, A10, O16] kill -9 of the replica that runs a task: its followers on the other get the rest after the takeover', async () => {
      const { a, b } = replicas;
      const watcher = await Watcher.of(b, await begin(a, '/stream count=80 interval=50'));
      await waitFor('some ticks', 20_000, () => watcher.seen.length > 5);
      await a.kill9();
      await waitFor('the end', 30_000, () => watcher.isEnded);
      expect(watcher.seqs).toEqual(range(watcher.seqs[0] ?? 0, 83));
      expect(stateOf(watcher.last)).toBe('TASK_STATE_COMPLETED');
      expect((await clientOf(b).list({ status: 'TASK_STATE_WORKING' })).tasks.size).toBe(0);
    });
  });
}
