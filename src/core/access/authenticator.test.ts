/** Who is let in, what it costs, and how soon a change takes effect. */
import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { MemoryKeyStore } from '../../../test/support/memory-key-store.ts';
import { type TurnedClock, turnedClock } from '../../../test/support/turned-clock.ts';
import { AppError } from '../../protocol/errors.ts';
import { silentLogger } from '../logger.ts';
import type { AdminKeySource } from './admin-key.ts';
import { AdminTokens } from './admin-tokens.ts';
import { ApiKeyService, hashCredential } from './api-keys.ts';
import { Authenticator, type AuthenticatorOptions } from './authenticator.ts';
import { ADMIN, ANONYMOUS, type Principal } from './principal.ts';

const ADMIN_KEY = 'Vx3kPq9sTz7wLm2nRb5c';
const UNKNOWN_KEY = `pk_${'a'.repeat(43)}`;
const INVALID =
  'The credential is not valid: send an API key, the admin key or an admin token as `Authorization: Bearer <key>` or `x-api-key: <key>`';

let clock: TurnedClock;
let store: MemoryKeyStore;
let adminKey: { key: string } & AdminKeySource;
let adminTokens: AdminTokens;
let counted: string[];
let authenticator: Authenticator;
/** Changes keys in this process, and as another process would. */
let keys: ApiKeyService;
let elsewhere: ApiKeyService;

beforeEach(() => {
  let count = 0;
  const ids = { next: () => `id-${++count}` };
  clock = turnedClock();
  store = new MemoryKeyStore();
  adminKey = { key: ADMIN_KEY, current: () => adminKey.key };
  adminTokens = new AdminTokens({ adminKey, clock, ids });
  counted = [];
  authenticator = build();
  const service = (onChanged: (keyId: string) => void) =>
    new ApiKeyService({ store, clock, ids, randomBytes, onChanged });
  keys = service((keyId) => authenticator.forget(keyId));
  elsewhere = service(() => {});
});

function build(options: Partial<AuthenticatorOptions> = {}): Authenticator {
  const metrics = {
    adminAuth: (result: string) => void counted.push(`admin ${result}`),
    keyAuth: (result: string) => void counted.push(`key ${result}`),
  };
  return new Authenticator({
    mode: 'key',
    store,
    adminKey,
    adminTokens,
    clock,
    metrics,
    log: silentLogger,
    ...options,
  });
}

/** `ok`, or the error's code and message. */
async function attempt(credential: string | undefined): Promise<string> {
  try {
    await authenticator.authenticate(credential);
    return 'ok';
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return `${error.code} ${error.message}`;
  }
}
const REFUSED = `UNAUTHENTICATED ${INVALID}`;

describe('an admin of some agents only', () => {
  test('[I2] cannot be made: it could make itself a key for all', async () => {
    const refused = { code: 'INVALID_PARAMS', violations: [expect.objectContaining({ field: 'agents' })] };
    await expect(keys.create({ name: 'a', scopes: ['admin'], agents: ['echo'] })).rejects.toMatchObject(refused);
    const { record } = await keys.create({ name: 'b', scopes: ['tasks:read'], agents: ['echo'] });
    await expect(keys.update(record.id, { scopes: ['admin'] })).rejects.toMatchObject(refused);
    const { record: admin } = await keys.create({ name: 'c', scopes: ['admin'] });
    await expect(keys.update(admin.id, { agents: ['echo'] })).rejects.toMatchObject(refused);
    await expect(keys.update(record.id, { scopes: ['admin'], agents: null })).resolves.toMatchObject({ agents: null });
  });
});

describe('a second look at who was let in', () => {
  test('[I2] it gives the same verdict, and counts as no use of the key', async () => {
    const { record, key } = await keys.create({ name: 'ci' });
    const first = await authenticator.recheck(key);
    expect(await authenticator.recheck(key)).toBe(first);
    expect(counted).toEqual([]);
    await authenticator.stop();
    expect((await keys.get(record.id)).lastUsedAtMs).toBeNull();
    await keys.revoke(record.id);
    expect(() => authenticator.recheck('wrong')).toThrow(INVALID);
    await expect(async () => authenticator.recheck(key)).rejects.toThrow(INVALID);
    expect(counted).toEqual([]);
  });
});

