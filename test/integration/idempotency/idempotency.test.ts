/** A send that is repeated joins the first one: by key and by message id, on both databases. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DATABASES } from '../../support/databases.ts';
import type { TestDatabase } from '../../support/postgres.ts';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { openSse } from '../../support/sse.ts';
import { waitFor } from '../../support/wait-for.ts';
import {
  ALL_FORMS,
  type Answer,
  ask,
  at,
  type Caller,
  callerOf,
  errorOf,
  issueKey,
  JSON_RPC,
  metricOf,
  REST,
  resultOf,
  stateOf,
  taskIdOf,
  wireRequest,
} from '../../support/wire-client.ts';

const withKey = (caller: Caller, idempotencyKey: string): Caller => ({
  ...caller,
  headers: { ...caller.headers, 'idempotency-key': idempotencyKey },
});

/** The texts of the user's messages, as the task tells its history. */
function said(task: unknown): unknown[] {
  const history = at(task, 'history');
  if (!Array.isArray(history)) return [];
  return history
    .filter((message) => at(message, 'role') === 'ROLE_USER')
    .map((message) => at(message, 'parts', 0, 'text'));
}

/** The texts of the first artifact, from a Task or from an update of one. */
function chunkTexts(holder: unknown): string[] {
  const parts = at(holder, 'artifacts', 0, 'parts') ?? at(holder, 'artifactUpdate', 'artifact', 'parts');
  return Array.isArray(parts) ? parts.map((part) => String(at(part, 'text'))) : [];
}

