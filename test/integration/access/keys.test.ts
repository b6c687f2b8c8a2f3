/** Credentials end to end over HTTP: from the admin key to the last use of an API key. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { IssuedKey } from '../../../src/http/admin/contract.ts';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { waitFor } from '../../support/wait-for.ts';
import {
  type Answer,
  ask,
  at,
  callerOf,
  errorOf,
  issueKey,
  manage,
  metricOf,
  REST,
  taskIdOf,
} from '../../support/wire-client.ts';

const directory = mkdtempSync(join(tmpdir(), 'parley-keys-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const tokenFor = (parley: ParleyProcess, adminKey: string): Promise<Answer> =>
  manage(parley, 'POST', '/v1/admin/token', { body: { api_key: adminKey }, key: 'not-the-admin-key' });

const refused = {
  status: 401,
  code: 401,
  reason: 'UNAUTHENTICATED',
  message: expect.stringMatching(/^The credential is not valid/),
};

test('[I1, I2] [SEC-4] admin key -> token -> key -> use -> rotate -> the old key is refused -> disable -> revoke', async () => {
  const parley = await startParley();
  const exchanged = await tokenFor(parley, parley.adminKey);
  expect([exchanged.status, at(exchanged.json, 'expires_in'), exchanged.headers['cache-control']]).toEqual([
    200,
    900,
    'no-store',
  ]);
  const token = String(at(exchanged.json, 'token'));
  const asAdmin = (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: object) =>
    manage(parley, method, path, { key: token, ...(body === undefined ? {} : { body }) });

  const made = await asAdmin('POST', '/api/v1/keys', { name: 'ci' });
  expect([made.status, made.headers['cache-control']]).toEqual([201, 'no-store']);
  const { id, key } = made.json as IssuedKey;
  const path = `/api/v1/keys/${id}`;
  expect(made.headers['location']).toBe(path);
  const use = (credential: string) => ask(callerOf(parley, credential), 'ListTasks', REST);
  const taskId = taskIdOf(await ask(callerOf(parley, key), 'SendMessage', REST));
  // Shown once: nothing that the API says later has it.
  for (const shown of [await asAdmin('GET', path), await asAdmin('GET', '/api/v1/keys')]) {
    expect(shown.status).toBe(200);
    expect(shown.text).toContain(id);
    expect(shown.text).not.toContain(key);
  }
  // A key without the scope manages nothing, not even itself.
  for (const [method, target] of [
    ['GET', '/api/v1/keys'],
    ['DELETE', path],
  ] as const) {
    expect(errorOf(await manage(parley, method, target, { key }))).toMatchObject({
      status: 403,
      reason: 'PERMISSION_DENIED',
    });
  }

  const rotated = (await asAdmin('POST', `${path}/rotate`, {})).json as IssuedKey;
  expect(rotated.key).not.toBe(key);
  expect(errorOf(await use(key))).toEqual(refused);
  // The principal is the same: its tasks are still its own.
  expect(taskIdOf(await ask(callerOf(parley, rotated.key), 'GetTask', REST, { taskId }))).toBe(taskId);

  const again = (await asAdmin('POST', `${path}/rotate`, { graceSeconds: 3600 })).json as IssuedKey;
  expect([(await use(rotated.key)).status, (await use(again.key)).status]).toEqual([200, 200]);

  expect((await asAdmin('PATCH', path, { disabled: true })).status).toBe(200);
  expect([errorOf(await use(rotated.key)), errorOf(await use(again.key))]).toEqual([refused, refused]);
  expect((await asAdmin('PATCH', path, { disabled: false })).status).toBe(200);
  expect((await use(again.key)).status).toBe(200);

  expect((await asAdmin('DELETE', path)).status).toBe(204);
  expect([errorOf(await use(rotated.key)), errorOf(await use(again.key))]).toEqual([refused, refused]);
  expect(errorOf(await asAdmin('GET', path))).toMatchObject({ status: 404, reason: 'NOT_FOUND' });
  // What it made is kept for its principal, not for the next key.
  const next = await issueKey(parley);
  expect(errorOf(await ask(callerOf(parley, next.key), 'GetTask', REST, { taskId }))?.reason).toBe('TASK_NOT_FOUND');

  // All of it also after a restart.
  await parley.restart();
  expect(errorOf(await use(again.key))).toEqual(refused);
  expect((await use(next.key)).status).toBe(200);
  expect((await asAdmin('GET', '/api/v1/keys')).status).toBe(200);
  await parley.destroy();
});

test('[I2] a key ends with its expiry and not before, and one that is extended goes on', async () => {
  const parley = await startParley();
  const expiresAtMs = Date.now() + 1500;
  const expiresAt = new Date(expiresAtMs).toISOString();
  const [ending, extended] = [await issueKey(parley, { expiresAt }), await issueKey(parley, { expiresAt })];
  const use = (key: string) => ask(callerOf(parley, key), 'ListTasks', REST);
  expect((await use(ending.key)).status).toBe(200);
  const later = { expiresAt: new Date(expiresAtMs + 3_600_000).toISOString() };
  expect((await manage(parley, 'PATCH', `/api/v1/keys/${extended.id}`, { body: later })).status).toBe(200);
  await waitFor('the key to expire', 20_000, () => Date.now() > expiresAtMs);
  expect(errorOf(await use(ending.key))).toEqual(refused);
  expect((await use(extended.key)).status).toBe(200);
  const shown = await manage(parley, 'GET', `/api/v1/keys/${ending.id}`);
  expect(at(shown.json, 'status')).toBe('expired');
  await parley.destroy();
});

test('[I1] a replaced admin key file works without a restart: the new key opens, the old one and its tokens do not', async () => {
  const file = join(directory, 'admin-key');
  const [oldKey, newKey] = ['old-admin-key-4f8a1c7e9b2d6035', 'new-admin-key-91d3b5f7a8c2e460'];
  writeFileSync(file, `${oldKey}\n`, { mode: 0o600 });
  const env = { ADMIN_API_KEY: undefined, ADMIN_API_KEY_FILE: file };
  const parley = await startParley({ env, adminKey: oldKey });
  const { key } = await issueKey(parley);
  const token = String(at((await tokenFor(parley, oldKey)).json, 'token'));
  const list = (credential: string) => manage(parley, 'GET', '/api/v1/keys', { key: credential });
  expect((await list(token)).status).toBe(200);

  // As secret stores replace files: written beside it, then renamed over it.
  writeFileSync(`${file}.next`, newKey, { mode: 0o600 });
  renameSync(`${file}.next`, file);
  await waitFor('the new key to be taken', 20_000, async () => (await list(newKey)).status === 200);
  expect(errorOf(await list(oldKey))).toEqual(refused);
  expect(errorOf(await list(token))).toEqual(refused);
  expect((await tokenFor(parley, oldKey)).status).toBe(401);
  expect((await list(String(at((await tokenFor(parley, newKey)).json, 'token')))).status).toBe(200);
  // API keys are no matter of it.
  expect((await ask(callerOf(parley, key), 'ListTasks', REST)).status).toBe(200);

  // A file that holds a weak key is not believed; the log says so, without the key.
  const weak = 'replace-with-strong-admin-api-key';
  writeFileSync(file, weak);
  await waitFor('the bad file to be noticed', 20_000, async () => {
    await list(newKey);
    return parley.output.includes('cannot be used; the key before it stays');
  });
  expect([(await list(newKey)).status, (await list(weak)).status]).toEqual([200, 401]);
  expect(parley.output).not.toContain(newKey);
  expect(parley.output).not.toContain(oldKey);
  expect(await metricOf(parley, 'admin_auth_total{result="failure"}')).toBeGreaterThan(0);
  await parley.destroy();
});
