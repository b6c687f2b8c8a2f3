/** Tasks through the management API: what lists, searches, details and actions give, and to whom. */
import { beforeAll, describe, expect, test } from 'vitest';
import {
  framePageSchema,
  sendAnswerSchema,
  type TaskDetail,
  type TaskEventPage,
  type TaskList,
  taskDetailSchema,
  taskEventPageSchema,
  taskListSchema,
} from '../../../src/http/admin/task-contract.ts';
import { DATABASES } from '../../support/databases.ts';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { waitFor } from '../../support/wait-for.ts';
import {
  type Answer,
  ask,
  at,
  callerOf,
  issueKey,
  JSON_RPC,
  manage,
  REST,
  taskIdOf,
} from '../../support/wire-client.ts';

const NO_TASK = '01900000-0000-7000-8000-000000000000';

describe.each(DATABASES)('on $name', (under) => {
  describe.skipIf(under.skipped !== undefined)('tasks', () => {
    let parley: ParleyProcess;
    let ann: { key: string; ownerId: string };
    let bob: { key: string; ownerId: string };
    const ids: Record<string, string> = {};

    const get = (path: string, key?: string) => manage(parley, 'GET', path, key === undefined ? {} : { key });
    const list = async (query: string, key?: string) => {
      const { status, json } = await get(`/api/v1/tasks${query}`, key);
      expect([query, status]).toEqual([query, 200]);
      expect(taskListSchema.parse(json)).toEqual(json);
      return json as TaskList;
    };
    const idsOf = ({ tasks }: TaskList) => tasks.map(({ id }) => id);
    const send = async (key: string, text: string, contextId?: string) =>
      taskIdOf(await ask(callerOf(parley, key), 'SendMessage', REST, { text, ...(contextId ? { contextId } : {}) }));

    beforeAll(async () => {
      const database = await under.create();
      parley = await startParley(database === undefined ? {} : { databaseUrl: database.url });
      [ann, bob] = await Promise.all([issueKey(parley, { name: 'ann' }), issueKey(parley, { name: 'bob' })]);
      ids['hello'] = await send(ann.key, 'Hello "world" \u{1f600}', 'shared');
      ids['failed'] = await send(ann.key, '/fail out of coffee', 'shared');
      ids['asking'] = await send(ann.key, '/ask Which city?');
      ids['bobs'] = await send(bob.key, 'hello from Bob', 'shared');
    });

    test("[U1] an owner lists its own, newest status first; the admin everybody's, with counts", async () => {
      const own = await list('', ann.key);
      expect(idsOf(own)).toEqual([ids['asking'], ids['failed'], ids['hello']]);
      expect(own.counts).toMatchObject({
        TASK_STATE_COMPLETED: 1,
        TASK_STATE_FAILED: 1,
        TASK_STATE_INPUT_REQUIRED: 1,
        TASK_STATE_WORKING: 0,
      });
      expect(own.tasks[1]).toMatchObject({
        agentId: 'echo',
        ownerId: ann.ownerId,
        contextId: 'shared',
        state: 'TASK_STATE_FAILED',
        title: '/fail out of coffee',
        statusText: 'out of coffee',
      });
      expect(idsOf(await list(''))).toEqual([ids['bobs'], ids['asking'], ids['failed'], ids['hello']]);
      expect(idsOf(await list(`?owner=${ann.ownerId}&state=TASK_STATE_FAILED,TASK_STATE_COMPLETED`))).toEqual([
        ids['failed'],
        ids['hello'],
      ]);
      expect(idsOf(await list('?context=shared'))).toEqual([ids['bobs'], ids['failed'], ids['hello']]);
      expect(idsOf(await list('?context=shared', bob.key))).toEqual([ids['bobs']]);
      expect(idsOf(await list('?agent=echo&before=2000-01-01T00:00:00Z'))).toEqual([]);
      expect(idsOf(await list(`?ids=${ids['hello']},${ids['bobs']},${NO_TASK}`, ann.key))).toEqual([ids['hello']]);
    });

    test('[U1] pages hold each task once', async () => {
      const seen: string[] = [];
      let token = '';
      do {
        const page = await list(`?pageSize=1&pageToken=${token}`);
        seen.push(...idsOf(page));
        token = page.nextPageToken;
      } while (token !== '');
      expect(seen).toEqual(idsOf(await list('')));
    });

    test('[U1] search finds texts whatever their case, and ids by their beginning, and says at how many it looked', async () => {
      const found = await list('?text=HELLO');
      expect([idsOf(found), found.searched]).toEqual([[ids['bobs'], ids['hello']], 4]);
      expect(idsOf(await list('?text=HELLO', bob.key))).toEqual([ids['bobs']]);
      expect(idsOf(await list(`?text=${encodeURIComponent('"world" \u{1f600}')}`))).toEqual([ids['hello']]);
      expect(idsOf(await list(`?text=${ids['hello']?.toUpperCase()}`, ann.key))).toEqual([ids['hello']]);
      expect(idsOf(await list(`?text=${ids['bobs']}`, ann.key))).toEqual([]);
      expect(idsOf(await list('?text=%25'))).toEqual([]);
      expect(idsOf(await list(`?text=${encodeURIComponent("' or 1=1 --")}`))).toEqual([]);
    });

    test('a condition that makes no sense is named', async () => {
      for (const [query, field] of [
        ['state=WORKING', 'state[0]'],
        ['agent=Echo!', 'agent[0]'],
        ['from=yesterday', 'from'],
        ['pageSize=0', 'pageSize'],
        ['pageSize=201', 'pageSize'],
        ['pageToken=AAAA', 'pageToken'],
        ['status=x', 'status'],
        [`ids=${NO_TASK}&owner=x`, 'owner'],
      ] as const) {
        const { status, json } = await get(`/api/v1/tasks?${query}`);
        expect([query, status, at(json, 'error', 'message')]).toEqual([
          query,
          400,
          expect.stringContaining(`${field}: `),
        ]);
      }
    });

    test('[U1] a task comes whole, with its diagnostics and the tasks of its context', async () => {
      const { json } = await get(`/api/v1/tasks/${ids['hello']}`, ann.key);
      expect(taskDetailSchema.parse(json)).toEqual(json);
      const { task, row, diagnostics } = json as TaskDetail;
      const { json: same } = await ask(callerOf(parley, ann.key), 'GetTask', JSON_RPC, { taskId: ids['hello'] ?? '' });
      expect(task).toEqual(at(same, 'result'));
      expect(row).toMatchObject({ id: ids['hello'], title: 'Hello "world" \u{1f600}' });
      expect(diagnostics).toMatchObject({
        firstSeq: 1,
        turnSeq: 1,
        leaseReplica: null,
        isLeaseHere: false,
        attempt: 1,
      });
      const related = await get(`/api/v1/tasks/${ids['hello']}/related`);
      expect(idsOf(related.json as TaskList)).toEqual([ids['failed'], ids['hello']]);
    });

    test('[U1] its events are the log, each with its time, page by page', async () => {
      const path = `/api/v1/tasks/${ids['asking']}/events`;
      const { json } = await get(path, ann.key);
      expect(taskEventPageSchema.parse(json)).toEqual(json);
      const { events, ...rest } = json as TaskEventPage;
      expect(rest).toEqual({ firstSeq: 1, lastSeq: 2, nextAfter: null });
      expect(events.map(({ seq, kind }) => [seq, kind])).toEqual([
        [1, 'task'],
        [2, 'status'],
      ]);
      for (const { at: time } of events) expect(Math.abs(Date.parse(time ?? '') - Date.now())).toBeLessThan(600_000);
      const first = (await get(`${path}?limit=1`, ann.key)).json as TaskEventPage;
      expect([first.events.length, first.nextAfter]).toEqual([1, 1]);
      const second = (await get(`${path}?limit=1&after=1`, ann.key)).json as TaskEventPage;
      expect([second.events[0], second.nextAfter]).toEqual([events[1], null]);
    });

    test('[U1] a long log comes whole, each event once, whatever the size of its pages', async () => {
      const id = await send(ann.key, '/stream count=60 interval=1');
      for (const limit of [1000, 20, 7]) {
        const seqs: number[] = [];
        for (let after: number | null = 0; after !== null; ) {
          const { json } = await get(`/api/v1/tasks/${id}/events?limit=${limit}&after=${after}`, ann.key);
          const page = json as TaskEventPage;
          seqs.push(...page.events.map(({ seq }) => seq));
          after = page.nextAfter;
        }
        expect(seqs.length).toBeGreaterThan(60);
        expect(seqs).toEqual(seqs.map((_seq, index) => index + 1));
      }
    });

    test.each([
      ['1.0', 'JSONRPC', 'SendStreamingMessage', '"statusUpdate"'],
      ['1.0', 'HTTP+JSON', '/message:stream', '"statusUpdate"'],
      ['0.3', 'JSONRPC', 'message/stream', '"kind":"status-update"'],
      ['0.3', 'HTTP+JSON', '/v1/message:stream', '"statusUpdate"'],
    ])('[U1] rebuilt frames of %s %s are what that wire has', async (version, binding, method, sign) => {
      const query = `?version=${version}&binding=${encodeURIComponent(binding)}`;
      const { json } = await get(`/api/v1/tasks/${ids['asking']}/frames${query}`, ann.key);
      const page = framePageSchema.parse(json);
      expect(page).toMatchObject({ origin: 'rebuilt', version, binding, nextAfter: null });
      const [request, response, ...events] = page.frames;
      expect([request?.direction, request?.kind]).toEqual(['in', 'request']);
      expect(`${request?.line} ${request?.body}`).toContain(method);
      expect(request?.headers).toContainEqual(['authorization', 'Bearer ***']);
      expect(response?.line).toBe('HTTP/1.1 200 OK');
      expect(events.map(({ seq }) => seq)).toEqual([1, 2]);
      expect(events[1]?.body).toMatch(/^id: 2\ndata: \{.*\}\n\n$/);
      expect(events[1]?.body).toContain(sign);
    });

    test('[U1] work is given, answered and canceled; the admin does so for the owner', async () => {
      const created = await manage(parley, 'POST', '/api/v1/tasks', {
        key: ann.key,
        body: { agentId: 'echo', message: { parts: [{ text: '/ask Who?' }], contextId: 'given' }, mode: 'blocking' },
      });
      expect(created.status).toBe(201);
      expect(sendAnswerSchema.parse(created.json)).toEqual(created.json);
      const id = String(at(created.json, 'task', 'id'));
      expect(at(created.json, 'task', 'status', 'state')).toBe('TASK_STATE_INPUT_REQUIRED');
      const answered = await manage(parley, 'POST', `/api/v1/tasks/${id}/messages`, {
        body: { message: { parts: [{ text: 'Ann' }] }, mode: 'blocking' },
      });
      expect([answered.status, at(answered.json, 'task', 'status', 'state')]).toEqual([200, 'TASK_STATE_COMPLETED']);
      expect(((await get(`/api/v1/tasks/${id}`)).json as TaskDetail).row.ownerId).toBe(ann.ownerId);

      const sleeping = await manage(parley, 'POST', '/api/v1/tasks', {
        key: ann.key,
        body: { agentId: 'echo', message: { parts: [{ text: '/sleep 600000' }] } },
      });
      const sleeper = String(at(sleeping.json, 'task', 'id'));
      const canceled = await manage(parley, 'POST', `/api/v1/tasks/${sleeper}/cancel`);
      expect([canceled.status, at(canceled.json, 'task', 'status', 'state')]).toEqual([200, 'TASK_STATE_CANCELED']);
      const again = await manage(parley, 'POST', `/api/v1/tasks/${sleeper}/cancel`);
      expect([again.status, at(again.json, 'error', 'details', 0, 'reason')]).toEqual([400, 'TASK_NOT_CANCELABLE']);
      await waitFor('the log to say who did it', 20_000, () => parley.output.includes('task-of-other-canceled'));
      expect(parley.output).toContain('task-of-other-answered');
      expect(parley.output).toContain('tasks-of-others-read');
    });

    test('an agent that is not there, and a message that is none, are refused', async () => {
      for (const [body, status] of [
        [{ agentId: 'nobody', message: { parts: [{ text: 'x' }] } }, 404],
        [{ agentId: 'echo', message: { parts: [] } }, 400],
        [{ agentId: 'echo', message: { parts: [{ text: 'x', url: 'https://a.example' }] } }, 400],
        [{ agentId: 'echo', message: { parts: [{ text: 'x' }], role: 'ROLE_AGENT' } }, 400],
        [{ agentId: 'echo', message: { parts: [{ text: 'x' }] }, mode: 'later' }, 400],
      ] as const) {
        expect((await manage(parley, 'POST', '/api/v1/tasks', { body })).status).toBe(status);
      }
    });

    describe("another's task and none", () => {
      const visible = ({ status, text, headers }: Answer, id: string) => {
        const { date: _date, 'x-request-id': _id, ...rest } = headers;
        return { status, text: text.replaceAll(id, 'TASK'), headers: rest };
      };
      const message = { message: { parts: [{ text: 'x' }] } };
      test.each([
        ['GET', '', undefined],
        ['GET', '/events', undefined],
        ['GET', '/frames', undefined],
        ['GET', '/related', undefined],
        ['POST', '/messages', message],
        ['POST', '/cancel', undefined],
      ] as const)('[A6] %s %s: the same bytes and headers', async (method, path, body) => {
        const options = { key: bob.key, ...(body === undefined ? {} : { body }) };
        const none = visible(await manage(parley, method, `/api/v1/tasks/${NO_TASK}${path}`, options), NO_TASK);
        expect(none.status).toBe(404);
        for (const id of [ids['hello'] ?? '', ids['asking'] ?? '']) {
          expect(visible(await manage(parley, method, `/api/v1/tasks/${id}${path}`, options), id)).toEqual(none);
        }
      });

      test('[A6] scopes and agents of a key hold: by scope, by agent, by owner', async () => {
        const { ownerId } = ann;
        const [reader, writer, elsewhere] = await Promise.all([
          issueKey(parley, { ownerId, scopes: ['tasks:read'] }),
          issueKey(parley, { ownerId, scopes: ['tasks:write'] }),
          issueKey(parley, { ownerId, agents: ['not-echo'] }),
        ]);
        const create = { agentId: 'echo', message: { parts: [{ text: 'x' }] } };
        const asking = `/api/v1/tasks/${ids['asking']}`;
        const outcomes = async (key: string) => [
          (await get('/api/v1/tasks', key)).status,
          (await get(asking, key)).status,
          (await get('/api/v1/overview', key)).status,
          (await get('/api/v1/agents/echo', key)).status,
          (await manage(parley, 'POST', '/api/v1/tasks', { key, body: create })).status,
          (await manage(parley, 'POST', `${asking}/messages`, { key, body: message })).status,
          (await get('/api/v1/settings', key)).status,
          (await get('/api/v1/health', key)).status,
        ];
        expect(await outcomes(reader.key)).toEqual([200, 200, 200, 200, 403, 403, 403, 403]);
        expect(await outcomes(writer.key)).toEqual([403, 403, 403, 403, 201, 403, 403, 403]);
        expect(await outcomes(elsewhere.key)).toEqual([200, 404, 200, 403, 403, 404, 403, 403]);
        expect(idsOf(await list('', elsewhere.key))).toEqual([]);
        expect((await get(`/api/v1/tasks?owner=${ownerId}`, bob.key)).status).toBe(403);
        expect((await get('/api/v1/tasks?agent=echo', elsewhere.key)).status).toBe(403);
        expect((await get('/api/v1/tasks', 'wrong')).status).toBe(401);
      });
    });
  });
});
