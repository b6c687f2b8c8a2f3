/** Live streams: what one connection tells of the list and of the tasks that it follows, to whom, and when it ends. */
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { beforeAll, describe, expect, test } from 'vitest';
import { type LiveFrame, liveFrameSchemas, type TaskChange } from '../../../src/http/admin/live-contract.ts';
import { type ConsoleClient, signedIn } from '../../support/console-client.ts';
import { DATABASES } from '../../support/databases.ts';
import { residentBytes } from '../../support/memory.ts';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { openSse, type SseStream } from '../../support/sse.ts';
import { waitFor } from '../../support/wait-for.ts';
import { ask, callerOf, issueKey, manage, REST, taskIdOf } from '../../support/wire-client.ts';

const NO_TASK = '01900000-0000-7000-8000-000000000000';

type DataOf<Name extends LiveFrame['name']> = Extract<LiveFrame, { name: Name }>['data'];

/** Everything that a live stream has told so far. */
class Live {
  readonly frames: LiveFrame[] = [];
  hasEnded = false;
  readonly #stream: SseStream;

  private constructor(stream: SseStream) {
    this.#stream = stream;
    void this.#read();
  }

  static async open(url: string, headers: Record<string, string>, query = ''): Promise<Live> {
    const stream = await openSse(`${url}/api/v1/live${query}`, { headers });
    if (stream.status !== 200) throw new Error(`No live stream: ${stream.status} ${await stream.text()}`);
    const live = new Live(stream);
    await live.until('hello', () => live.of('hello').length > 0);
    return live;
  }

  async #read(): Promise<void> {
    for await (const { event, data } of this.#stream) {
      const name = event as LiveFrame['name'];
      this.frames.push({ name, data: liveFrameSchemas[name].parse(JSON.parse(data)) } as LiveFrame);
    }
    this.hasEnded = true;
  }

  of<Name extends LiveFrame['name']>(name: Name): DataOf<Name>[] {
    const isNamed = (frame: LiveFrame): frame is Extract<LiveFrame, { name: Name }> => frame.name === name;
    return this.frames.filter(isNamed).map(({ data }) => data as DataOf<Name>);
  }

  get id(): string {
    return this.of('hello')[0]?.liveId ?? '';
  }

  /** All changes told of a task, in order. */
  changesOf(taskId: string): TaskChange[] {
    return this.of('tasks').flatMap(({ changes }) => changes.filter(({ id }) => id === taskId));
  }

  seqsOf(taskId: string): number[] {
    return this.of('event').flatMap((event) => (event.taskId === taskId ? [event.seq] : []));
  }

  until(what: string, isThere: () => boolean): Promise<unknown> {
    return waitFor(what, 15_000, isThere);
  }

  close(): void {
    this.#stream.close();
  }
}

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);

