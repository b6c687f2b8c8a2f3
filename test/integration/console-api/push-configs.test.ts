/** Push configurations through the management API: the rules, checks and secrets of the operations of A2A. */
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type PushConfigList,
  pushConfigListSchema,
  pushConfigSchema,
} from '../../../src/http/admin/push-config-contract.ts';
import { DATABASES } from '../../support/databases.ts';
import { startReceiver } from '../../support/receiver.ts';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { ask, at, callerOf, issueKey, manage, REST, taskIdOf } from '../../support/wire-client.ts';

describe.each(DATABASES)('on $name', (under) => {
  describe.skipIf(under.skipped !== undefined)('push configurations', () => {
    let parley: ParleyProcess;
    let ann: { key: string; ownerId: string };
    let bob: { key: string };
    let taskId: string;
    const path = () => `/api/v1/tasks/${taskId}/push-configs`;
    const list = async (key = ann.key): Promise<PushConfigList> => {
      const { status, json } = await manage(parley, 'GET', path(), { key });
      expect(status).toBe(200);
      return pushConfigListSchema.parse(json);
    };

    beforeAll(async () => {
      const database = await under.create();
      parley = await startParley({
        config: 'push: { allowNetworks: [127.0.0.0/8] }\n',
        ...(database === undefined ? {} : { databaseUrl: database.url }),
      });
      [ann, bob] = await Promise.all([issueKey(parley, { name: 'ann' }), issueKey(parley, { name: 'bob' })]);
      taskId = taskIdOf(await ask(callerOf(parley, ann.key), 'SendMessage', REST, { text: '/ask Which city?' }));
    });

    test('[A11][A12] what is made here is sent to, with its secrets, which no answer shows', async () => {
      const receiver = await startReceiver();
      const body = {
        url: receiver.url('/private-path'),
        token: 'a-token',
        authentication: { scheme: 'Bearer', credentials: 'some-credentials' },
      };
      const made = await manage(parley, 'POST', path(), { key: ann.key, body });
      expect([made.status, pushConfigSchema.safeParse(made.json).error]).toEqual([201, undefined]);
      expect(made.json).toMatchObject({ host: `127.0.0.1:${receiver.port}`, url: body.url, scheme: 'Bearer' });
      expect(await list()).toEqual({ configs: [made.json], nextPageToken: '' });
      // For who looks at another's task an address is a secret, too.
      const byAdmin = await list(parley.adminKey);
      expect(byAdmin.configs).toEqual([{ ...Object(made.json), url: null }]);
      for (const answer of [made.text, JSON.stringify(await list())]) {
        expect(answer).not.toMatch(/a-token|some-credentials/);
      }
      await manage(parley, 'POST', `/api/v1/tasks/${taskId}/messages`, {
        key: ann.key,
        body: { message: { parts: [{ text: '/ask And when?' }] }, mode: 'blocking' },
      });
      const [first] = await receiver.until(1);
      expect(first?.path).toBe('/private-path');
      expect(first?.headers).toMatchObject({
        'x-a2a-notification-token': 'a-token',
        authorization: 'Bearer some-credentials',
      });
      const id = String(at(made.json, 'id'));
      expect((await manage(parley, 'DELETE', `${path()}/${id}`, { key: ann.key })).status).toBe(204);
      expect((await list()).configs).toEqual([]);
      expect((await manage(parley, 'DELETE', `${path()}/${id}`, { key: ann.key })).status).toBe(204);
    });

    test('[A13] what may not be called is refused at its field, and nothing is stored', async () => {
      for (const [body, field] of [
        [{ url: 'not an address' }, 'url'],
        [{ url: 'ftp://receiver.example/x' }, 'url'],
        [{ url: 'https://10.1.2.3/hook' }, 'url'],
        [{ url: 'https://receiver.example/hook', token: 'two\nlines' }, 'token'],
        [{ url: 'https://receiver.example/hook', authentication: { scheme: 'no scheme' } }, 'authentication.scheme'],
        [{ url: 'https://receiver.example/hook', secret: 'x' }, 'secret'],
        [{}, 'url'],
      ] as const) {
        const { status, json } = await manage(parley, 'POST', path(), { key: ann.key, body });
        const fields = at(json, 'error', 'details');
        expect([body, status]).toEqual([body, 400]);
        expect(JSON.stringify(fields)).toContain(`"field":"${field}"`);
      }
      expect((await list()).configs).toEqual([]);
    });

    test("[A6] another's task is not found, by any method; the admin acts for its owner", async () => {
      const body = { id: 'of-the-admin', url: 'https://receiver.example/hook' };
      expect((await manage(parley, 'GET', path(), { key: bob.key })).status).toBe(404);
      expect((await manage(parley, 'POST', path(), { key: bob.key, body })).status).toBe(404);
      expect((await manage(parley, 'DELETE', `${path()}/x`, { key: bob.key })).status).toBe(404);
      expect((await manage(parley, 'POST', path(), { body })).status).toBe(201);
      // The owner has it, as if it had made it.
      const own = await ask(callerOf(parley, ann.key), 'ListTaskPushNotificationConfigs', REST, { taskId });
      expect(own.text).toContain('of-the-admin');
      const reader = await issueKey(parley, { ownerId: ann.ownerId, scopes: ['tasks:read'] });
      expect((await manage(parley, 'POST', path(), { key: reader.key, body })).status).toBe(403);
      expect((await manage(parley, 'DELETE', `${path()}/of-the-admin`, { key: reader.key })).status).toBe(403);
      expect((await list(reader.key)).configs).toMatchObject([{ id: 'of-the-admin' }]);
    });
  });
});
