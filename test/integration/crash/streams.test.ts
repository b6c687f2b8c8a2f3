/** `kill -9` in the middle of many streams: what a client was told is so, and every task goes on to its end. */
import { describe, expect, test } from 'vitest';
import type { Part, StreamResponse } from '../../../src/protocol/v1/types.ts';
import { waitFor } from '../../support/wait-for.ts';
import { CrashClient, eventOf, type Seen, stateOf } from './client.ts';
import { crashDatabases } from './databases.ts';

const STREAMS = 200;
const TICKS = 50;

const range = (from: number, to: number) => Array.from({ length: Math.max(0, to - from + 1) }, (_, n) => from + n);
const ids = (seen: readonly Seen[]) => seen.map(({ id }) => id);

/** The number of each tick, in the order of the log. */
function ticksOf(events: readonly StreamResponse[]): number[] {
  return events.flatMap((event) => ('artifactUpdate' in event ? ticksIn(event.artifactUpdate.artifact.parts) : []));
}

function ticksIn(parts: readonly Part[]): number[] {
  return parts.map((part) => Number(/^tick (\d+) /.exec(part.text ?? '')?.[1]));
}

for (const database of await crashDatabases()) {
  describe.skipIf(database.skipped !== undefined)(`on ${database.name}`, () => {
    test('[A9] [A10] kill -9 in the middle of 200 streams: no gap, no duplicate, nothing lost, all go on', async () => {
      const parley = await database.start();
      const client = new CrashClient(parley);
      const blocking = [await client.send('hello'), await client.send('/file a.txt')];
      const streams = range(1, STREAMS).map(() => [] as Seen[]);
      const broken = streams.map((seen) =>
        client.stream(`/stream count=${TICKS} interval=20`, seen).catch(() => undefined),
      );
      const lateSends = range(1, 20).map((n) => client.send(`late ${n}`).catch(() => undefined));
      // Somewhere between the first stream's first ticks and the last one's last.
      const killAt = STREAMS * (2 + Math.floor(Math.random() * (TICKS - 10)));
      // On a busy machine the first ones may be far ahead of those that have not begun.
      await waitFor('the middle of the streams', 40_000, () => {
        const begun = streams.filter((seen) => seen.length > 0).length;
        return begun > STREAMS / 2 && streams.reduce((sum, seen) => sum + seen.length, 0) > killAt;
      });
      await parley.kill9();
      await Promise.all(broken);
      const acknowledged = (await Promise.all(lateSends)).filter((task) => task !== undefined);
      await client.reconnect();
      await parley.start();

      const begun = streams.filter((seen) => seen.length > 0);
      expect(begun.length).toBeGreaterThan(STREAMS / 2);
      expect(begun.some((seen) => seen.length < TICKS + 3)).toBe(true);
      await Promise.all(
        begun.map(async (seen) => {
          const [first] = seen;
          const event = first === undefined ? undefined : eventOf(first);
          if (event === undefined || !('task' in event)) throw new Error('a stream that did not begin with its Task');
          const { id } = event.task;
          const last = seen.at(-1)?.id ?? 0;
          const rest = await client.resume(id, last);
          expect(ids([...seen, ...rest])).toEqual(range(1, TICKS + 3));
          const whole = await client.resume(id, 0);
          expect(whole).toEqual([...seen, ...rest]);
          const events = whole.map(eventOf);
          expect(ticksOf(events)).toEqual(range(0, TICKS - 1));
          expect(stateOf(events.at(-1))).toBe('TASK_STATE_COMPLETED');
          const task = await client.get(id);
          expect(task.status.state).toBe('TASK_STATE_COMPLETED');
          expect(ticksIn(task.artifacts?.[0]?.parts ?? [])).toEqual(range(0, TICKS - 1));
        }),
      );
      for (const task of [...blocking, ...acknowledged]) expect(await client.get(task.id)).toEqual(task);

      // What was begun but never acknowledged may be there or not; what is there has ended as well.
      await waitFor('every task to end', 30_000, async () => {
        const { tasks } = await client.list();
        return [...tasks.values()].every((state) => state === 'TASK_STATE_COMPLETED');
      });
      const { tasks, totalSize } = await client.list();
      expect(totalSize).toBe(tasks.size);
      expect(tasks.size).toBeGreaterThanOrEqual(begun.length + blocking.length + acknowledged.length);
      await client.close();
      expect((await parley.stop()).code).toBe(0);
    }, 120_000);
  });
}
