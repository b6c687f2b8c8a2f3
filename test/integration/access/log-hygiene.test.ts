/** No secret that a whole run uses is ever in its log, not even at the most talkative level. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { request } from 'undici';
import { afterAll, describe, expect, test } from 'vitest';
import type { IssuedKey } from '../../../src/http/admin/contract.ts';
import { signedIn } from '../../support/console-client.ts';
import { DATABASES } from '../../support/databases.ts';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { ALL_FORMS, ask, at, callerOf, issueKey, manage, REST, taskIdOf } from '../../support/wire-client.ts';

/** Not in any log by chance, and none of the forms that a redaction could know. */
const secret = (what: string): string => `${what}-${randomBytes(12).toString('hex')}`;

/** Sends bytes as they are, and waits until the server has answered and closed. */
function sendRaw(parley: ParleyProcess, text: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(parley.ports.port, '127.0.0.1', () => socket.write(text));
    socket.resume();
    socket.on('error', () => undefined);
    socket.once('close', () => resolve());
  });
}

/** Every log file of a directory as text, compressed ones too. */
function filesIn(directory: string): string {
  return readdirSync(directory)
    .map((name) => readFileSync(join(directory, name)))
    .map((content) => (content[0] === 0x1f && content[1] === 0x8b ? gunzipSync(content) : content).toString())
    .join('\n');
}

