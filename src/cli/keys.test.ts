/** `parley keys`: through the running server, or on its database when none runs. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import Fastify from 'fastify';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fixedAdminKey } from '../core/access/admin-key.ts';
import { AdminTokens } from '../core/access/admin-tokens.ts';
import { ApiKeyService } from '../core/access/api-keys.ts';
import { Authenticator } from '../core/access/authenticator.ts';
import { NO_ACCESS_METRICS } from '../core/access/metrics.ts';
import { silentLogger } from '../core/logger.ts';
import type { IssuedKey, Key } from '../http/admin/contract.ts';
import { registerKeys } from '../http/admin/keys.ts';
import { gateHook } from '../http/authenticate.ts';
import { sendError } from '../http/errors.ts';
import { systemClock as clock, systemIds as ids } from '../ops/runtime.ts';
import { SqlApiKeyStore } from '../storage/api-key-store.ts';
import { SqliteDatabase } from '../storage/sqlite/database.ts';
import { sqliteKysely } from '../storage/sqlite/kysely.ts';
import { migrate } from '../storage/sqlite/migrate.ts';
import { registerKeyCommands } from './keys.ts';

const ADMIN_KEY = 'Vx3kPq9sTz7wLm2nRb5c';
const NOW = Date.parse('2030-01-01T00:00:00Z');
let cwd: string;
const stops: (() => Promise<void>)[] = [];
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'parley-cli-keys-'));
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  rmSync(cwd, { recursive: true, force: true });
});

async function run(args: string[], env: Record<string, string> = { ADMIN_API_KEY: ADMIN_KEY }) {
  const result = { out: '', err: '', exitCode: 0 };
  const program = new Command('parley').exitOverride().configureOutput({
    writeOut: (text) => void (result.out += text),
    writeErr: (text) => void (result.err += text),
  });
  const setExitCode = (code: number) => void (result.exitCode = code);
  registerKeyCommands(program, { env, cwd, setExitCode, now: () => NOW });
  await program.parseAsync(['keys', ...args], { from: 'user' });
  return result;
}

/** A port on which nobody listens: taken, and given back. */
async function freePort(): Promise<number> {
  const app = Fastify();
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  await app.close();
  return port;
}

function configure(port: number, extra = ''): void {
  writeFileSync(join(cwd, 'parley.yaml'), `server:\n  port: ${port}\n${extra}`);
}

/** A server of the database in `cwd`, as far as keys need one. */
async function startServer() {
  const database = SqliteDatabase.open(join(cwd, 'data', 'parley.sqlite'));
  database.lockForServer();
  migrate(database, () => new Date());
  const store = new SqlApiKeyStore(sqliteKysely(database));
  const adminKey = fixedAdminKey(ADMIN_KEY);
  const adminTokens = new AdminTokens({ adminKey, clock, ids });
  const log = silentLogger;
  const authenticator = new Authenticator({
    mode: 'key',
    store,
    adminKey,
    adminTokens,
    clock,
    metrics: NO_ACCESS_METRICS,
    log,
  });
  const onChanged = (keyId: string) => authenticator.forget(keyId);
  const app = Fastify();
  app.decorateRequest('principal');
  app.addHook('onRequest', gateHook({ authenticator, requests: null, failures: null }, null));
  app.setErrorHandler((error, request, reply) => sendError(request, reply, error));
  app.get('/healthz', { config: { isPublic: true } }, () => ({ ok: true }));
  registerKeys(app, { keys: new ApiKeyService({ store, clock, ids, randomBytes, onChanged }), clock });
  await app.listen({ port: 0, host: '127.0.0.1' });
  stops.push(async () => {
    await app.close();
    database.close();
  });
  const { port } = app.server.address() as AddressInfo;
  const isLetIn = async (key: string) => {
    try {
      await authenticator.authenticate(key);
      return true;
    } catch {
      return false;
    }
  };
  return { port, isLetIn };
}

