/** Streams over the end of the server: they end where they can be taken up again, and go on after the next start. */
import { afterAll, describe, expect, test } from 'vitest';
import { DATABASES } from '../../support/databases.ts';
import { startParley } from '../../support/server.ts';
import { openSse, type SseEvent } from '../../support/sse.ts';
import { waitFor } from '../../support/wait-for.ts';
import {
  ask,
  at,
  callerOf,
  FORMS,
  type Form,
  headersOf,
  issueKey,
  REST,
  stateOf,
  taskIdOf,
  wireRequest,
} from '../../support/wire-client.ts';

const TICKS = 40;

for (const database of DATABASES) {
  describe.skipIf(database.skipped !== undefined)(`on ${database.name}`, () => {
    const ends: (() => Promise<void>)[] = [];
    afterAll(async () => {
      for (const end of ends.reverse()) await end();
    });

    test.each([
      ['SIGTERM', 'streams end cleanly at a whole event'],
      ['SIGKILL', 'streams break off'],
    ] as [NodeJS.Signals, string][])(
      '[A9, A10] %s in the middle: %s, and after a restart go on without loss or repetition',
      async (signal) => {
        const created = await database.create();
        if (created !== undefined) ends.push(() => created.drop());
        const parley = await startParley({
          // A short drain, so that the task is cut off in its middle; a short lease, so that it is soon taken up again.
          config: 'server: { drainMs: 200 }\ntasks: { leaseTtlMs: 1000 }\nstreams: { heartbeatMs: 1000 }\n',
          ...(created === undefined ? {} : { databaseUrl: created.url }),
        });
        ends.push(() => parley.destroy());
        const caller = callerOf(parley, (await issueKey(parley)).key);
        const taskId = taskIdOf(
          await ask(caller, 'SendMessage', REST, {
            text: `/stream count=${TICKS} interval=40`,
            returnImmediately: true,
          }),
        );

        /** Everything after `lastEventId`, and whether the stream ended in order. */
        async function follow(form: Form, lastEventId: number | undefined): Promise<[SseEvent[], boolean]> {
          const { method, path, body } = wireRequest('SubscribeToTask', form, { taskId });
          const stream = await openSse(`${caller.address}${path}`, {
            method: method === 'GET' ? 'GET' : 'POST',
            headers: headersOf(caller, form),
            ...(body === undefined ? {} : { body }),
            ...(lastEventId === undefined ? {} : { lastEventId: String(lastEventId) }),
          });
          expect(stream.status).toBe(200);
          const events: SseEvent[] = [];
          try {
            for await (const event of stream) events.push(event);
            return [events, true];
          } catch {
            return [events, false];
          }
        }

        const early = Promise.all(FORMS.map((form) => follow(form, 0)));
        await waitFor('some ticks', 20_000, async () => {
          const task = (await ask(caller, 'GetTask', REST, { taskId })).json;
          const parts = at(task, 'artifacts', 0, 'parts');
          return Array.isArray(parts) && parts.length >= 8;
        });
        parley.signal(signal);
        const status = await parley.exited();
        expect(status).toEqual(signal === 'SIGTERM' ? { code: 0, signal: null } : { code: null, signal });
        const before = await early;
        await parley.start();
        const after = await Promise.all(
          FORMS.map((form, index) => follow(form, Number(before[index]?.[0].at(-1)?.id ?? 0))),
        );

        for (const [index] of FORMS.entries()) {
          const [[first, endedInOrder], [second, endedAfter]] = [
            before[index] ?? [[], false],
            after[index] ?? [[], false],
          ];
          expect(endedInOrder).toBe(signal === 'SIGTERM');
          expect(endedAfter).toBe(true);
          expect(first.length).toBeGreaterThanOrEqual(8);
          expect(second.length).toBeGreaterThan(1);
          const ids = [...first, ...second].map(({ id }) => Number(id));
          expect(ids).toEqual(ids.map((_, position) => position + 1));
          const ticks = [...first, ...second].flatMap(({ data }) =>
            [...data.matchAll(/tick (\d+) t=/g)].map(([, tick]) => Number(tick)),
          );
          expect(ticks).toEqual(Array.from({ length: TICKS }, (_, tick) => tick));
        }
        const task = await ask(caller, 'GetTask', REST, { taskId });
        expect(stateOf(task)).toBe('TASK_STATE_COMPLETED');
        expect(at(task.json, 'artifacts', 0, 'parts', 'length')).toBe(TICKS);
        expect(at(task.json, 'artifacts', 'length')).toBe(1);
      },
    );
  });
}

test('[A9] what runs may end within the drain time, and its streams get all of it', async () => {
  const parley = await startParley({ config: 'server: { drainMs: 10000 }\n' });
  const caller = callerOf(parley, (await issueKey(parley)).key);
  const { path, body } = wireRequest('SendStreamingMessage', REST, { text: '/stream count=20 interval=40' });
  const stream = await openSse(`${caller.address}${path}`, { headers: headersOf(caller, REST), body: body ?? {} });
  const events: SseEvent[] = [];
  for await (const event of stream) {
    if (event.id === '4') parley.signal('SIGTERM');
    events.push(event);
  }
  expect(events.map(({ id }) => Number(id))).toEqual(Array.from({ length: 23 }, (_, index) => index + 1));
  expect(await parley.exited()).toEqual({ code: 0, signal: null });
  await parley.destroy();
});