for (const database of DATABASES) {
  describe.skipIf(database.skipped !== undefined)(`on ${database.name}`, () => {
    const ends: (() => Promise<void> | void)[] = [];
    afterAll(async () => {
      for (const end of ends.reverse()) await end();
    });

    test('[I1, I2, O4] [SEC-3] the log of a whole run at LOG_LEVEL=trace holds none of the secrets used in it', async () => {
      const logs = mkdtempSync(join(tmpdir(), 'parley-logs-'));
      ends.push(() => rmSync(logs, { recursive: true, force: true }));
      const secrets: Record<string, string> = {};
      const use = (name: string, value = secret(name)): string => {
        secrets[name] = value;
        return value;
      };
      const created = await database.create();
      if (created !== undefined) ends.push(() => created.drop());
      const databaseUrl = created === undefined ? undefined : new URL(created.url);
      // Where none is needed the server ignores it, which makes it no less of a secret.
      if (databaseUrl?.password === '') databaseUrl.password = use('database-password');
      const parley = await startParley({
        adminKey: use('admin-key'),
        env: {
          LOG_LEVEL: 'trace',
          LOG_DIR: logs,
          ENCRYPTION_KEY: use('encryption-key', randomBytes(32).toString('base64')),
          ENCRYPTION_KEYS_PREVIOUS: use('earlier-encryption-key', randomBytes(32).toString('hex')),
        },
        ...(databaseUrl === undefined ? {} : { databaseUrl: databaseUrl.href }),
      });
      ends.push(() => parley.destroy());

      // Keys and tokens, good and bad.
      const exchanged = await manage(parley, 'POST', '/v1/admin/token', { body: { api_key: parley.adminKey } });
      const token = use('admin-token', String(at(exchanged.json, 'token')));
      await manage(parley, 'POST', '/v1/admin/token', { body: { api_key: use('guessed-admin-key') } });
      await manage(parley, 'POST', '/v1/admin/token', { body: { apiKey: use('misnamed-admin-key') } });
      const first = await issueKey(parley);
      use('api-key', first.key);
      const rotated = await manage(parley, 'POST', `/api/v1/keys/${first.id}/rotate`, { key: token, body: {} });
      const key = use('rotated-key', (rotated.json as IssuedKey).key);
      await ask(callerOf(parley, first.key), 'ListTasks', REST);
      for (const form of ALL_FORMS) {
        await ask(callerOf(parley, use(`wrong-key-${form.binding}-${form.version}`)), 'GetTask', form, { taskId: 'x' });
        await ask(
          callerOf(
            parley,
            use(`unknown-${form.binding}-${form.version}`, `pk_${randomBytes(32).toString('base64url')}`),
          ),
          'GetTask',
          form,
        );
      }
      const odd: Record<string, string>[] = [
        { authorization: `Basic ${use('basic', Buffer.from(secret('user:password')).toString('base64'))}` },
        { authorization: use('bare-authorization') },
        { 'x-api-key': use('wrong-x-api-key') },
        { authorization: `Bearer ${key}`, cookie: `session=${use('cookie')}` },
        { authorization: `Bearer ${key}`, 'proxy-authorization': `Basic ${use('proxy')}` },
        { authorization: `Bearer ${key}`, 'x-request-id': `not valid ${use('request-id')}` },
      ];
      for (const headers of odd) await ask({ address: `${parley.url}/a2a`, headers }, 'ListTasks', REST);

      // Work, with idempotency keys and push credentials in every place that takes them.
      const caller = callerOf(parley, key, { 'idempotency-key': use('idempotency-key') });
      for (const form of ALL_FORMS) await ask(caller, 'SendMessage', form, { messageId: 'm', text: 'same' });
      await ask(caller, 'SendMessage', REST, { messageId: 'm', text: 'conflict' });
      await ask(
        { ...caller, headers: { ...caller.headers, 'idempotency-key': use('long-key', secret('k').repeat(12)) } },
        'SendMessage',
        REST,
      );
      const taskId = taskIdOf(await ask(callerOf(parley, key), 'SendMessage', REST, { text: '/ask Who?' }));
      const push = {
        url: `https://user:${use('push-url-password')}@receiver.example/hook?token=${use('push-url-token')}`,
        token: use('push-token'),
        authentication: { scheme: 'Bearer', credentials: use('push-credentials') },
      };
      const post = async (path: string, body: string, query = ''): Promise<number> => {
        const response = await request(`${parley.url}${path}${query}`, {
          method: 'POST',
          headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'a2a-version': '1.0' },
          body,
        });
        await response.body.dump();
        return response.statusCode;
      };
      const message = { messageId: 'm-2', role: 'ROLE_USER', parts: [{ text: 'hello' }] };
      const bodies: [string, object][] = [
        [`/a2a/tasks/${taskId}/pushNotificationConfigs`, push],
        ['/a2a/message:send', { message, configuration: { taskPushNotificationConfig: push } }],
        ['/a2a', { jsonrpc: '2.0', id: 1, method: 'CreateTaskPushNotificationConfig', params: { taskId, ...push } }],
      ];
      for (const [path, body] of bodies) {
        const whole = JSON.stringify(body);
        await post(path, whole);
        // Not JSON: cut off, and with a secret right where the parser stops.
        expect(await post(path, whole.slice(0, -3))).toBe(400);
        expect(await post(path, `{"token": ${use(`unquoted-in-${path.length}`)}}`)).toBe(400);
        // Not valid: of the wrong type, of the wrong name.
        await post(path, JSON.stringify({ ...body, url: 7, token: [use(`listed-in-${path.length}`)] }));
      }
      await post('/api/v1/keys', `{"name": ${use('unquoted-name')}}`);
      // Who puts secrets into a URL tells every proxy; our log at least does not repeat them.
      await post('/a2a/message:send', '{}', `?access_token=${use('query-token')}`);
      await post('/nowhere', '{}', `?api_key=${use('query-key')}`);

      // What no handler sees.
      const head = `Host: 127.0.0.1:${parley.ports.port}\r\nConnection: close\r\n`;
      await sendRaw(
        parley,
        `GET / HTTP/1.1\r\n${head}Authorization: Bearer ${use('flood')}\r\nx: ${'x'.repeat(40_000)}\r\n\r\n`,
      );
      await sendRaw(parley, `GET / HTTP/9.9\r\n${head}Authorization: Bearer ${use('bad-protocol')}\r\n\r\n`);
      await sendRaw(
        parley,
        `GET /a2a/tasks HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\nAuthorization: Bearer ${use('bad-host')}\r\n\r\n`,
      );

      // A session, and what guards it.
      const page = await signedIn(parley, key);
      use('session-cookie', page.cookie.split('=')[1] ?? '');
      use('csrf-token', page.csrfToken);
      await page.send('GET', '/api/v1/tasks');
      await page.send('POST', '/api/v1/tasks', { body: { agentId: 'echo', message: { parts: [{ text: 'hello' }] } } });
      await page.send('POST', '/api/v1/session', { body: { key: use('wrong-sign-in') } });
      await page.send('POST', '/api/v1/tasks', { headers: { 'x-csrf-token': use('wrong-csrf-token') } });
      await page.send('DELETE', '/api/v1/session');
      await page.send('GET', '/api/v1/tasks');

      // Keys of the server itself.
      await manage(parley, 'POST', '/api/v1/signing-keys/rotate', { body: { activateInSeconds: 0 } });
      await manage(parley, 'POST', '/api/v1/signing-keys/sign-card', { body: { card: { name: use('card') } } });
      await manage(parley, 'POST', '/api/v1/encryption/rekey', { body: {} });
      await ask(callerOf(parley, key), 'GetExtendedAgentCard', REST, {});

      await parley.restart();
      await ask(callerOf(parley, key), 'GetTask', REST, { taskId });
      await manage(parley, 'DELETE', `/api/v1/keys/${first.id}`);
      await ask(callerOf(parley, key), 'GetTask', REST, { taskId });
      expect(await parley.stop()).toMatchObject({ code: 0 });

      // The log says a lot, and of those who called not what they called with.
      const log = `${parley.output}\n${filesIn(logs)}`;
      expect(log).toContain('"level":"DEBUG"');
      expect(log).toContain('UNAUTHENTICATED');
      expect(log).toContain('IDEMPOTENCY_CONFLICT');
      expect(Object.keys(secrets).length).toBeGreaterThan(30);
      // As it is, as JSON or a URL would write it, and the part of it that a shortened text would show.
      const leaked = Object.entries(secrets).filter(([, value]) =>
        [value, encodeURIComponent(value), value.slice(0, 24), value.slice(-16)].some((form) => log.includes(form)),
      );
      expect(leaked.map(([name]) => name)).toEqual([]);
    });
  });
}