const keyIn = (text: string) => /^ {2}(pk_[\w-]{43})$/m.exec(text)?.[1] ?? '';

describe('with a running server', () => {
  test('[I2] create, list, rotate and revoke go through the server and take effect at once', async () => {
    const { port, isLetIn } = await startServer();
    configure(port);
    const made = await run(['create', '--name', 'ci', '--agent', 'echo', '--scope', 'tasks:read', '--expires', '30d']);
    expect(made).toMatchObject({ err: '', exitCode: 0 });
    expect(made.out).toContain('This is the only time that the key is shown.');
    const key = keyIn(made.out);
    expect(made.out.split(key)).toHaveLength(2);
    expect(await isLetIn(key)).toBe(true);

    const list = await run(['list']);
    const [heading = '', row = ''] = list.out.split('\n');
    expect(heading).toMatch(/^ID +NAME +PREFIX +STATUS +SCOPES +AGENTS +EXPIRES +LAST USED +OWNER$/);
    const id = row.split(' ')[0] ?? '';
    expect(row).toMatch(
      new RegExp(
        `^${id}  ci    ${key.slice(0, 8)}  active  tasks:read  echo    2030-01-31T00:00:00.000Z  never      key:${id}$`,
      ),
    );
    expect(list.out).not.toContain(key);

    const rotated = await run(['rotate', id, '--grace', '1h']);
    expect(rotated.out).toMatch(/The old key works until 20\d\d-/);
    expect([await isLetIn(key), await isLetIn(keyIn(rotated.out))]).toEqual([true, true]);

    expect(await run(['revoke', id])).toEqual({ out: `Revoked the key ${id}.\n`, err: '', exitCode: 0 });
    expect([await isLetIn(key), await isLetIn(keyIn(rotated.out))]).toEqual([false, false]);
    expect(await run(['revoke', id])).toEqual({ out: '', err: `error: There is no API key ${id}\n`, exitCode: 1 });
  });

  test('[I1] without the right admin key it says where the key is taken from', async () => {
    const { port } = await startServer();
    configure(port);
    const { err, exitCode } = await run(['list'], { ADMIN_API_KEY: 'Wn8cYt4vHg6xJd1mQs0z' });
    expect(exitCode).toBe(1);
    expect(err).toMatch(
      /^error: The credential is not valid: .*ADMIN_API_KEY, ADMIN_API_KEY_FILE, or \S+\/admin-key\. .*http:\/\/127\.0\.0\.1:\d+/,
    );
  });

  test('[I1] the key of the first start is found in its file', async () => {
    const { port } = await startServer();
    configure(port);
    writeFileSync(join(cwd, 'data', 'admin-key'), `${ADMIN_KEY}\n`);
    expect(await run(['list'], {})).toMatchObject({ err: '', exitCode: 0 });
  });

  test('a server that listens elsewhere keeps its database to itself; --url names it', async () => {
    const { port } = await startServer();
    const other = await freePort();
    configure(other);
    expect(await run(['list'])).toEqual({
      out: '',
      err: `error: a Parley server is using the database, but it does not answer at http://127.0.0.1:${other}; name it with --url\n`,
      exitCode: 1,
    });
    expect(await run(['list', '--url', `http://127.0.0.1:${port}/`])).toMatchObject({ err: '', exitCode: 0 });
  });

  test('a server under another name than its address is reached by a name that it allows', async () => {
    const { port } = await startServer();
    configure(port, '  allowedHosts: [agents.example.com]\n');
    expect(await run(['list'])).toMatchObject({ err: '', exitCode: 0 });
  });
});