describe('credentials', () => {
  test('[I2] an API key becomes its principal: owner, name, scopes, agents', async () => {
    const { record, key } = await keys.create({ name: 'ci', agents: ['echo'], scopes: ['tasks:read'] });
    const expected: Principal = {
      kind: 'key',
      ownerId: `key:${record.id}`,
      name: 'ci',
      keyId: record.id,
      scopes: new Set(['tasks:read'] as const),
      agents: new Set(['echo']),
    };
    expect(await authenticator.authenticate(key)).toEqual(expected);
    expect(counted).toEqual(['key success']);
  });

  test('[I1] the admin key opens as the admin, also when it has the form of an API key', async () => {
    expect(authenticator.authenticate(ADMIN_KEY)).toBe(ADMIN);
    adminKey.key = UNKNOWN_KEY;
    expect(authenticator.authenticate(UNKNOWN_KEY)).toBe(ADMIN);
    expect(await attempt(ADMIN_KEY)).toBe(REFUSED);
    expect(counted).toEqual(['admin success', 'admin success', 'admin failure']);
  });

  test('[I1] nothing but the exact admin key opens, and an empty one never does', async () => {
    for (const wrong of [
      ADMIN_KEY.slice(1),
      `${ADMIN_KEY}x`,
      ADMIN_KEY.toLowerCase(),
      ` ${ADMIN_KEY}`,
      '',
      'ä\u0000',
    ]) {
      expect(await attempt(wrong)).toBe(REFUSED);
    }
    adminKey.key = '';
    expect(await attempt('')).toBe(REFUSED);
  });

  test('no credential says how to authenticate', async () => {
    expect(await attempt(undefined)).toBe(
      'UNAUTHENTICATED Authentication is required: send an API key, the admin key or an admin token as `Authorization: Bearer <key>` or `x-api-key: <key>`',
    );
    expect(counted).toEqual(['key missing']);
  });

  test('[I2] unknown, revoked, disabled, expired and rotated keys get one and the same answer', async () => {
    const [revoked, disabled, expired, rotated] = await Promise.all(
      ['a', 'b', 'c', 'd'].map((name) => keys.create({ name, expiresAtMs: clock.now() + 1000 })),
    );
    if (!revoked || !disabled || !expired || !rotated) throw new Error('four keys');
    await keys.revoke(revoked.record.id);
    await keys.update(disabled.record.id, { disabled: true, expiresAtMs: null });
    await keys.rotate(rotated.record.id);
    clock.turn(1000);
    for (const key of [UNKNOWN_KEY, revoked.key, disabled.key, expired.key, rotated.key]) {
      expect(await attempt(key)).toBe(REFUSED);
      // Once more from memory.
      expect(await attempt(key)).toBe(REFUSED);
    }
    expect(counted).toEqual(Array.from({ length: 10 }, () => 'key failure'));
  });

  test('what has not the form of a key or token never reaches the database', async () => {
    for (const junk of [
      'x',
      'pk_short',
      `${UNKNOWN_KEY}a`,
      'a.b',
      "pk_' or 1=1 --".padEnd(46, 'x'),
      'e'.repeat(16_000),
    ]) {
      expect(await attempt(junk)).toBe(REFUSED);
    }
    expect(store.reads).toBe(0);
  });

  test('with authentication switched off everyone is anonymous', () => {
    const open = build({ mode: 'none' });
    expect(open.authenticate(undefined)).toBe(ANONYMOUS);
    expect(open.authenticate('anything')).toBe(ANONYMOUS);
  });
});

