/** `kill -9` under a constant load of sends: what was acknowledged is there, and the counters are right. */
import { randomInt, randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Task } from '../../../src/protocol/v1/types.ts';
import { waitFor } from '../../support/wait-for.ts';
import { CrashClient } from './client.ts';
import { crashDatabases } from './databases.ts';

const KILLS = 5;
const SENDERS = 20;

for (const database of await crashDatabases()) {
  describe.skipIf(database.skipped !== undefined)(`on ${database.name}`, () => {
    test('[A7] [A10] kill -9, five times under load: every acknowledged task is there, once, and totalSize is right', async () => {
      const parley = await database.start();
      const client = new CrashClient(parley);
      const acknowledged = new Map<string, Task>();
      const messageOf = new Map<string, string>();
      const unanswered: string[] = [];
      let isOver = false;

      const load = async (): Promise<void> => {
        while (!isOver) {
          const messageId = randomUUID();
          try {
            const task = await client.send('hello', messageId);
            acknowledged.set(task.id, task);
            messageOf.set(task.id, messageId);
          } catch {
            unanswered.push(messageId);
            return;
          }
        }
      };
      for (let kill = 1; kill <= KILLS; kill++) {
        const before = acknowledged.size;
        const senders = Array.from({ length: SENDERS }, load);
        const enough = randomInt(50, 200);
        await waitFor('some answers', 30_000, () => acknowledged.size - before >= enough);
        await parley.kill9();
        await Promise.all(senders);
        await client.reconnect();
        await parley.start();
      }
      isOver = true;
      expect(unanswered.length).toBeGreaterThanOrEqual(KILLS);

      await waitFor('every task to end', 30_000, async () => {
        const { tasks } = await client.list();
        return [...tasks.values()].every((state) => state === 'TASK_STATE_COMPLETED');
      });
      const { tasks, totalSize } = await client.list();
      for (const id of acknowledged.keys()) expect(tasks.get(id)).toBe('TASK_STATE_COMPLETED');
      expect(totalSize).toBe(tasks.size);
      expect((await client.list({ status: 'TASK_STATE_COMPLETED' })).totalSize).toBe(tasks.size);
      expect((await client.list({ status: 'TASK_STATE_WORKING' })).totalSize).toBe(0);
      expect((await client.list({ status: 'TASK_STATE_SUBMITTED' })).totalSize).toBe(0);
      const some = [...acknowledged.values()].filter((_task, index) => index % 10 === 0);
      for (const task of some) expect(await client.get(task.id)).toEqual(task);

      // A retry of what was never answered makes the task, or joins it where it had been stored: never a second one.
      const retried = new Set<string>();
      for (const messageId of unanswered) {
        const first = await client.send('hello', messageId);
        expect((await client.send('hello', messageId)).id).toBe(first.id);
        expect(acknowledged.has(first.id)).toBe(false);
        retried.add(first.id);
      }
      expect(retried.size).toBe(unanswered.length);
      const [known] = [...messageOf];
      if (known === undefined) throw new Error('nothing was acknowledged');
      expect((await client.send('hello', known[1])).id).toBe(known[0]);
      const after = await client.list();
      expect(after.totalSize).toBe(acknowledged.size + unanswered.length);
      expect(after.tasks.size).toBe(after.totalSize);
      await client.close();
    }, 180_000);

    test('[A10] canceled, failed, rejected, waiting and finished tasks are listed as they were, after a kill -9', async () => {
      const parley = await database.start();
      const client = new CrashClient(parley);
      const sleeping = await client.send('/ask which?');
      const ended = [
        await client.cancel(sleeping.id),
        await client.send('hello'),
        await client.send('/fail out of coffee'),
        await client.send('/reject'),
        await client.send('/ask what?'),
      ];
      await parley.kill9();
      await client.reconnect();
      await parley.start();
      const { tasks, totalSize } = await client.list();
      expect(totalSize).toBe(ended.length);
      for (const task of ended) {
        expect(await client.get(task.id)).toEqual(task);
        expect(tasks.get(task.id)).toBe(task.status.state);
      }
      expect([...tasks.values()].sort()).toEqual([
        'TASK_STATE_CANCELED',
        'TASK_STATE_COMPLETED',
        'TASK_STATE_FAILED',
        'TASK_STATE_INPUT_REQUIRED',
        'TASK_STATE_REJECTED',
      ]);
      await client.close();
    }, 60_000);
  });
}
