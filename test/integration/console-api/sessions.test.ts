/** Sessions of people: what a cookie opens, what it does not, and when it ends. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { SessionList, WhoAmI } from '../../../src/http/admin/session-contract.ts';
import { type ConsoleAnswer, ConsoleClient, signedIn } from '../../support/console-client.ts';
import { type ParleyProcess, startParley } from '../../support/server.ts';
import { waitFor } from '../../support/wait-for.ts';
import { at, issueKey, manage } from '../../support/wire-client.ts';

let parley: ParleyProcess;
beforeAll(async () => {
  // Refusals are what is tested here, not how many of them an address gets.
  parley = await startParley({ config: 'rateLimit: { failedAuthPerMinute: 0 }\n' });
});

const reasonOf = ({ status, json }: ConsoleAnswer) => [status, at(json, 'error', 'details', 0, 'reason')];
const SIGNED_OUT = [401, 'UNAUTHENTICATED'];
const sessionsOf = async (client: ConsoleClient, query = '') =>
  ((await client.send('GET', `/api/v1/sessions${query}`)).json as SessionList).sessions;

describe('signing in', () => {
  test('[I12] gives a cookie that scripts cannot read and other sites cannot send', async () => {
    const client = new ConsoleClient(parley);
    const answer = await client.send('POST', '/api/v1/session', { body: { key: parley.adminKey } });
    expect(answer.status).toBe(201);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.headers['set-cookie']).toMatch(
      /^parley-session=[\w-]{43}; Path=\/; Max-Age=604800; HttpOnly; SameSite=Strict$/,
    );
    expect(answer.text).not.toContain(/=([\w-]{43})/.exec(String(answer.headers['set-cookie']))?.[1]);
  });

  test('[I12] by TLS the cookie is for this host only', async () => {
    const proxied = await startParley({ config: 'server: { behindTlsProxy: true }\n' });
    const client = new ConsoleClient(proxied);
    await client.signIn(proxied.adminKey);
    expect(client.cookie).toMatch(/^__Host-parley-session=/);
    const { headers } = await client.send('DELETE', '/api/v1/session');
    expect(headers['set-cookie']).toBe('__Host-parley-session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict; Secure');
    await proxied.stop();
  });

  test('[I12] who is told who it is, also where nobody is signed in', async () => {
    const nobody = await new ConsoleClient(parley).send('GET', '/api/v1/session');
    expect([nobody.status, nobody.json]).toEqual([
      200,
      { authentication: 'key', principal: null, session: null, csrfToken: null },
    ]);
    const { key, id, ownerId } = await issueKey(parley, { name: 'ann', scopes: ['tasks:read'], agents: ['echo'] });
    const ann = await signedIn(parley, key);
    const { json } = await ann.send('GET', '/api/v1/session', { headers: { 'user-agent': 'x' } });
    expect(json).toMatchObject({
      authentication: 'key',
      principal: {
        kind: 'key',
        name: 'ann',
        ownerId,
        keyId: id,
        scopes: ['tasks:read'],
        agents: ['echo'],
        isAdmin: false,
      },
      session: { id: ann.sessionId, kind: 'key', name: 'ann', ownerId, keyId: id, isCurrent: true },
      csrfToken: ann.csrfToken,
    });
    const byKey = await new ConsoleClient(parley).send('GET', '/api/v1/session', {
      headers: { authorization: `Bearer ${key}` },
    });
    expect(byKey.json).toMatchObject({ principal: { ownerId }, session: null, csrfToken: null });
  });

  test('[I12] takes the admin key and API keys in force, and nothing else', async () => {
    const { key, id } = await issueKey(parley);
    const token = at((await manage(parley, 'POST', '/v1/admin/token', { body: {} })).json, 'token');
    await manage(parley, 'PATCH', `/api/v1/keys/${id}`, { body: { disabled: true } });
    for (const wrong of ['wrong', String(token), key, `pk_${'A'.repeat(43)}`]) {
      const answer = await new ConsoleClient(parley).send('POST', '/api/v1/session', { body: { key: wrong } });
      expect([reasonOf(answer), answer.headers['set-cookie']]).toEqual([SIGNED_OUT, undefined]);
    }
    for (const body of [{}, { key: '' }, { key: 7 }, { key: parley.adminKey, extra: 1 }]) {
      expect((await new ConsoleClient(parley).send('POST', '/api/v1/session', { body })).status).toBe(400);
    }
  });

  test('[I12] a foreign page can neither sign its visitor in nor send a form to do it', async () => {
    const client = new ConsoleClient(parley);
    const body = { key: parley.adminKey };
    const foreign = await client.send('POST', '/api/v1/session', { body, headers: { origin: 'https://evil.example' } });
    expect(foreign.status).toBe(403);
    const form = await client.send('POST', '/api/v1/session', {
      body: JSON.stringify(body),
      headers: { 'content-type': 'text/plain' },
    });
    expect([form.status, form.headers['set-cookie']]).toEqual([400, undefined]);
  });

  test('[I12] the database files hold neither the cookie nor the CSRF token', async () => {
    const client = await signedIn(parley);
    const [, token = ''] = client.cookie.split('=');
    const files = readdirSync(parley.dataDir).filter((name) => name.startsWith('parley.sqlite'));
    const bytes = Buffer.concat(files.map((name) => readFileSync(join(parley.dataDir, name))));
    expect(bytes.includes(client.sessionId)).toBe(true);
    for (const secret of [token, client.csrfToken]) expect(bytes.includes(secret)).toBe(false);
  });

  test('[I12] failed attempts shut an address out, but no session that is in force, and ended sessions are no attempts', async () => {
    const strict = await startParley({ config: 'rateLimit: { failedAuthPerMinute: 3 }\n' });
    const { key } = await issueKey(strict);
    const client = await signedIn(strict, key);
    const ended = await signedIn(strict);
    await ended.send('DELETE', '/api/v1/session');
    for (let count = 0; count < 10; count++) {
      expect(reasonOf(await ended.send('GET', '/api/v1/tasks'))).toEqual(SIGNED_OUT);
    }
    const attempt = () => new ConsoleClient(strict).send('POST', '/api/v1/session', { body: { key: 'wrong' } });
    expect(reasonOf(await attempt())).toEqual(SIGNED_OUT);
    for (let count = 0; count < 2; count++) await attempt();
    expect((await attempt()).status).toBe(429);
    // Neither a session nor a key that is in force lets its holder try others.
    const guess = { body: { key: 'wrong' } };
    expect((await client.send('POST', '/api/v1/session', guess)).status).toBe(429);
    const held = { authorization: `Bearer ${key}` };
    expect((await client.send('POST', '/api/v1/session', { ...guess, headers: held })).status).toBe(429);
    expect((await client.send('GET', '/api/v1/session', { headers: held })).status).toBe(200);
    expect((await client.send('GET', '/api/v1/tasks')).status).toBe(200);
    await strict.stop();
  });
});

describe('a cookie', () => {
  test('[I12] opens the management API, and nothing else', async () => {
    const client = await signedIn(parley);
    expect((await client.send('GET', '/api/v1/keys')).status).toBe(200);
    for (const path of ['/a2a/tasks', '/a2a/agents/echo/tasks', '/v1/nothing', '/api/v1', '/api/v2/tasks']) {
      expect([path, (await client.send('GET', path)).status]).toEqual([path, 401]);
    }
    const rpc = { jsonrpc: '2.0', id: 1, method: 'ListTasks', params: {} };
    expect((await client.send('POST', '/a2a', { body: rpc, headers: { 'a2a-version': '1.0' } })).status).toBe(401);
  });

  test.each([
    ['as a page of this server sends it', {}, 201],
    ['without the CSRF token', { 'x-csrf-token': undefined }, 403],
    ['with a wrong CSRF token', { 'x-csrf-token': 'A'.repeat(43) }, 403],
    ['with an empty CSRF token', { 'x-csrf-token': '' }, 403],
    ['without an origin', { origin: undefined }, 403],
    ['from a foreign origin', { origin: 'https://evil.example' }, 403],
    ['from a page without an origin', { origin: 'null' }, 403],
    ['from the same host on another port', { origin: 'http://127.0.0.1:1' }, 403],
    ['from another site', { 'sec-fetch-site': 'cross-site' }, 401],
    ['from another port of this site', { 'sec-fetch-site': 'same-site' }, 401],
    ['without the cookie', { cookie: undefined }, 401],
    ['with a cookie that is none', { cookie: 'parley-session=x' }, 401],
    ['with a cookie of another name', { cookie: `session=${'A'.repeat(43)}` }, 401],
  ] as const)('[I12] changes something %s: %j gives %i', async (_how, headers, status) => {
    const client = await signedIn(parley);
    const body = { name: 'made by a page' };
    const before = (await client.send('GET', '/api/v1/keys?pageSize=200')).text;
    const answer = await client.send('POST', '/api/v1/keys', { body, headers });
    expect(answer.status).toBe(status);
    const isUnchanged = (await client.send('GET', '/api/v1/keys?pageSize=200')).text === before;
    expect(isUnchanged).toBe(status !== 201);
  });

  test("[I12] the CSRF token of one session does not fit another's", async () => {
    const [one, two] = [await signedIn(parley), await signedIn(parley)];
    const headers = { 'x-csrf-token': two.csrfToken };
    expect((await one.send('DELETE', '/api/v1/session', { headers })).status).toBe(403);
  });

  test('[I12] origins that may call the API with a key may not use its sessions', async () => {
    const other = await startParley({ config: 'server: { corsOrigins: [https://app.example] }\n' });
    const client = await signedIn(other);
    const headers = { origin: 'https://app.example', 'sec-fetch-site': undefined };
    const answer = await client.send('POST', '/api/v1/keys', { body: { name: 'x' }, headers });
    expect(answer.status).toBe(403);
    const read = await client.send('GET', '/api/v1/keys', { headers });
    expect(read.headers['access-control-allow-credentials']).toBeUndefined();
    await other.stop();
  });

  test('a key in a header counts, whatever cookie comes along', async () => {
    const client = await signedIn(parley);
    const { key } = await issueKey(parley);
    const answer = await client.send('GET', '/api/v1/keys', { headers: { authorization: `Bearer ${key}` } });
    expect(answer.status).toBe(403);
  });
});

describe('a session ends', () => {
  test('[I12] when its person signs out, at once, and no other with it', async () => {
    const [one, two] = [await signedIn(parley), await signedIn(parley)];
    expect((await one.send('DELETE', '/api/v1/session')).status).toBe(204);
    expect(reasonOf(await one.send('GET', '/api/v1/tasks'))).toEqual(SIGNED_OUT);
    expect((await one.send('GET', '/api/v1/session')).json).toMatchObject({ principal: null, session: null });
    expect((await two.send('GET', '/api/v1/tasks')).status).toBe(200);
  });

  test.each([
    ['revoked', (id: string) => manage(parley, 'DELETE', `/api/v1/keys/${id}`)],
    ['disabled', (id: string) => manage(parley, 'PATCH', `/api/v1/keys/${id}`, { body: { disabled: true } })],
    ['rotated', (id: string) => manage(parley, 'POST', `/api/v1/keys/${id}/rotate`, { body: {} })],
  ] as const)('[I12] when its key is %s', async (_how, end) => {
    const { key, id } = await issueKey(parley);
    const client = await signedIn(parley, key);
    expect((await client.send('GET', '/api/v1/tasks')).status).toBe(200);
    await end(id);
    expect(reasonOf(await client.send('GET', '/api/v1/tasks'))).toEqual(SIGNED_OUT);
  });

  test('[I12] when its key expires, and it can do no more than its key', async () => {
    const { key, id } = await issueKey(parley, { expiresAt: new Date(Date.now() + 1500).toISOString() });
    const client = await signedIn(parley, key);
    await manage(parley, 'PATCH', `/api/v1/keys/${id}`, { body: { scopes: ['tasks:write'] } });
    expect((await client.send('GET', '/api/v1/tasks')).status).toBe(403);
    await waitFor('the key to expire', 20_000, async () => {
      return (await client.send('GET', '/api/v1/tasks')).status === 401;
    });
  });

  test('[I12] of the admin, when the admin key is replaced', async () => {
    const own = await startParley({ env: { ADMIN_API_KEY: undefined } });
    const path = readdirSync(own.dataDir, { recursive: true })
      .map(String)
      .find((name) => name.endsWith('admin-key'));
    const file = join(own.dataDir, path ?? '');
    const client = await signedIn(own, readFileSync(file, 'utf8').trim());
    expect((await client.send('GET', '/api/v1/keys')).status).toBe(200);
    writeFileSync(file, 'Wn8cYt4vHg6xJd1mQs0z-Rp5');
    await waitFor(
      'the new key to be seen',
      20_000,
      async () => (await client.send('GET', '/api/v1/keys')).status === 401,
    );
    await own.stop();
  });

  test('[I12] not by a restart of the server', async () => {
    const own = await startParley();
    const client = await signedIn(own);
    await own.kill9();
    await own.start();
    expect((await client.send('GET', '/api/v1/session')).json).toMatchObject({ session: { id: client.sessionId } });
    await own.stop();
  });
});

describe('the list of sessions', () => {
  test("[I12] has one's own, by whichever key of the owner; each can be ended, and others' are not there", async () => {
    const first = await issueKey(parley);
    const second = await issueKey(parley, { ownerId: first.ownerId });
    const [one, two] = [await signedIn(parley, first.key), await signedIn(parley, second.key)];
    const stranger = await signedIn(parley, (await issueKey(parley)).key);
    expect((await sessionsOf(one)).map(({ id, isCurrent }) => [id, isCurrent])).toEqual([
      [two.sessionId, false],
      [one.sessionId, true],
    ]);
    const missing = await stranger.send('DELETE', `/api/v1/sessions/${one.sessionId}`);
    const none = await stranger.send('DELETE', `/api/v1/sessions/${'0'.repeat(36)}`);
    expect([missing.status, missing.text.replaceAll(one.sessionId, 'ID')]).toEqual([
      404,
      none.text.replaceAll('0'.repeat(36), 'ID'),
    ]);
    expect((await one.send('DELETE', `/api/v1/sessions/${two.sessionId}`)).status).toBe(204);
    expect(reasonOf(await two.send('GET', '/api/v1/tasks'))).toEqual(SIGNED_OUT);
    expect((await stranger.send('GET', '/api/v1/sessions?all=true')).status).toBe(403);
  });

  test('[I12] of everybody is for the admin, who may end any; sessions of dead keys are not in it', async () => {
    const { key, id } = await issueKey(parley);
    const dead = await issueKey(parley);
    const [person, ghost, admin] = [
      await signedIn(parley, key),
      await signedIn(parley, dead.key),
      await signedIn(parley),
    ];
    await manage(parley, 'DELETE', `/api/v1/keys/${dead.id}`);
    const ids = (await sessionsOf(admin, '?all=true')).map((session) => session.id);
    expect(ids).toContain(person.sessionId);
    expect(ids).not.toContain(ghost.sessionId);
    expect((await admin.send('DELETE', `/api/v1/sessions/${person.sessionId}`)).status).toBe(204);
    expect((await person.send('GET', '/api/v1/tasks')).status).toBe(401);
    expect((await manage(parley, 'GET', `/api/v1/keys/${id}`)).status).toBe(200);
  });

  test('[I12] is bounded: signing in once more ends the oldest', async () => {
    const own = await startParley({ config: 'sessions: { maxPerOwner: 2 }\n' });
    const clients = [await signedIn(own), await signedIn(own), await signedIn(own)];
    expect((await clients[0]?.send('GET', '/api/v1/tasks'))?.status).toBe(401);
    for (const client of clients.slice(1)) expect((await client.send('GET', '/api/v1/tasks')).status).toBe(200);
    await own.stop();
  });
});

test('[I12] without authentication nobody signs in, and the answer says so', async () => {
  const open = await startParley({ env: { AUTH: 'none', ADMIN_API_KEY: undefined } });
  const client = new ConsoleClient(open);
  const who = (await client.send('GET', '/api/v1/session')).json as WhoAmI;
  expect(who).toMatchObject({
    authentication: 'none',
    principal: { kind: 'anonymous', isAdmin: true },
    csrfToken: null,
  });
  expect((await client.send('POST', '/api/v1/session', { body: { key: 'x' } })).status).toBe(409);
  expect((await client.send('GET', '/api/v1/tasks')).status).toBe(200);
  const foreign = { origin: 'https://evil.example' };
  expect((await client.send('POST', '/api/v1/keys', { body: { name: 'x' }, headers: foreign })).status).toBe(403);
  await open.stop();
});