describe('the cache', () => {
  test('a key seen before is answered in the same tick, with the same principal, without the database', async () => {
    const { key } = await keys.create({ name: 'ci' });
    const principal = await authenticator.authenticate(key);
    for (let time = 0; time < 100; time++) expect(authenticator.authenticate(key)).toBe(principal);
    expect(store.reads).toBe(1);
  });

  test('many first requests at once make one read', async () => {
    const { key } = await keys.create({ name: 'ci' });
    await Promise.all(Array.from({ length: 50 }, async () => authenticator.authenticate(key)));
    expect(store.reads).toBe(1);
  });

  test('[I2] expiry counts at the millisecond, also for a key in memory', async () => {
    const { key } = await keys.create({ name: 'ci', expiresAtMs: clock.now() + 1000 });
    expect(await attempt(key)).toBe('ok');
    clock.turn(999);
    expect(await attempt(key)).toBe('ok');
    clock.turn(1);
    expect(await attempt(key)).toBe(REFUSED);
  });

  test('[I2] what this process revokes or disables is refused at once', async () => {
    const one = await keys.create({ name: 'one' });
    const two = await keys.create({ name: 'two' });
    expect([await attempt(one.key), await attempt(two.key)]).toEqual(['ok', 'ok']);
    await keys.revoke(one.record.id);
    await keys.update(two.record.id, { disabled: true });
    expect([await attempt(one.key), await attempt(two.key)]).toEqual([REFUSED, REFUSED]);
    await keys.update(two.record.id, { disabled: false });
    expect(await attempt(two.key)).toBe('ok');
  });

  test('[I2] what another process revokes is refused within five seconds, however busy the key is', async () => {
    const { record, key } = await keys.create({ name: 'ci' });
    expect(await attempt(key)).toBe('ok');
    await elsewhere.revoke(record.id);
    clock.turn(2000);
    expect(await attempt(key)).toBe('ok');
    clock.turn(3000);
    expect(await attempt(key)).toBe(REFUSED);
  });

  test('a key in constant use is read again beforehand, so that no request waits', async () => {
    const { key } = await keys.create({ name: 'ci' });
    await authenticator.authenticate(key);
    for (let round = 0; round < 10; round++) {
      clock.turn(2500);
      expect(authenticator.authenticate(key)).not.toBeInstanceOf(Promise);
      await new Promise(setImmediate);
    }
    expect(store.reads).toBe(11);
  });

  test('a read that began before a revocation is not kept', async () => {
    const { record, key } = await keys.create({ name: 'ci' });
    let open: () => void = () => {};
    store.gate = new Promise((resolve) => {
      open = resolve;
    });
    const early = authenticator.authenticate(key);
    await keys.revoke(record.id);
    const late = attempt(key);
    open();
    await early;
    expect(await late).toBe(REFUSED);
    expect(await attempt(key)).toBe(REFUSED);
  });

  test('a request that joins a read counts its age from the beginning of that read', async () => {
    const { record, key } = await keys.create({ name: 'ci' });
    let open: () => void = () => {};
    store.gate = new Promise((resolve) => {
      open = resolve;
    });
    const first = authenticator.authenticate(key);
    await elsewhere.revoke(record.id);
    clock.turn(4000);
    const second = authenticator.authenticate(key);
    open();
    await Promise.all([first, second]);
    clock.turn(1000);
    expect(await attempt(key)).toBe(REFUSED);
  });

  test('when the database is down, a key in memory works until it must be read again, then the fault is named', async () => {
    const { key } = await keys.create({ name: 'ci' });
    await authenticator.authenticate(key);
    store.isDown = true;
    clock.turn(4000);
    expect(await attempt(key)).toBe('ok');
    await new Promise(setImmediate);
    clock.turn(1000);
    expect(await attempt(key)).toBe('UNAVAILABLE the database does not answer');
    store.isDown = false;
    expect(await attempt(key)).toBe('ok');
  });

  test('a clock that is set back does not keep a revoked key alive', async () => {
    const { record, key } = await keys.create({ name: 'ci' });
    await authenticator.authenticate(key);
    await elsewhere.revoke(record.id);
    clock.turn(-3_600_000);
    expect(await attempt(key)).toBe(REFUSED);
  });

  test('an unknown key is read once in a while, not at every request', async () => {
    for (let time = 0; time < 10; time++) await attempt(UNKNOWN_KEY);
    expect(store.reads).toBe(1);
    clock.turn(2000);
    await attempt(UNKNOWN_KEY);
    expect(store.reads).toBe(2);
  });

  test('it is bounded, and keeps the keys that are in use', async () => {
    authenticator = build({ cacheMaxEntries: 3 });
    const busy = await keys.create({ name: 'busy' });
    await attempt(busy.key);
    for (let other = 0; other < 20; other++) {
      const { key } = await keys.create({ name: `other ${other}` });
      await attempt(key);
      expect(authenticator.authenticate(busy.key)).not.toBeInstanceOf(Promise);
    }
    expect(store.reads).toBe(21);
  });
});

describe('rotation', () => {
  test('[I2] the old key stops at once, and the new one is the same principal', async () => {
    const old = await keys.create({ name: 'ci' });
    const before = await authenticator.authenticate(old.key);
    const { key } = await keys.rotate(old.record.id);
    expect(await attempt(old.key)).toBe(REFUSED);
    expect(await authenticator.authenticate(key)).toEqual(before);
  });

  test('[I2] with a grace both work until it is over, and not longer than the expiry', async () => {
    const old = await keys.create({ name: 'ci' });
    await attempt(old.key);
    const { key } = await keys.rotate(old.record.id, 3);
    clock.turn(2999);
    expect([await attempt(old.key), await attempt(key)]).toEqual(['ok', 'ok']);
    clock.turn(1);
    expect([await attempt(old.key), await attempt(key)]).toEqual([REFUSED, 'ok']);

    const short = await keys.create({ name: 'short', expiresAtMs: clock.now() + 1000 });
    await keys.rotate(short.record.id, 60);
    expect(await attempt(short.key)).toBe('ok');
    clock.turn(1000);
    expect(await attempt(short.key)).toBe(REFUSED);
  });
});

