/** The admin's key and token, and the management of API keys, over HTTP and a real database. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Fastify, { type FastifyInstance, type InjectOptions } from 'fastify';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type TurnedClock, turnedClock } from '../../../test/support/turned-clock.ts';
import { AdminTokens } from '../../core/access/admin-tokens.ts';
import { ApiKeyService } from '../../core/access/api-keys.ts';
import { Authenticator } from '../../core/access/authenticator.ts';
import { silentLogger } from '../../core/logger.ts';
import { systemIds } from '../../ops/runtime.ts';
import { AdminKeyFile } from '../../storage/admin-key-file.ts';
import { SqlApiKeyStore } from '../../storage/api-key-store.ts';
import { SqliteDatabase } from '../../storage/sqlite/database.ts';
import { sqliteKysely } from '../../storage/sqlite/kysely.ts';
import { migrate } from '../../storage/sqlite/migrate.ts';
import { gateHook } from '../authenticate.ts';
import { sendError } from '../errors.ts';
import { type IssuedKey, issuedKeySchema, type Key, type KeyList, keyListSchema, keySchema } from './contract.ts';
import { registerKeys } from './keys.ts';
import { registerAdminToken } from './token.ts';

const ADMIN_KEY = 'Vx3kPq9sTz7wLm2nRb5c';
const NEW_ADMIN_KEY = 'Wn8cYt4vHg6xJd1mQs0z';
let directory: string;
let adminKeyPath: string;
let clock: TurnedClock;
let database: SqliteDatabase;
let authenticator: Authenticator;
let adminAuth: string[];
let app: FastifyInstance;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'parley-admin-'));
  adminKeyPath = join(directory, 'admin-key');
  writeFileSync(adminKeyPath, ADMIN_KEY);
  clock = turnedClock();
  database = SqliteDatabase.open(join(directory, 'parley.sqlite'));
  migrate(database, () => new Date());
  adminAuth = [];
  const store = new SqlApiKeyStore(sqliteKysely(database));
  const log = silentLogger;
  const file = { path: adminKeyPath, create: false, problemOf: () => undefined };
  const adminKey = new AdminKeyFile({ ...file, randomBytes, clock, log });
  const adminTokens = new AdminTokens({ adminKey, clock, ids: systemIds });
  const metrics = { adminAuth: (result: string) => void adminAuth.push(result), keyAuth: () => {} };
  authenticator = new Authenticator({ mode: 'key', store, adminKey, adminTokens, clock, metrics, log });
  const onChanged = (keyId: string) => authenticator.forget(keyId);
  const keys = new ApiKeyService({ store, clock, ids: systemIds, randomBytes, onChanged });
  app = Fastify();
  app.decorateRequest('principal');
  app.addHook('onRequest', gateHook({ authenticator, requests: null, failures: null }, null));
  app.setErrorHandler((error, request, reply) => sendError(request, reply, error));
  registerAdminToken(app, { authenticator, adminTokens });
  registerKeys(app, { keys, clock });
  app.get('/whoami', (request) => ({ ownerId: request.principal.ownerId }));
});
afterEach(async () => {
  await app.close();
  database.close();
  rmSync(directory, { recursive: true, force: true });
});

interface Answer<T> {
  readonly status: number;
  readonly body: T;
  readonly headers: Readonly<Record<string, unknown>>;
}

async function call<T>(
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
  url: string,
  payload?: object,
  headers: Record<string, string> = { authorization: `Bearer ${ADMIN_KEY}` },
): Promise<Answer<T>> {
  const options: InjectOptions = { method, url, headers, ...(payload === undefined ? {} : { payload }) };
  const response = await app.inject(options);
  return {
    status: response.statusCode,
    body: (response.body === '' ? null : JSON.parse(response.body)) as T,
    headers: response.headers,
  };
}

interface ErrorBody {
  readonly error: { readonly status: string; readonly message: string; readonly details: readonly object[] };
}
const bearer = (credential: string) => ({ authorization: `Bearer ${credential}` });
const whoami = (credential: string) => call<{ ownerId: string }>('GET', '/whoami', undefined, bearer(credential));
const createKey = async (fields: object = {}) =>
  (await call<IssuedKey>('POST', '/api/v1/keys', { name: 'ci', ...fields })).body;
const exchange = async (key = ADMIN_KEY) =>
  (await call<{ token: string }>('POST', '/v1/admin/token', { api_key: key }, {})).body.token;

describe('POST /v1/admin/token', () => {
  test('[I1] exchanges the admin key, in the body or as Bearer or x-api-key, for a token of 900 seconds', async () => {
    for (const [payload, headers] of [
      [{ api_key: ADMIN_KEY }, {}],
      [undefined, bearer(ADMIN_KEY)],
      [{}, { 'x-api-key': ADMIN_KEY }],
    ] as const) {
      const { status, body, headers: answered } = await call('POST', '/v1/admin/token', payload, { ...headers });
      expect(status).toBe(200);
      expect(body).toEqual({ token: expect.stringMatching(/^eyJ[\w-]+\.[\w-]+\.[\w-]+$/), expires_in: 900 });
      expect(answered['cache-control']).toBe('no-store');
    }
    expect(adminAuth).toEqual(['success', 'success', 'success']);
  });

  test('[I1] the token opens the management API for 15 minutes; then 401, and the metric counts it', async () => {
    const token = await exchange();
    expect((await call('GET', '/api/v1/keys', undefined, bearer(token))).status).toBe(200);
    clock.turn(899_999);
    expect((await call('GET', '/api/v1/keys', undefined, bearer(token))).status).toBe(200);
    adminAuth.length = 0;
    clock.turn(1);
    const { status, body, headers } = await call<ErrorBody>('GET', '/api/v1/keys', undefined, bearer(token));
    expect([status, body.error.status, headers['www-authenticate']]).toEqual([401, 'UNAUTHENTICATED', 'Bearer']);
    expect(body.error.message).toMatch(/^The credential is not valid: /);
    expect(adminAuth).toEqual(['failure']);
  });

  test('[I1] a forged token is 401 and counted', async () => {
    const token = await exchange();
    adminAuth.length = 0;
    expect((await whoami(`${token.slice(0, -4)}AAAA`)).status).toBe(401);
    expect(adminAuth).toEqual(['failure']);
  });

  test('[I1] anything but the admin key is 401 and counted: a wrong key, none, a token, an API key of the admin', async () => {
    const { key } = await createKey({ scopes: ['admin'] });
    const token = await exchange();
    adminAuth.length = 0;
    for (const credential of ['wrong', token, key]) {
      const { status, body } = await call<ErrorBody>('POST', '/v1/admin/token', { api_key: credential }, {});
      expect([status, body.error.status]).toEqual([401, 'UNAUTHENTICATED']);
      expect(body.error.message).toMatch(/^The credential is not valid: /);
    }
    expect((await call('POST', '/v1/admin/token', undefined, {})).status).toBe(401);
    expect((await call('POST', '/v1/admin/token', {}, { authorization: 'Basic eDp5' })).status).toBe(401);
    expect(adminAuth).toEqual(Array.from({ length: 5 }, () => 'failure'));
  });

  test('[I1] a replaced key file works without a restart, and what the old key opened is closed', async () => {
    const token = await exchange();
    writeFileSync(adminKeyPath, NEW_ADMIN_KEY);
    clock.turn(1000);
    expect((await whoami(NEW_ADMIN_KEY)).status).toBe(200);
    expect((await whoami(ADMIN_KEY)).status).toBe(401);
    expect((await whoami(token)).status).toBe(401);
    expect((await whoami(await exchange(NEW_ADMIN_KEY))).status).toBe(200);
  });

  test('a field that is not known, or not text, is named', async () => {
    const { status, body } = await call<ErrorBody>('POST', '/v1/admin/token', { api_key: 1, apiKey: 'x' }, {});
    expect(status).toBe(400);
    expect(body.error.message).toBe('Invalid parameters: api_key: expected string, received number (and 1 more)');
    expect(body.error.details).toContainEqual(
      expect.objectContaining({
        fieldViolations: [
          { field: 'api_key', description: 'expected string, received number' },
          { field: 'apiKey', description: 'is no known field' },
        ],
      }),
    );
  });
});

describe('POST /api/v1/keys', () => {
  test('[I2] answers 201 with the key, this once; nothing else ever shows it', async () => {
    const { status, body, headers } = await call<IssuedKey>('POST', '/api/v1/keys', { name: 'ci' });
    expect([status, headers['cache-control'], headers['location']]).toEqual([
      201,
      'no-store',
      `/api/v1/keys/${body.id}`,
    ]);
    expect(issuedKeySchema.strict().parse(body)).toEqual(body);
    expect(body).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
      name: 'ci',
      ownerId: `key:${body.id}`,
      key: expect.stringMatching(/^pk_[\w-]{43}$/),
      prefix: body.key.slice(0, 8),
      scopes: ['tasks:read', 'tasks:write'],
      agents: null,
      status: 'active',
      disabled: false,
      createdAt: '2030-01-01T00:00:00.000Z',
      updatedAt: '2030-01-01T00:00:00.000Z',
      expiresAt: null,
      lastUsedAt: null,
      previousKeyExpiresAt: null,
    });
    const { key: _key, ...shown } = body;
    expect((await call('GET', `/api/v1/keys/${body.id}`)).body).toEqual(shown);
    expect((await call('GET', '/api/v1/keys')).body).toEqual({ keys: [shown], nextPageToken: '' });
    expect((await whoami(body.key)).body).toEqual({ ownerId: body.ownerId });
  });

  test('[I2] the database files hold no key, also after rotations', async () => {
    const { id, key } = await createKey();
    const { body } = await call<IssuedKey>('POST', `/api/v1/keys/${id}/rotate`, { graceSeconds: 60 });
    const files = readdirSync(directory).filter((name) => name.startsWith('parley.sqlite'));
    const bytes = Buffer.concat(files.map((name) => readFileSync(join(directory, name))));
    expect(bytes.includes(id)).toBe(true);
    for (const secret of [key, body.key]) {
      expect(bytes.includes(secret)).toBe(false);
      expect(bytes.includes(secret.slice(3))).toBe(false);
      expect(bytes.includes(Buffer.from(secret.slice(3), 'base64url'))).toBe(false);
    }
  });

  test('[I2] takes scopes, agents, expiry with any offset, and the owner of another key', async () => {
    const first = await createKey();
    const second = await createKey({
      name: 'second',
      scopes: ['tasks:read', 'tasks:read'],
      agents: ['echo', 'geo', 'echo'],
      expiresAt: '2030-01-01T02:00:00+01:00',
      ownerId: first.ownerId,
    });
    expect(second).toMatchObject({
      scopes: ['tasks:read'],
      agents: ['echo', 'geo'],
      expiresAt: '2030-01-01T01:00:00.000Z',
      ownerId: first.ownerId,
    });
    expect((await whoami(second.key)).body).toEqual({ ownerId: first.ownerId });
    clock.turn(3_600_000);
    expect((await whoami(second.key)).status).toBe(401);
    expect((await call<Key>('GET', `/api/v1/keys/${second.id}`)).body.status).toBe('expired');
  });

  test('names every field that is wrong, and makes nothing', async () => {
    for (const [payload, field, description] of [
      [{}, 'name', 'is required'],
      [{ name: '' }, 'name', 'must not be empty'],
      [{ name: 'x'.repeat(201) }, 'name', 'must have at most 200 characters'],
      [{ name: 'a\u001b[2J' }, 'name', 'must not contain control characters'],
      [{ name: ' x' }, 'name', 'must not begin or end with white space'],
      [
        { name: 'x', scopes: ['root'] },
        'scopes[0]',
        'must be one of tasks:read, tasks:write, admin; received string "root"',
      ],
      [{ name: 'x', scopes: [] }, 'scopes', 'must not be empty'],
      [{ name: 'x', agents: ['Echo!'] }, 'agents[0]', expect.stringMatching(/^must be an agent id/)],
      [{ name: 'x', expiresAt: 'tomorrow' }, 'expiresAt', expect.stringMatching(/^must be a date and time/)],
      [{ name: 'x', expiresAt: '2029-12-31T23:59:59Z' }, 'expiresAt', 'must be in the future'],
      [
        { name: 'x', ownerId: 'key:nobody' },
        'ownerId',
        expect.stringMatching(/^is no principal that has a key or a task/),
      ],
      [{ name: 'x', role: 'admin' }, 'role', 'is no known field'],
    ] as const) {
      const { status, body } = await call<ErrorBody>('POST', '/api/v1/keys', payload);
      expect([status, body.error.status]).toEqual([400, 'INVALID_ARGUMENT']);
      expect(body.error.details).toContainEqual(expect.objectContaining({ fieldViolations: [{ field, description }] }));
    }
    expect((await call('POST', '/api/v1/keys')).status).toBe(400);
    expect((await call<KeyList>('GET', '/api/v1/keys')).body.keys).toEqual([]);
  });
});

describe('GET /api/v1/keys', () => {
  test('pages through all keys, newest first, each once', async () => {
    const made: string[] = [];
    for (let count = 0; count < 7; count++) made.unshift((await createKey({ name: `key ${count}` })).id);
    const seen: string[] = [];
    let token = '';
    do {
      const { body } = await call<KeyList>('GET', `/api/v1/keys?pageSize=3&pageToken=${token}`);
      expect(keyListSchema.parse(body)).toEqual(body);
      expect(body.keys.length).toBeLessThanOrEqual(3);
      seen.push(...body.keys.map(({ id }) => id));
      token = body.nextPageToken;
    } while (token !== '');
    expect(seen).toEqual(made);
  });

  test('a page size or token that makes no sense is an error', async () => {
    for (const [query, field] of [
      ['pageSize=0', 'pageSize'],
      ['pageSize=201', 'pageSize'],
      ['pageSize=ten', 'pageSize'],
      ['pageToken=AAAA', 'pageToken'],
      ['page=2', 'page'],
    ] as const) {
      const { status, body } = await call<ErrorBody>('GET', `/api/v1/keys?${query}`);
      expect(status).toBe(400);
      expect(body.error.message).toContain(`Invalid parameters: ${field}: `);
    }
  });
});

describe('/api/v1/keys/{id}', () => {
  test('[I2] PATCH changes what it names; a disabled key is refused at once, and works again when enabled', async () => {
    const { id, key } = await createKey({ agents: ['echo'] });
    expect((await whoami(key)).status).toBe(200);
    const { status, body } = await call<Key>('PATCH', `/api/v1/keys/${id}`, { disabled: true, name: 'off' });
    expect(status).toBe(200);
    expect(keySchema.strict().parse(body)).toEqual(body);
    expect(body).toMatchObject({ status: 'disabled', disabled: true, name: 'off', agents: ['echo'] });
    expect((await whoami(key)).status).toBe(401);
    await call('PATCH', `/api/v1/keys/${id}`, { disabled: false, agents: null, expiresAt: '2030-01-02T00:00:00Z' });
    expect((await whoami(key)).status).toBe(200);
    expect((await call('GET', `/api/v1/keys/${id}`)).body).toMatchObject({
      status: 'active',
      agents: null,
      expiresAt: '2030-01-02T00:00:00.000Z',
    });
    const forever = await call('PATCH', `/api/v1/keys/${id}`, { expiresAt: null });
    expect(forever.body).toMatchObject({ expiresAt: null, name: 'off' });
  });

  test('PATCH without a field, with an owner, or with an unknown one is an error', async () => {
    const { id } = await createKey();
    for (const payload of [{}, { ownerId: 'admin' }, { key: 'x' }]) {
      expect((await call('PATCH', `/api/v1/keys/${id}`, payload)).status).toBe(400);
    }
  });

  test('[I2] DELETE revokes at once, and a second one finds nothing', async () => {
    const { id, key } = await createKey();
    expect((await whoami(key)).status).toBe(200);
    expect(await call('DELETE', `/api/v1/keys/${id}`)).toMatchObject({ status: 204, body: null });
    expect((await whoami(key)).status).toBe(401);
    const again = await call<ErrorBody>('DELETE', `/api/v1/keys/${id}`);
    expect([again.status, again.body.error.message]).toEqual([404, `There is no API key ${id}`]);
    for (const [method, path, payload] of [
      ['GET', '', undefined],
      ['PATCH', '', { name: 'x' }],
      ['POST', '/rotate', {}],
    ] as const) {
      expect((await call(method, `/api/v1/keys/${id}${path}`, payload)).status).toBe(404);
    }
  });

  test('[I2] rotate gives another key for the same principal; the old one stops at once or after its grace', async () => {
    const { id, key, ownerId } = await createKey();
    await whoami(key);
    const { status, body, headers } = await call<IssuedKey>('POST', `/api/v1/keys/${id}/rotate`);
    expect([status, headers['cache-control'], body.ownerId, body.previousKeyExpiresAt]).toEqual([
      200,
      'no-store',
      ownerId,
      null,
    ]);
    expect(body.key).not.toBe(key);
    expect((await whoami(key)).status).toBe(401);
    expect((await whoami(body.key)).body).toEqual({ ownerId });

    const graced = (await call<IssuedKey>('POST', `/api/v1/keys/${id}/rotate`, { graceSeconds: 60 })).body;
    expect(graced.previousKeyExpiresAt).toBe('2030-01-01T00:01:00.000Z');
    expect([(await whoami(body.key)).status, (await whoami(graced.key)).status]).toEqual([200, 200]);
    clock.turn(60_000);
    expect([(await whoami(body.key)).status, (await whoami(graced.key)).status]).toEqual([401, 200]);
    expect((await call<Key>('GET', `/api/v1/keys/${id}`)).body.previousKeyExpiresAt).toBeNull();
    expect((await call('POST', `/api/v1/keys/${id}/rotate`, { graceSeconds: -1 })).status).toBe(400);
  });

  test('[I2] when a key was last used is shown', async () => {
    const { id, key } = await createKey();
    clock.turn(5000);
    await whoami(key);
    await authenticator.stop();
    expect((await call<Key>('GET', `/api/v1/keys/${id}`)).body.lastUsedAt).toBe('2030-01-01T00:00:05.000Z');
  });
});

describe('who may manage keys', () => {
  const routes = [
    ['POST', '/api/v1/keys'],
    ['GET', '/api/v1/keys'],
    ['GET', '/api/v1/keys/x'],
    ['PATCH', '/api/v1/keys/x'],
    ['DELETE', '/api/v1/keys/x'],
    ['POST', '/api/v1/keys/x/rotate'],
  ] as const;

  test('[I2] without a credential every route is 401, with one that has not the scope admin 403, whether the key is there or not', async () => {
    const { key } = await createKey({ scopes: ['tasks:read', 'tasks:write'] });
    for (const [method, url] of routes) {
      const none = await call<ErrorBody>(method, url, undefined, {});
      expect([none.status, none.body.error.status]).toEqual([401, 'UNAUTHENTICATED']);
      const weak = await call<ErrorBody>(method, url, undefined, bearer(key));
      expect([weak.status, weak.body.error.status]).toEqual([403, 'PERMISSION_DENIED']);
      expect(weak.body.error.message).toMatch(/^This key has no scope admin, which key\.(read|write) needs$/);
    }
  });

  test('[I2] an API key with the scope admin may', async () => {
    const { key } = await createKey({ scopes: ['admin'] });
    expect((await call('POST', '/api/v1/keys', { name: 'by a key' }, { 'x-api-key': key })).status).toBe(201);
  });
});