for (const database of DATABASES) {
  describe.skipIf(database.skipped !== undefined)(`on ${database.name}`, () => {
    let parley: ParleyProcess;
    let created: TestDatabase | undefined;

    beforeAll(async () => {
      created = await database.create();
      // A process that was killed is to be missed soon.
      const config = 'tasks: { leaseTtlMs: 1000 }\nrateLimit: { failedAuthPerMinute: 0 }\n';
      parley = await startParley({ config, ...(created === undefined ? {} : { databaseUrl: created.url }) });
    });
    afterAll(async () => {
      await parley?.destroy();
      await created?.drop();
    });

    const newOwner = async (): Promise<Caller> => callerOf(parley, (await issueKey(parley)).key);
    const send = (caller: Caller, fields: Parameters<typeof ask>[3] = {}, form = REST): Promise<Answer> =>
      ask(caller, 'SendMessage', form, fields);
    async function taskCount(caller: Caller): Promise<unknown> {
      return at(resultOf(await ask(caller, 'ListTasks', REST)), 'totalSize');
    }
    const taskOf = async (caller: Caller, taskId: string) => resultOf(await ask(caller, 'GetTask', REST, { taskId }));

    test('[A7] the same key and body, by every binding and version, streaming and not, is one task', async () => {
      const owner = await newOwner();
      const keyed = withKey(owner, 'order-1');
      const ids: string[] = [];
      for (const form of ALL_FORMS) {
        for (const operation of ['SendMessage', 'SendStreamingMessage'] as const) {
          const answer = await ask(keyed, operation, form, { messageId: 'message-1', text: 'a dozen' });
          expect(answer.status).toBe(200);
          ids.push(taskIdOf(answer));
        }
      }
      // The agent by its own address is the same agent.
      const named = { ...keyed, address: `${keyed.address}/agents/echo` };
      ids.push(taskIdOf(await send(named, { messageId: 'message-1', text: 'a dozen' })));
      expect(new Set(ids).size).toBe(1);
      expect(await taskCount(owner)).toBe(1);
      expect(said(await taskOf(owner, String(ids[0])))).toEqual(['a dozen']);
    });

    test('[A7] 50 sends at once, by all bindings and versions, make exactly one task, and all get it finished', async () => {
      const owner = await newOwner();
      const before = (await metricOf(parley, 'parley_sends_deduplicated_total')) ?? 0;
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          send(withKey(owner, 'burst'), { messageId: 'm', text: '/sleep 300' }, ALL_FORMS[index % ALL_FORMS.length]),
        ),
      );
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
      expect(new Set(answers.map(taskIdOf)).size).toBe(1);
      expect(new Set(answers.map(stateOf))).toEqual(new Set(['TASK_STATE_COMPLETED']));
      expect(await taskCount(owner)).toBe(1);
      expect(await metricOf(parley, 'parley_sends_deduplicated_total')).toBe(before + 49);
    });

    test('[A7] 50 streams opened at once make exactly one task, and each tells all of it', async () => {
      const owner = withKey(await newOwner(), 'burst');
      const { path, body } = wireRequest('SendStreamingMessage', REST, {
        messageId: 'm',
        text: '/stream count=5 interval=50',
      });
      const streams = await Promise.all(
        Array.from({ length: 50 }, async () => {
          const headers = { ...owner.headers, 'a2a-version': '1.0' };
          const stream = await openSse(`${owner.address}${path}`, { headers, body: body ?? {} });
          return (await stream.collect()).map(({ data }) => JSON.parse(data) as unknown);
        }),
      );
      const ids = new Set(streams.map((events) => at(events[0], 'task', 'id')));
      expect(ids.size).toBe(1);
      const [whole] = streams.map((events) =>
        events.flatMap((event) => [...chunkTexts(at(event, 'task')), ...chunkTexts(event)]),
      );
      expect(whole).toHaveLength(5);
      for (const events of streams) {
        const texts = events.flatMap((event) => [...chunkTexts(at(event, 'task')), ...chunkTexts(event)]);
        expect(texts).toEqual(whole);
        const last = events[events.length - 1];
        const state = at(last, 'statusUpdate', 'status', 'state') ?? at(last, 'task', 'status', 'state');
        expect(state).toBe('TASK_STATE_COMPLETED');
      }
    });

    test('[A7] after kill -9 and a restart the same key still means the same task', async () => {
      const owner = await newOwner();
      const first = await send(withKey(owner, 'durable'), { messageId: 'm-1', text: 'once' });
      await parley.kill9();
      await parley.start();
      const again = await send(withKey(owner, 'durable'), { messageId: 'm-1', text: 'once' }, JSON_RPC);
      expect(taskIdOf(again)).toBe(taskIdOf(first));
      expect(chunkTexts(resultOf(again))).toEqual(['once']);
      const other = await send(withKey(owner, 'durable'), { messageId: 'm-1', text: 'twice' });
      expect(errorOf(other)).toMatchObject({ status: 409, reason: 'IDEMPOTENCY_CONFLICT' });
      expect(await taskCount(owner)).toBe(1);
    });

    test('[A7] a send repeated after kill -9 in the middle of its task joins it and gets it finished', async () => {
      const owner = withKey(await newOwner(), 'broken');
      const fields = { messageId: 'm-1', text: '/stream count=8 interval=100' };
      const broken = send(owner, fields).catch(() => undefined);
      const taskId = await waitFor('the task to be there', 20_000, async () => {
        const [task] = (at(resultOf(await ask(owner, 'ListTasks', REST)), 'tasks') ?? []) as unknown[];
        return at(task, 'id') as string | undefined;
      });
      await parley.kill9();
      await broken;
      await parley.start();
      const again = await send(owner, fields);
      expect([taskIdOf(again), stateOf(again)]).toEqual([taskId, 'TASK_STATE_COMPLETED']);
      expect(chunkTexts(resultOf(again)).map((text) => text.split(' t=')[0])).toEqual(
        Array.from({ length: 8 }, (_, index) => `tick ${index}`),
      );
      expect(await taskCount(owner)).toBe(1);
    });

    test('[A7] 40 sends with keys of their own, cut off by kill -9 and all repeated, make exactly 40 tasks', async () => {
      const owner = await newOwner();
      const sends = () =>
        Array.from({ length: 40 }, (_, index) =>
          send(withKey(owner, `cut-${index}`), { messageId: `m-${index}`, text: `${index}` }),
        );
      const cut = sends();
      await Promise.race(cut);
      await parley.kill9();
      const answered = (await Promise.allSettled(cut)).flatMap((one) =>
        one.status === 'fulfilled' ? [one.value] : [],
      );
      await parley.start();
      const ids = (await Promise.all(sends())).map(taskIdOf);
      expect(new Set(ids).size).toBe(40);
      for (const answer of answered) expect(ids).toContain(taskIdOf(answer));
      expect(await taskCount(owner)).toBe(40);
    });

    test.each(ALL_FORMS)('[A7] by $binding $version the same key with another body is a conflict', async (form) => {
      const owner = withKey(await newOwner(), 'conflict');
      const first = await send(owner, { messageId: 'm-1', text: 'one' }, form);
      const expected = {
        REST: { status: 409, code: form.version === '1.0' ? 409 : -32602 },
        'JSON-RPC': { status: 409, code: -32602 },
        gRPC: { status: 6, code: 6 },
      }[form.binding];
      for (const operation of ['SendMessage', 'SendStreamingMessage'] as const) {
        const answer = await ask(owner, operation, form, { messageId: 'm-1', text: 'another' });
        expect(errorOf(answer)).toEqual({
          ...expected,
          reason: 'IDEMPOTENCY_CONFLICT',
          message: 'This Idempotency-Key was used before with another message',
        });
      }
      expect(await taskCount(owner)).toBe(1);
      expect(said(await taskOf(owner, taskIdOf(first)))).toEqual(['one']);
    });

    test('[A7] 20 bodies at once under one key: one task, and 19 conflicts', async () => {
      const owner = await newOwner();
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) => send(withKey(owner, 'race'), { messageId: 'm', text: `${index}` })),
      );
      const refused = answers.filter(({ status }) => status !== 200);
      expect(refused.map((answer) => errorOf(answer)?.reason)).toEqual(
        Array.from({ length: 19 }, () => 'IDEMPOTENCY_CONFLICT'),
      );
      expect(await taskCount(owner)).toBe(1);
    });

    test('[A7] the same key of another owner is another task', async () => {
      const [first, second] = [await newOwner(), await newOwner()];
      const fields = { messageId: 'm-1', text: 'mine' };
      const one = taskIdOf(await send(withKey(first, 'same'), fields));
      const two = taskIdOf(await send(withKey(second, 'same'), fields));
      expect(one).not.toBe(two);
      // And what the other one said first can be no conflict.
      expect((await send(withKey(second, 'first'), { messageId: 'm', text: 'a' })).status).toBe(200);
      expect((await send(withKey(first, 'first'), { messageId: 'm', text: 'b' })).status).toBe(200);
    });

    test('[A7] without a key a repeated message id joins, at once or later; with another body it is a new message', async () => {
      const owner = await newOwner();
      const fields = { messageId: 'mail-1', text: 'hello' };
      const burst = await Promise.all(ALL_FORMS.map((form) => send(owner, fields, form)));
      const later = await send(owner, fields);
      expect(new Set([...burst, later].map(taskIdOf)).size).toBe(1);
      const other = await send(owner, { messageId: 'mail-1', text: 'goodbye' });
      expect(other.status).toBe(200);
      expect(taskIdOf(other)).not.toBe(taskIdOf(later));
      // In another context it is another message too.
      const elsewhere = await send(owner, { ...fields, contextId: randomUUID() });
      expect(taskIdOf(elsewhere)).not.toBe(taskIdOf(later));
      expect(await taskCount(owner)).toBe(3);
    });

    test('[A7] without a key a repeated message id joins after kill -9 and a restart too', async () => {
      const owner = await newOwner();
      const fields = { messageId: 'mail-2', text: 'hello', contextId: 'thread-1' };
      const first = taskIdOf(await send(owner, fields));
      await parley.kill9();
      await parley.start();
      expect(taskIdOf(await send(owner, fields))).toBe(first);
    });

    test('[A7] joining a task that still runs waits until it is done, unless told to return at once', async () => {
      const owner = withKey(await newOwner(), 'slow');
      const fields = { messageId: 'm-1', text: '/sleep 1500' };
      const first = await send(owner, { ...fields, returnImmediately: true });
      const atOnce = await send(owner, { ...fields, returnImmediately: true });
      expect(['TASK_STATE_SUBMITTED', 'TASK_STATE_WORKING']).toContain(stateOf(atOnce));
      const joined = await Promise.all(ALL_FORMS.map((form) => send(owner, fields, form)));
      expect(joined.map(stateOf)).toEqual(joined.map(() => 'TASK_STATE_COMPLETED'));
      expect(new Set([first, atOnce, ...joined].map(taskIdOf)).size).toBe(1);
    });

    test('[A7] a stream that joins a running task begins with all that there is, then gets the rest without gap', async () => {
      const owner = withKey(await newOwner(), 'stream');
      const fields = { messageId: 'm-1', text: '/stream count=12 interval=60' };
      const first = await send(owner, { ...fields, returnImmediately: true });
      const { path, body } = wireRequest('SendStreamingMessage', REST, fields);
      const headers = { ...owner.headers, 'a2a-version': '1.0' };
      const open = () => openSse(`${owner.address}${path}`, { headers, body: body ?? {} });
      await waitFor('a few chunks', 20_000, async () => {
        return chunkTexts(await taskOf(owner, taskIdOf(first))).length >= 3;
      });
      const running = await (await open()).collect();
      const ended = await (await open()).collect();
      for (const events of [running, ended]) {
        const [head, ...rest] = events.map(({ data }) => JSON.parse(data) as unknown);
        const task = at(head, 'task');
        expect(at(task, 'id')).toBe(taskIdOf(first));
        const texts = [...chunkTexts(task), ...rest.flatMap(chunkTexts)].map((text) => text.split(' t=')[0]);
        expect(texts).toEqual(Array.from({ length: 12 }, (_, index) => `tick ${index}`));
        const ids = events.map(({ id }) => Number(id));
        expect(ids).toEqual(ids.map((_, index) => Number(ids[0]) + index));
      }
      expect(running.length).toBeGreaterThan(1);
      expect(ended).toHaveLength(1);
      expect(ended[0]?.id).toBe(running[running.length - 1]?.id);
    });

    test.each([
      ['message id', undefined],
      ['key', 'answer-1'],
    ])('[A7] an answer sent 10 times at once with one %s is one turn, and all get its result', async (_by, key) => {
      const owner = await newOwner();
      const taskId = taskIdOf(await send(owner, { text: '/ask Which city?' }));
      const keyed = key === undefined ? owner : withKey(owner, key);
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          send(keyed, { taskId, messageId: 'answer', text: 'Turku' }, ALL_FORMS[index % ALL_FORMS.length]),
        ),
      );
      expect(answers.map((answer) => [answer.status, stateOf(answer)])).toEqual(
        answers.map(() => [200, 'TASK_STATE_COMPLETED']),
      );
      expect(new Set(answers.map(taskIdOf))).toEqual(new Set([taskId]));
      expect(said(await taskOf(owner, taskId))).toEqual(['/ask Which city?', 'Turku']);
      // Also when it is long over; another message to an ended task is refused.
      expect(taskIdOf(await send(keyed, { taskId, messageId: 'answer', text: 'Turku' }))).toBe(taskId);
      const late = await send(owner, { taskId, messageId: 'late', text: 'Tampere' });
      expect(errorOf(late)).toMatchObject({ status: 400, reason: 'UNSUPPORTED_OPERATION' });
    });

    test('[A7] a key with no or too many characters is refused, and names the header', async () => {
      const owner = await newOwner();
      const answer = await send(withKey(owner, 'k'.repeat(256)));
      expect(errorOf(answer)).toMatchObject({
        status: 400,
        reason: 'INVALID_PARAMS',
        message: 'Invalid parameters: Idempotency-Key: must have 1 to 255 characters',
      });
      expect((await send(withKey(owner, 'k'.repeat(255)))).status).toBe(200);
      expect(await taskCount(owner)).toBe(1);
    });
  });
}

test('[A7] where message ids are configured not to count, each send is a task, and keys still join', async () => {
  const parley = await startParley({ config: 'idempotency: { messageIdWindowMinutes: 0 }\n' });
  const owner = callerOf(parley, (await issueKey(parley)).key);
  const fields = { messageId: 'm', text: 'same' };
  const ids = [
    taskIdOf(await ask(owner, 'SendMessage', REST, fields)),
    taskIdOf(await ask(owner, 'SendMessage', REST, fields)),
    taskIdOf(await ask(withKey(owner, 'k'), 'SendMessage', REST, fields)),
    taskIdOf(await ask(withKey(owner, 'k'), 'SendMessage', REST, fields)),
  ];
  expect(new Set(ids).size).toBe(3);
  expect(ids[2]).toBe(ids[3]);
  await parley.destroy();
});