describe('admin tokens', () => {
  test('[I1] a token opens what the admin key opens for 15 minutes, and no longer', async () => {
    const { token, expires_in: expiresIn } = await adminTokens.issue();
    expect(expiresIn).toBe(900);
    expect(await authenticator.authenticate(token)).toBe(ADMIN);
    clock.turn(899_000);
    expect(await attempt(token)).toBe('ok');
    clock.turn(1000);
    expect(await attempt(token)).toBe(REFUSED);
    expect(counted).toEqual(['admin success', 'admin success', 'admin failure']);
  });

  test('[I1] a token ends with the admin key that it was got with', async () => {
    const { token } = await adminTokens.issue();
    adminKey.key = 'Wn8cYt4vHg6xJd1mQs0z';
    expect(await attempt(token)).toBe(REFUSED);
    expect(await attempt((await adminTokens.issue()).token)).toBe('ok');
  });

  test('[I1] no forged token opens: other key, other claims, no signature, other algorithm', async () => {
    const { token } = await adminTokens.issue();
    const [head = '', body = '', signature = ''] = token.split('.');
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as object;
    const foreign = new AdminTokens({
      adminKey: { current: () => 'another key altogether' },
      clock,
      ids: { next: () => 'x' },
    });
    const forged = [
      (await foreign.issue()).token,
      `${head}.${encode({ ...claims, exp: 9_999_999_999 })}.${signature}`,
      `${encode({ alg: 'none' })}.${body}.`,
      `${encode({ alg: 'none' })}.${body}.${signature}`,
      `${encode({ alg: 'HS512' })}.${body}.${signature}`,
      `${head}.${body}.${signature.slice(0, -2)}`,
      `${head}.!!.${signature}`,
      'a.b.c',
    ];
    counted.length = 0;
    for (const credential of forged) expect(await attempt(credential)).toBe(REFUSED);
    expect(counted).toEqual(forged.map(() => 'admin failure'));
    expect(await attempt(token)).toBe('ok');
  });

  test('[I1] only the admin key itself is one to exchange', async () => {
    const { key } = await keys.create({ name: 'robot', scopes: ['admin'] });
    const { token } = await adminTokens.issue();
    expect([ADMIN_KEY, token, key, undefined, ''].map((credential) => authenticator.isAdminKey(credential))).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
    expect(counted).toEqual(['admin success', ...Array.from({ length: 4 }, () => 'admin failure')]);
  });
});

describe('last use', () => {
  test('uses are stored together now and then, each key once with its latest time', async () => {
    authenticator.start();
    const one = await keys.create({ name: 'one' });
    const two = await keys.create({ name: 'two' });
    await attempt(one.key);
    clock.turn(1000);
    await attempt(one.key);
    await attempt(two.key);
    expect(store.uses).toEqual([]);
    const usedAtMs = clock.now();
    clock.turn(30_000);
    expect(store.uses).toEqual([
      [
        { id: one.record.id, usedAtMs },
        { id: two.record.id, usedAtMs },
      ],
    ]);
    clock.turn(60_000);
    expect(store.uses).toHaveLength(1);
  });

  test('stopping stores what is left, and may be done twice', async () => {
    const { record, key } = await keys.create({ name: 'one' });
    await attempt(key);
    await authenticator.stop();
    await authenticator.stop();
    expect(store.uses).toEqual([[{ id: record.id, usedAtMs: clock.now() }]]);
  });
});

describe('keys', () => {
  test('[I2] only a hash of the key and its first characters are kept', async () => {
    const { record, key } = await keys.create({ name: 'ci' });
    expect(key).toMatch(/^pk_[\w-]{43}$/);
    expect(record).toMatchObject({
      keyHash: hashCredential(key),
      prefix: key.slice(0, 8),
      ownerId: `key:${record.id}`,
    });
    expect(JSON.stringify([...store.records.values()])).not.toContain(key.slice(8));
  });

  test('[I2] a key for an existing owner is that principal', async () => {
    const first = await keys.create({ name: 'first' });
    const second = await keys.create({ name: 'second', ownerId: first.record.ownerId });
    const principals = await Promise.all([first, second].map(async ({ key }) => authenticator.authenticate(key)));
    expect(principals.map(({ ownerId }) => ownerId)).toEqual([first.record.ownerId, first.record.ownerId]);
  });

  test('an expiry that is not in the future is refused', async () => {
    const expected = {
      code: 'INVALID_PARAMS',
      message: 'Invalid parameters: expiresAt: must be in the future',
      violations: [{ field: 'expiresAt', description: 'must be in the future' }],
    };
    await expect(keys.create({ name: 'x', expiresAtMs: clock.now() })).rejects.toMatchObject(expected);
    const { record } = await keys.create({ name: 'y' });
    await expect(keys.update(record.id, { expiresAtMs: clock.now() - 1 })).rejects.toMatchObject(expected);
  });
});