describe('without a server', () => {
  test('[I2] the same commands work on the database, before the first start too', async () => {
    configure(await freePort());
    expect((await run(['list'])).out).toBe('There are no API keys. `parley keys create --name NAME` makes one.\n');
    const made = JSON.parse((await run(['create', '--name', 'first', '--json'])).out) as IssuedKey;
    expect(made).toMatchObject({ name: 'first', ownerId: `key:${made.id}`, key: expect.stringMatching(/^pk_/) });
    await run(['create', '--name', 'second', '--owner', made.ownerId, '--expires', '2040-01-31']);
    const all = JSON.parse((await run(['list', '--json'])).out) as Key[];
    expect(all).toMatchObject([
      { name: 'second', ownerId: made.ownerId, expiresAt: '2040-01-31T00:00:00.000Z' },
      { name: 'first', expiresAt: null },
    ]);
    expect((await run(['show', made.id])).out).toMatch(/^id {9}[0-9a-f-]{36}\nname {7}first\n/);
    const rotated = JSON.parse((await run(['rotate', made.id, '--json'])).out) as IssuedKey;
    expect(rotated.key).not.toBe(made.key);
    expect(JSON.parse((await run(['revoke', made.id, '--json'])).out)).toEqual({ id: made.id, revoked: true });
    const { port, isLetIn } = await startServer();
    configure(port);
    expect([await isLetIn(made.key), await isLetIn(rotated.key)]).toEqual([false, false]);
    expect(existsSync(join(cwd, 'data', 'parley.sqlite'))).toBe(true);
  });

  test('a named server that does not answer is an error, not a reason to open the database', async () => {
    const port = await freePort();
    expect(await run(['list', '--url', `http://127.0.0.1:${port}`])).toEqual({
      out: '',
      err: `error: the server at http://127.0.0.1:${port} cannot be reached: ECONNREFUSED\n`,
      exitCode: 1,
    });
    expect(existsSync(join(cwd, 'data'))).toBe(false);
  });

  test('what is wrong with an argument is said, and nothing is made', async () => {
    configure(await freePort());
    for (const [args, why] of [
      [['--expires', 'soon'], '--expires must be a time such as 12h, 30d or 8w, or a date such as 2030-01-31 or'],
      [['--expires', '2001-01-01'], 'Invalid parameters: expiresAt: must be in the future'],
      [['--scope', 'root'], 'Invalid parameters: scopes[0]: must be one of tasks:read, tasks:write, admin'],
      [['--owner', 'key:nobody'], 'Invalid parameters: ownerId: is no principal that has a key or a task'],
    ] as const) {
      const { out, err, exitCode } = await run(['create', '--name', 'x', ...args]);
      expect([out, exitCode]).toEqual(['', 1]);
      expect(err).toContain(`error: ${why}`);
    }
    expect((await run(['list', '--json'])).out).toBe('[]\n');
    expect((await run(['rotate', 'x', '--grace', '1y'])).err).toContain('error: --grace must be a time such as');
    for (const url of ['localhost', 'http://%']) {
      expect((await run(['list', '--url', url])).err).toContain('error: --url must be an http or https URL');
    }
    expect((await run(['list'], { PORT: 'x' })).err).toContain('PORT (server.port) must be an integer');
  });

  test('[O14] the admin key goes to no other machine over plain http, unless that is asked for', async () => {
    for (const url of ['http://192.0.2.1:9', 'HTTP://parley.invalid']) {
      const { err, exitCode } = await run(['list', '--url', url]);
      expect([exitCode, err]).toEqual([1, expect.stringContaining(`--url ${url} would send the admin key over http`)]);
      expect(err).toContain('--plain-http');
    }
    // These are called: nobody listens there.
    for (const url of ['http://127.0.0.1:9', 'http://[::1]:9', 'https://localhost:9']) {
      expect((await run(['list', '--url', url])).err).toContain(`the server at ${url} cannot be reached`);
    }
    const asked = await run(['list', '--url', 'http://0.0.0.0:9', '--plain-http']);
    expect(asked.err).toContain('the server at http://0.0.0.0:9 cannot be reached');
  });
});