describe.each(DATABASES)('on $name', (under) => {
  describe.skipIf(under.skipped !== undefined)('live streams', () => {
    let parley: ParleyProcess;
    /** Another replica where there can be one, else the same. */
    let elsewhere: ParleyProcess;
    let ann: { key: string; ownerId: string };
    let bob: { key: string };

    const begin = async (key: string, text: string, at: ParleyProcess = parley) =>
      taskIdOf(await ask(callerOf(at, key), 'SendMessage', REST, { text, returnImmediately: true }));
    const follow = (live: Live, body: object, key: string) =>
      manage(parley, 'POST', `/api/v1/live/${live.id}/tasks`, { body, key });

    beforeAll(async () => {
      const database = await under.create();
      const config =
        'live: { maxPerOwner: 3, maxTasks: 2 }\nrateLimit: { failedAuthPerMinute: 0 }\nstreams: { heartbeatMs: 1000 }\n';
      const options = {
        config,
        adminKey: 'live-admin-key-0123456789',
        ...(database ? { databaseUrl: database.url } : {}),
      };
      parley = await startParley(options);
      elsewhere = database === undefined ? parley : await startParley(options);
      [ann, bob] = await Promise.all([issueKey(parley, { name: 'ann' }), issueKey(parley, { name: 'bob' })]);
    });

    test("[U1] the list's changes come to who may see them, and to nobody else", async () => {
      const [owner, stranger, admin] = await Promise.all(
        [ann.key, bob.key, parley.adminKey].map((key) => Live.open(parley.url, bearer(key))),
      );
      const taskId = await begin(ann.key, '/ask Which "city"?', elsewhere);
      for (const live of [owner, admin]) {
        await live?.until('the change', () => live.changesOf(taskId).at(-1)?.state === 'TASK_STATE_INPUT_REQUIRED');
        expect(live?.changesOf(taskId).at(-1)).toMatchObject({
          agentId: 'echo',
          ownerId: ann.ownerId,
          seq: 2,
          statusText: 'Which "city"?',
        });
        expect(live?.changesOf(taskId).map(({ title }) => title)).toContain('/ask Which "city"?');
      }
      const own = await begin(bob.key, 'hello');
      await stranger?.until('its own change', () => stranger.changesOf(own).length > 0);
      expect(stranger?.changesOf(taskId)).toEqual([]);
      for (const live of [owner, stranger, admin]) live?.close();
    });

    test('[A9, U1] events of a followed task come once each and in order, over turns and reconnections, and end with it', async () => {
      const taskId = await begin(ann.key, '/ask Who?');
      const first = await Live.open(parley.url, bearer(ann.key), `?list=false&tasks=${taskId}:0`);
      await first.until('both events', () => first.seqsOf(taskId).length === 2);
      expect(first.seqsOf(taskId)).toEqual([1, 2]);
      expect(first.of('end')).toEqual([]);
      first.close();

      await ask(callerOf(elsewhere, ann.key), 'SendMessage', REST, { taskId, text: 'Ann' });
      const second = await Live.open(parley.url, bearer(ann.key), `?list=false&tasks=${taskId}:2`);
      await second.until('the end', () => second.of('end').length === 1);
      const last = second.of('end')[0]?.seq ?? 0;
      expect([...first.seqsOf(taskId), ...second.seqsOf(taskId)]).toEqual(upTo(last));
      expect(second.of('event').at(-1)).toMatchObject({ taskId, seq: last, kind: 'status' });
      const userMessages = second.of('event').flatMap(({ userMessage }) => userMessage?.parts ?? []);
      expect(userMessages).toEqual([{ text: 'Ann' }]);
      // The whole log again, after its end.
      expect((await follow(second, { add: [{ id: taskId, after: 0 }] }, ann.key)).status).toBe(204);
      await second.until('the second end', () => second.of('end').length === 2);
      expect(second.seqsOf(taskId).slice(-last)).toEqual(upTo(last));
      // Nothing is left to tell.
      await follow(second, { add: [{ id: taskId, after: last }] }, ann.key);
      await second.until('the third end', () => second.of('end').length === 3);
      expect(second.seqsOf(taskId)).toHaveLength(last - 2 + last);
      second.close();
    });

    test('[U1] a task that waits is followed into its next turn, also when another replica runs that', async () => {
      const taskId = await begin(ann.key, '/ask Who?');
      const live = await Live.open(parley.url, bearer(ann.key), `?tasks=${taskId}:0`);
      await live.until('the question', () => live.seqsOf(taskId).length === 2);
      await ask(callerOf(elsewhere, ann.key), 'SendMessage', REST, { taskId, text: 'Ann' });
      await live.until('the end', () => live.of('end').length === 1);
      expect(live.seqsOf(taskId)).toEqual(upTo(live.of('end')[0]?.seq ?? 0));
      live.close();
    });

    test("[A6, U1] another's task and none are refused alike; so is what is above the log, or too much", async () => {
      const taskId = await begin(ann.key, '/ask Who?');
      const live = await Live.open(parley.url, bearer(bob.key), `?list=false&tasks=${taskId}:0,${NO_TASK}:0`);
      await live.until('two refusals', () => live.of('refused').length === 2);
      const [first, second] = live.of('refused').toSorted((a) => (a.taskId === taskId ? -1 : 1));
      expect([first?.code, first?.message]).toEqual(['TASK_NOT_FOUND', second?.message]);
      expect(second?.code).toBe('TASK_NOT_FOUND');
      live.close();

      const own = await Live.open(parley.url, bearer(ann.key), '?list=false');
      await follow(own, { add: [{ id: taskId, after: 99 }] }, ann.key);
      await own.until('the refusal', () => own.of('refused').length === 1);
      expect(own.of('refused')[0]?.code).toBe('EVENT_ID_OUT_OF_RANGE');
      const others = await Promise.all(['/ask a', '/ask b'].map((text) => begin(ann.key, text)));
      const add = [taskId, ...others].map((id) => ({ id, after: 0 }));
      await follow(own, { add }, ann.key);
      await own.until('the refusal', () => own.of('refused').length === 2);
      expect(own.of('refused')[1]).toMatchObject({
        taskId: others[1],
        code: 'LIMIT_EXCEEDED',
        message: 'Too many followed tasks (live.maxTasks is 2)',
      });
      // Who is let go of makes room.
      await follow(own, { remove: [taskId], add: [{ id: others[1], after: 0 }] }, ann.key);
      await own.until('its events', () => own.seqsOf(others[1] ?? '').length === 2);
      own.close();
    });

    test('[A6] nobody but who opened a stream can change what it follows', async () => {
      const live = await Live.open(parley.url, bearer(ann.key));
      const second = await issueKey(parley, { ownerId: ann.ownerId });
      for (const key of [bob.key, second.key, parley.adminKey]) {
        const refused = await follow(live, { add: [] }, key);
        const none = await manage(parley, 'POST', `/api/v1/live/${NO_TASK}/tasks`, { body: { add: [] }, key });
        expect([refused.status, refused.text.replaceAll(live.id, 'ID')]).toEqual([
          404,
          none.text.replaceAll(NO_TASK, 'ID'),
        ]);
      }
      expect((await follow(live, { add: [{ id: 'x' }] }, ann.key)).status).toBe(400);
      live.close();
    });

    test('streams are bounded per owner, and the refusal names the limit', async () => {
      const { key } = await issueKey(parley);
      const open = await Promise.all([1, 2, 3].map(() => Live.open(parley.url, bearer(key))));
      const refused = await openSse(`${parley.url}/api/v1/live`, { headers: bearer(key) });
      expect([refused.status, await refused.text()]).toEqual([429, expect.stringContaining('live.maxPerOwner is 3')]);
      for (const live of open) live.close();
      await waitFor('room again', 20_000, async () => {
        const again = await openSse(`${parley.url}/api/v1/live`, { headers: bearer(key) });
        again.close();
        return again.status === 200;
      });
    });

    test('[A9] a reader that takes nothing costs no memory, however often it asks to follow a task anew', async () => {
      const id = await begin(ann.key, 'x'.repeat(900_000));
      const answer = await new Promise<IncomingMessage>((resolve, reject) => {
        get(`${parley.url}/api/v1/live?list=false`, { headers: bearer(ann.key) }, resolve).on('error', reject);
      });
      await once(answer, 'readable');
      const [, liveId] = /"liveId":"([^"]+)"/.exec(String(answer.read())) ?? [];
      const again = { remove: [id], add: [{ id, after: 0 }] };
      const before = residentBytes(parley);
      for (const _ of upTo(150)) {
        const { status } = await manage(parley, 'POST', `/api/v1/live/${liveId}/tasks`, { body: again, key: ann.key });
        expect(status).toBe(204);
      }
      // All that was asked for is 270 MB.
      expect(residentBytes(parley) - before).toBeLessThan(100 * 2 ** 20);
      // Once it reads again, what it follows comes whole.
      let text = '';
      answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
      await waitFor('the end of the task', 20_000, () => text.endsWith('\n\n') && /event: end\n.*\n\n$/.test(text));
      expect(text).toContain('TASK_STATE_COMPLETED');
      answer.destroy();
    });

    test('a query that makes no sense is refused before the stream opens', async () => {
      for (const query of ['?list=maybe', '?tasks=abc', '?tasks=abc:x', '?tasks=abc:99999999', '?task=a:1']) {
        const answer = await openSse(`${parley.url}/api/v1/live${query}`, { headers: bearer(ann.key) });
        expect([query, answer.status]).toEqual([query, 400]);
        await answer.text();
      }
      const { key } = await issueKey(parley, { scopes: ['tasks:write'] });
      const refused = await openSse(`${parley.url}/api/v1/live`, { headers: bearer(key) });
      expect([refused.status, await refused.text()]).toEqual([403, expect.stringContaining('tasks:read')]);
    });

    test.each([
      ['the session is signed out', (client: ConsoleClient) => client.send('DELETE', '/api/v1/session')],
      [
        'its key is revoked',
        (_client: ConsoleClient, keyId: string) => manage(parley, 'DELETE', `/api/v1/keys/${keyId}`),
      ],
    ] as const)('[I12] a stream ends when %s', async (_how, end) => {
      const { key, id } = await issueKey(parley);
      const client = await signedIn(parley, key);
      const live = await Live.open(parley.url, { cookie: client.cookie, 'sec-fetch-site': 'same-origin' });
      await end(client, id);
      await live.until('the end', () => live.hasEnded);
      expect(live.of('bye')).toEqual([{ reason: 'signed-out' }]);
    });

    test('[U1] a stream on which nothing happens says so, again and again', async () => {
      const live = await Live.open(parley.url, bearer(ann.key));
      await live.until('two beats', () => live.of('beat').length >= 2);
      expect(live.frames.map(({ name }) => name).filter((name) => name !== 'tasks')[0]).toBe('hello');
      live.close();
    });

    test('[A9] a stop of the server ends streams with a word, after which they resume elsewhere', async () => {
      const own = await startParley(under.name === 'SQLite' ? {} : { databaseUrl: (await under.create())?.url ?? '' });
      const { key } = await issueKey(own);
      const taskId = await begin(key, '/ask Who?', own);
      const live = await Live.open(own.url, bearer(key), `?tasks=${taskId}:0`);
      await live.until('both events', () => live.seqsOf(taskId).length === 2);
      await own.stop();
      await live.until('the end', () => live.hasEnded);
      expect(live.of('bye')).toEqual([{ reason: 'shutting-down' }]);
      await own.start();
      await ask(callerOf(own, key), 'SendMessage', REST, { taskId, text: 'Ann' });
      const again = await Live.open(own.url, bearer(key), `?tasks=${taskId}:2`);
      await again.until('the end', () => again.of('end').length === 1);
      expect([...live.seqsOf(taskId), ...again.seqsOf(taskId)]).toEqual(upTo(again.of('end')[0]?.seq ?? 0));
      again.close();
      await own.stop();
    });
  });
});
