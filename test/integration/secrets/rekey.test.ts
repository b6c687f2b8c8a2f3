/** Encryption keys and signing keys of a whole server: given, lost, replaced while it runs, on both databases. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JSONWebKeySet } from 'jose';
import { afterEach, describe, expect, test } from 'vitest';
import { DATABASES } from '../../support/databases.ts';
import { runParley } from '../../support/program.ts';
import { type ParleyProcess, type StartOptions, startParley } from '../../support/server.ts';
import { http } from '../wire/wire.ts';

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

const jwksOf = async (parley: ParleyProcess) =>
  (await http(`${parley.url}/.well-known/jwks.json`)).json as JSONWebKeySet;
const kidsOf = async (parley: ParleyProcess) => (await jwksOf(parley)).keys.map(({ kid }) => kid);
const newKey = () => randomBytes(32).toString('base64');

describe.each(DATABASES)('on $name', (underTest) => {
  const { skipped } = underTest;
  async function started(options: StartOptions = {}): Promise<ParleyProcess> {
    const database = await underTest.create();
    const parley = await startParley({
      ...(database === undefined ? {} : { databaseUrl: database.url }),
      ...options,
      env: { ENCRYPTION_KEY: undefined, ...options.env },
    });
    cleanUps.push(async () => {
      await parley.destroy();
      await database?.drop();
    });
    return parley;
  }
  const cli = (parley: ParleyProcess, ...args: string[]) =>
    runParley(args, { cwd: parley.dataDir, env: parley.environment() });
  const keyFile = (parley: ParleyProcess) => join(parley.dataDir, 'data', 'encryption.key');

  test.skipIf(skipped !== undefined)(
    '[A12] the runbook: a new key in the file, a restart, parley rekey, and the old key may go',
    async () => {
      const parley = await started();
      const file = keyFile(parley);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      const kids = await kidsOf(parley);
      writeFileSync(file, `${newKey()}\n${readFileSync(file, 'utf8')}`);
      await parley.restart();
      expect(await kidsOf(parley)).toEqual(kids);

      const before = await cli(parley, 'rekey', '--status', '--json');
      expect(JSON.parse(before.stdout)).toMatchObject({ remaining: 1, removable: [] });
      const done = await cli(parley, 'rekey');
      expect([done.code, done.stdout]).toEqual([0, expect.stringContaining('Sealed 1 secret(s) anew')]);
      expect(done.stdout).toMatch(/No longer needed, once all replicas say so: [0-9a-f]{16}\n/);
      const again = await cli(parley, 'rekey', '--json');
      expect([again.code, JSON.parse(again.stdout)]).toMatchObject([0, { rewritten: 0, remaining: 0 }]);

      const [first = ''] = readFileSync(file, 'utf8').split('\n');
      writeFileSync(file, `${first}\n`);
      await parley.restart();
      expect(await kidsOf(parley)).toEqual(kids);
      const rotated = await cli(parley, 'signing-keys', 'rotate', '--now', '--json');
      expect([rotated.code, JSON.parse(rotated.stdout)]).toMatchObject([0, { status: 'current' }]);
      expect(parley.output).not.toContain(first);
    },
  );

  test.skipIf(skipped !== undefined)(
    '[A12] without its key the server does not start, and the error says what to do',
    async () => {
      const key = newKey();
      const parley = await started({ env: { ENCRYPTION_KEY: key } });
      expect(existsSync(keyFile(parley))).toBe(false);
      await parley.stop();
      for (const env of [{ ...parley.environment(), ENCRYPTION_KEY: newKey() }, withoutKey(parley)]) {
        const { code, stdout } = await runParley(['serve'], { cwd: parley.dataDir, env });
        expect(code).toBe(1);
        expect(stdout).toMatch(/ENCRYPTION_KEY/);
        expect(stdout).toMatch(/secrets\.startWithoutKeys/);
        expect(stdout).not.toContain(key);
      }
      expect(existsSync(keyFile(parley))).toBe(false);
      await parley.start();
      expect((await jwksOf(parley)).keys).toHaveLength(1);
    },
  );

  test.skipIf(skipped !== undefined)(
    '[A12] with its key lost for good the server starts if that is said, works without the secrets, and makes new ones',
    async () => {
      const parley = await started({ env: { ENCRYPTION_KEY: newKey() } });
      const [lost = ''] = await kidsOf(parley);
      await parley.stop();
      const again = await startParley({
        config: 'secrets:\n  startWithoutKeys: true\n',
        env: { ENCRYPTION_KEY: newKey() },
        databaseUrl: parley.environment()['DATABASE_URL'] ?? '',
      });
      const card = async () => (await http(`${again.url}/.well-known/agent-card.json`)).json;
      expect(await card()).not.toHaveProperty('signatures');
      const run = (...args: string[]) =>
        runParley([...args, '--url', again.url], { cwd: again.dataDir, env: again.environment() });
      expect((await run('rekey', '--status')).stdout).toMatch(/MISSING +1\n/);
      expect((await run('rekey')).code).toBe(1);
      expect((await run('signing-keys', 'rotate', '--now')).code).toBe(0);
      expect((await run('signing-keys', 'retire', lost)).code).toBe(0);
      expect(await card()).toHaveProperty('signatures');
      const { code, stdout } = await run('rekey', '--status');
      expect([code, stdout]).toEqual([0, expect.not.stringContaining('MISSING')]);
      await again.destroy();
    },
  );

  test.skipIf(skipped !== undefined)('[A12] parley rekey works on the database when no server runs', async () => {
    const [old, key] = [newKey(), newKey()];
    const parley = await started({ env: { ENCRYPTION_KEY: old } });
    const kids = await kidsOf(parley);
    await parley.stop();
    const env = { ...parley.environment(), ENCRYPTION_KEY: key, ENCRYPTION_KEYS_PREVIOUS: old };
    const done = await runParley(['rekey', '--json'], { cwd: parley.dataDir, env });
    expect([done.code, JSON.parse(done.stdout)]).toMatchObject([0, { rewritten: 1, remaining: 0, failed: [] }]);
    const onlyNew = await runParley(['signing-keys', 'list', '--json'], {
      cwd: parley.dataDir,
      env: { ...parley.environment(), ENCRYPTION_KEY: key },
    });
    expect((JSON.parse(onlyNew.stdout) as { kid: string }[]).map(({ kid }) => kid)).toEqual(kids);
  });

  test.skipIf(skipped !== undefined)(
    '[A17] the public keys are served to anybody, with validators, and survive a kill -9',
    async () => {
      const parley = await started();
      const url = `${parley.url}/.well-known/jwks.json`;
      const { status, headers, json } = await http(url);
      expect([status, headers['content-type'], headers['cache-control']]).toEqual([
        200,
        'application/jwk-set+json',
        'public, max-age=300, must-revalidate',
      ]);
      expect((await http(url, { headers: { 'if-none-match': String(headers['etag']) } })).status).toBe(304);
      await parley.kill9();
      await parley.start();
      expect((await http(url)).json).toEqual(json);
      const listed = await cli(parley, 'signing-keys', 'list');
      expect(listed.stdout).toMatch(/^KEY .*\n[\w-]{43} +ES256 +current/);
      const kid = (await kidsOf(parley))[0] ?? '';
      const refused = await cli(parley, 'signing-keys', 'retire', kid);
      expect([refused.code, refused.stderr]).toEqual([
        1,
        expect.stringContaining('is the one that signs; rotate first'),
      ]);
    },
  );
});

test("[A12, A6] keys of the server are the admin's: other keys get 403, none 401", async () => {
  const parley = await startParley();
  const made = await http(`${parley.url}/api/v1/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${parley.adminKey}`, 'content-type': 'application/json' },
    body: '{"name":"plain"}',
  });
  const { key } = made.json as { key: string };
  for (const [method, path] of [
    ['GET', '/api/v1/encryption'],
    ['POST', '/api/v1/encryption/rekey'],
    ['GET', '/api/v1/signing-keys'],
    ['POST', '/api/v1/signing-keys/rotate'],
    ['POST', '/api/v1/signing-keys/x/retire'],
  ] as const) {
    expect([path, (await http(`${parley.url}${path}`, { method })).status]).toEqual([path, 401]);
    const answer = await http(`${parley.url}${path}`, { method, headers: { authorization: `Bearer ${key}` } });
    expect([path, answer.status]).toEqual([path, 403]);
  }
});

function withoutKey(parley: ParleyProcess): Record<string, string> {
  const { ENCRYPTION_KEY: _gone, ...rest } = parley.environment();
  return rest;
}
