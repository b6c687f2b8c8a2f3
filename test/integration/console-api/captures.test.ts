/** Captured frames are what went over the wire, in every binding and version, without the secrets in it. */
import { request } from 'undici';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type Capture,
  type CapturedFrame,
  type CapturedFramePage,
  capturedFramePageSchema,
  captureListSchema,
  captureSchema,
} from '../../../src/http/admin/capture-contract.ts';
import { DATABASES } from '../../support/databases.ts';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { waitFor } from '../../support/wait-for.ts';
import {
  ALL_FORMS,
  ask,
  at,
  callerOf,
  FORMS,
  headersOf,
  issueKey,
  JSON_RPC,
  manage,
  PUSH_CONFIG,
  REST,
  taskIdOf,
  wireRequest,
} from '../../support/wire-client.ts';

const KIB = 1024;

describe.each(DATABASES)('on $name', (under) => {
  describe.skipIf(under.skipped !== undefined)('captures', () => {
    let parley: ParleyProcess;
    let databaseUrl: string | undefined;
    let ann: { key: string; id: string; ownerId: string };
    let bob: { key: string; id: string };

    const start = async (body: object, key?: string): Promise<Capture> => {
      const answer = await manage(parley, 'POST', '/api/v1/captures', { body, ...(key === undefined ? {} : { key }) });
      expect([answer.status, captureSchema.safeParse(answer.json).error]).toEqual([201, undefined]);
      return answer.json as Capture;
    };
    const read = async (path: string, key = parley.adminKey): Promise<readonly CapturedFrame[]> => {
      const frames: CapturedFrame[] = [];
      for (let after: number | null = 0; after !== null; ) {
        const { status, json } = await manage(parley, 'GET', `${path}?limit=3&after=${after}`, { key });
        expect([path, status, capturedFramePageSchema.safeParse(json).error]).toEqual([path, 200, undefined]);
        const page = json as CapturedFramePage;
        frames.push(...page.frames);
        after = page.nextAfter;
      }
      return frames;
    };
    const ofTask = (taskId: string, key?: string) => read(`/api/v1/tasks/${taskId}/captured-frames`, key);
    const end = (capture: Capture) => manage(parley, 'DELETE', `/api/v1/captures/${capture.id}`);

    beforeAll(async () => {
      databaseUrl = (await under.create())?.url;
      parley = await startParley({
        config: 'captures: { maxFrameBytes: 1024, maxActive: 3 }\npush: { allowNetworks: [127.0.0.0/8] }\n',
        ...(databaseUrl === undefined ? {} : { databaseUrl }),
      });
      [ann, bob] = await Promise.all([issueKey(parley, { name: 'ann' }), issueKey(parley, { name: 'bob' })]);
    });

    test.each(FORMS)(
      '[U1] $binding $version: byte by byte, in the order of the wire, with the head that was sent',
      async (form) => {
        const capture = await start({ agentId: 'echo', minutes: 5 });
        const caller = callerOf(parley, ann.key, { 'x-request-id': 'capture-1' });
        const { method, path, body } = wireRequest('SendStreamingMessage', form, { text: 'Grüße "x"' });
        const sent = JSON.stringify(body);
        const response = await request(`${caller.address}${path}`, {
          method,
          headers: { ...headersOf(caller, form), 'content-type': 'application/json' },
          body: sent,
        });
        const text = await response.body.text();
        expect((await end(capture)).status).toBe(204);
        const frames = await read(`/api/v1/captures/${capture.id}/frames`);
        const [asked, head, ...events] = frames;
        expect(asked).toMatchObject({
          direction: 'in',
          kind: 'request',
          line: `POST /a2a${path} HTTP/1.1`,
          body: sent,
          bodyBytes: Buffer.byteLength(sent),
          version: form.version,
          agentId: 'echo',
          keyId: ann.id,
          isCut: false,
          isDecoded: false,
        });
        expect(asked?.headers).toContainEqual(['a2a-version', form.version]);
        expect(asked?.headers).toContainEqual(['authorization', 'Bearer ***']);
        expect(head).toMatchObject({ direction: 'out', kind: 'response', line: 'HTTP/1.1 200 OK', body: '' });
        expect(Object.fromEntries(head?.headers.map(([name, value]) => [name.toLowerCase(), value]) ?? [])).toEqual(
          response.headers,
        );
        expect(events.map((event) => event.body).join('')).toBe(text.replaceAll(': \n\n', ''));
        expect(events.map(({ seq }) => seq)).toEqual(events.map((_event, index) => index + 1));
        expect(new Set(frames.map(({ exchangeId }) => exchangeId)).size).toBe(1);
        const [taskId] = new Set(frames.map((frame) => frame.taskId));
        expect(await ofTask(taskId ?? '', ann.key)).toEqual(frames);
      },
    );

    test('[U1] every call about a task is at its page, whatever the operation, the binding and the version', async () => {
      const capture = await start({ keyId: ann.id, minutes: 5 });
      const caller = callerOf(parley, ann.key);
      for (const form of ALL_FORMS) {
        const taskId = taskIdOf(await ask(caller, 'SendMessage', form, { text: '/ask Which city?' }));
        const operations = ['GetTask', 'SubscribeToTask', 'ListTaskPushNotificationConfigs', 'CancelTask'] as const;
        for (const operation of operations) await ask(caller, operation, form, { taskId });
        const found = await waitFor('all frames', 20_000, async () => {
          const frames = await ofTask(taskId);
          const requests = frames.filter(({ kind }) => kind === 'request');
          return requests.length === 5 && frames.length >= 10 && frames;
        });
        const transports = { 'JSON-RPC': 'JSONRPC', REST: 'HTTP+JSON', gRPC: 'GRPC' };
        expect(new Set(found.map(({ transport }) => transport))).toEqual(new Set([transports[form.binding]]));
        expect(found.every(({ isDecoded, body }) => body === '' || isDecoded === (form.binding === 'gRPC'))).toBe(true);
      }
      await end(capture);
    });

    test('[U1] gRPC: messages as JSON that say so, with their sizes, metadata and the end of the call', async () => {
      const capture = await start({ minutes: 5 });
      const form = { binding: 'gRPC', version: '1.0' } as const;
      const sent = await ask(callerOf(parley, ann.key), 'SendMessage', form, { text: 'by gRPC' });
      await ask(callerOf(parley, ann.key), 'GetTask', form, { taskId: 'no-such-task' });
      await end(capture);
      const frames = await read(`/api/v1/captures/${capture.id}/frames`);
      expect(frames.map(({ kind, line }) => [kind, line])).toEqual([
        ['request', 'POST /lf.a2a.v1.A2AService/SendMessage HTTP/2'],
        ['response', 'HTTP/2 200'],
        ['event', ''],
        ['end', 'grpc-status: 0 OK'],
        ['request', 'POST /lf.a2a.v1.A2AService/GetTask HTTP/2'],
        ['end', 'grpc-status: 5 NOT_FOUND'],
      ]);
      const [asked, , message] = frames;
      expect(JSON.parse(asked?.body ?? '')).toMatchObject({ message: { parts: [{ text: 'by gRPC' }] } });
      expect(asked).toMatchObject({ isDecoded: true });
      expect(asked?.bodyBytes).toBeLessThan(Buffer.byteLength(asked?.body ?? ''));
      expect(asked?.headers).toContainEqual(['authorization', 'Bearer ***']);
      expect(JSON.parse(message?.body ?? '')).toEqual(sent.json);
    });

    test('[A12] no secret is in a frame: neither of the caller nor of a receiver; what is too long is cut', async () => {
      const capture = await start({ agentId: 'echo', minutes: 5 });
      const secrets = { token: 'T0KEN-secret', credentials: 'CREDENTIALS-secret', path: 'PATH-secret' };
      for (const form of FORMS) {
        for (const headers of [
          { 'x-api-key': ann.key },
          { authorization: `Bearer ${ann.key}`, cookie: `a=${secrets.token}` },
        ]) {
          const { address } = callerOf(parley, undefined);
          const config = {
            url: `http://127.0.0.1:9/${secrets.path}`,
            token: secrets.token,
            authentication:
              form.version === '1.0'
                ? { scheme: 'Bearer', credentials: secrets.credentials }
                : { schemes: ['Bearer'], credentials: secrets.credentials },
          };
          const { method, path, body } = wireRequest('SendMessage', form, { text: `/ask ${'long '.repeat(KIB)}` });
          const configuration = {
            [form.version === '1.0' ? 'taskPushNotificationConfig' : 'pushNotificationConfig']: config,
          };
          const holder = at(body, 'params') ?? body;
          Object.assign(Object(holder), { configuration });
          const answer = await request(`${address}${path}`, {
            method,
            headers: { ...headers, 'a2a-version': form.version, 'content-type': 'application/json' },
            body: JSON.stringify({ ...body, ...(at(body, 'params') === undefined ? { configuration, ...body } : {}) }),
          });
          expect([form, answer.statusCode, (await answer.body.text()).includes('error')]).toEqual([form, 200, false]);
        }
      }
      await end(capture);
      const frames = await read(`/api/v1/captures/${capture.id}/frames`);
      expect(frames.length).toBe(2 * 2 * FORMS.length);
      const text = JSON.stringify(frames);
      for (const secret of [...Object.values(secrets), ann.key]) expect(text).not.toContain(secret);
      expect(frames.every(({ body, isCut, bodyBytes }) => isCut && body.length <= KIB + 20 && bodyBytes > KIB)).toBe(
        true,
      );
    });

    test('[A12] of the address of a receiver only the host is in a frame, in requests and in answers', async () => {
      const capture = await start({ keyId: ann.id, minutes: 5 });
      const caller = callerOf(parley, ann.key);
      for (const form of ALL_FORMS) {
        const taskId = taskIdOf(await ask(caller, 'SendMessage', form, { text: '/ask Which city?' }));
        const operations = [
          'CreateTaskPushNotificationConfig',
          'GetTaskPushNotificationConfig',
          'ListTaskPushNotificationConfigs',
        ] as const;
        for (const operation of operations) {
          const { json } = await ask(caller, operation, form, { taskId });
          expect([form, operation, JSON.stringify(json).includes(PUSH_CONFIG.url)]).toEqual([form, operation, true]);
        }
        await ask(caller, 'CancelTask', form, { taskId });
      }
      await end(capture);
      const frames = await read(`/api/v1/captures/${capture.id}/frames`);
      const { host, pathname } = new URL(PUSH_CONFIG.url);
      expect(frames.filter(({ body }) => body.includes(`https://${host}/***`)).length).toBe(4 * ALL_FORMS.length);
      expect(frames.filter(({ body }) => body.includes(`${host}${pathname}`))).toEqual([]);
    });

    test('[A6] a key captures its own calls only, and what the admin captures of others is not there for it', async () => {
      for (const [body, status] of [
        [{ minutes: 5, keyId: bob.id }, 403],
        [{ minutes: 5, agentId: 'nobody' }, 404],
        [{ minutes: 61 }, 400],
        [{ minutes: 0 }, 400],
        [{ minutes: 1, maxFrames: 0 }, 400],
        [{ minutes: 1, forever: true }, 400],
        [{}, 400],
      ] as const) {
        const answer = await manage(parley, 'POST', '/api/v1/captures', { key: ann.key, body });
        expect([body, answer.status]).toEqual([body, status]);
      }
      const [own, all] = [await start({ minutes: 5 }, ann.key), await start({ minutes: 5 })];
      expect([own.keyId, all.keyId]).toEqual([ann.id, null]);
      const anns = taskIdOf(await ask(callerOf(parley, ann.key), 'SendMessage', REST));
      const bobs = taskIdOf(await ask(callerOf(parley, bob.key), 'SendMessage', JSON_RPC));
      // Asked for by somebody else: that is no call about a task, as far as its owner can see.
      await ask(callerOf(parley, bob.key), 'GetTask', REST, { taskId: anns });
      const listed = await manage(parley, 'GET', '/api/v1/captures', { key: ann.key });
      expect(captureListSchema.parse(listed.json).captures.filter(({ endedAt }) => endedAt === null)).toMatchObject([
        { id: own.id },
      ]);
      const seen = await read(`/api/v1/captures/${own.id}/frames`, ann.key);
      expect(new Set(seen.map(({ keyId }) => keyId))).toEqual(new Set([ann.id]));
      expect((await ofTask(anns, ann.key)).map(({ keyId, kind }) => [keyId, kind])).toEqual([
        [ann.id, 'request'],
        [ann.id, 'response'],
      ]);
      expect((await ofTask(bobs)).map(({ kind }) => kind)).toEqual(['request', 'response']);
      for (const path of [`captures/${own.id}`, `captures/${own.id}/frames`, `tasks/${anns}/captured-frames`]) {
        expect([path, (await manage(parley, 'GET', `/api/v1/${path}`, { key: bob.key })).status]).toEqual([path, 404]);
      }
      expect((await manage(parley, 'DELETE', `/api/v1/captures/${all.id}`, { key: ann.key })).status).toBe(404);
      const third = await start({ minutes: 1 });
      const refused = await manage(parley, 'POST', '/api/v1/captures', { body: { minutes: 1 } });
      expect([refused.status, at(refused.json, 'error', 'message')]).toEqual([
        429,
        expect.stringContaining('captures.maxActive is 3'),
      ]);
      for (const capture of [own, all, third]) await end(capture);
    });

    test.skipIf(under.name === 'SQLite')(
      '[U1] a capture begun at one replica is honoured by another within seconds',
      async () => {
        const other = await startParley({ databaseUrl: databaseUrl ?? '' });
        const capture = await start({ minutes: 5 });
        const found = await waitFor('a captured call of the other replica', 20_000, async () => {
          await ask(callerOf(other, ann.key), 'SendMessage', REST);
          const frames = await read(`/api/v1/captures/${capture.id}/frames`);
          return frames.length > 0 && frames;
        });
        expect(found[0]).toMatchObject({ kind: 'request', keyId: ann.id });
        expect((await end(capture)).status).toBe(204);
      },
    );
  });
});
