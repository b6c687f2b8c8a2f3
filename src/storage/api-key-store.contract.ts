/** What every ApiKeyStore must do; each database runs it. */
import { expect, test } from 'vitest';
import type { ApiKeyRecord, ApiKeyStore } from '../core/access/api-key-store.ts';

/** Late enough not to fit into 32 bits. */
const T0 = 1_800_000_000_000;

export function apiKeyRecord(id: string, fields: Partial<ApiKeyRecord> = {}): ApiKeyRecord {
  return {
    id,
    ownerId: `key:${id}`,
    name: `name of ${id}`,
    keyHash: `hash-${id}`,
    prefix: 'pk_abcde',
    scopes: ['tasks:read', 'tasks:write'],
    agents: null,
    disabled: false,
    createdAtMs: T0,
    updatedAtMs: T0,
    expiresAtMs: null,
    lastUsedAtMs: null,
    previousHash: null,
    previousExpiresAtMs: null,
    ...fields,
  };
}

/** @param open gives a store on an empty, migrated database. */
export function apiKeyStoreContract(open: () => Promise<ApiKeyStore>): void {
  test('[I2] what is inserted is found by id and by hash, every field as it was', async () => {
    const store = await open();
    const plain = apiKeyRecord('a');
    const full = apiKeyRecord('b', {
      ownerId: 'key:a',
      name: 'Ünïcode "quoted" \\ 名前',
      scopes: ['admin'],
      agents: ['echo', 'geo'],
      disabled: true,
      expiresAtMs: T0 + 1,
      lastUsedAtMs: T0 + 2,
      previousHash: 'old-b',
      previousExpiresAtMs: T0 + 3,
    });
    await store.insert(plain);
    await store.insert(full);
    expect(await store.find('a')).toEqual(plain);
    expect(await store.find('b')).toEqual(full);
    expect(await store.findByHash('hash-b', T0)).toEqual(full);
    expect(await store.find('c')).toBeNull();
    expect(await store.findByHash('hash-c', T0)).toBeNull();
  });

  test('[I2] a hash belongs to one key only', async () => {
    const store = await open();
    await store.insert(apiKeyRecord('a', { keyHash: 'same' }));
    await expect(store.insert(apiKeyRecord('b', { keyHash: 'same' }))).rejects.toThrow(/unique/i);
    expect(await store.find('b')).toBeNull();
  });

  test('[I2] the previous hash is found until its time is over, and not at that moment', async () => {
    const store = await open();
    const record = apiKeyRecord('a', { previousHash: 'old', previousExpiresAtMs: T0 + 1000 });
    await store.insert(record);
    expect(await store.findByHash('old', T0 + 999)).toEqual(record);
    expect(await store.findByHash('old', T0 + 1000)).toBeNull();
    expect(await store.findByHash('hash-a', T0 + 1000)).toEqual(record);
  });

  test('the list is newest first, and its pages join without gap or repetition, also within one millisecond', async () => {
    const store = await open();
    for (const [id, createdAtMs] of [
      ['a', T0],
      ['b', T0 + 1],
      ['d', T0 + 1],
      ['c', T0 + 1],
      ['e', T0 - 1],
    ] as const)
      await store.insert(apiKeyRecord(id, { createdAtMs }));
    const ids = async (...page: Parameters<ApiKeyStore['list']>) => (await store.list(...page)).map(({ id }) => id);
    expect(await ids(10, null)).toEqual(['d', 'c', 'b', 'a', 'e']);
    expect(await ids(2, null)).toEqual(['d', 'c']);
    expect(await ids(2, { createdAtMs: T0 + 1, id: 'c' })).toEqual(['b', 'a']);
    expect(await ids(2, { createdAtMs: T0, id: 'a' })).toEqual(['e']);
    expect(await ids(2, { createdAtMs: T0 - 1, id: 'e' })).toEqual([]);
  });

  test('a change touches the named columns only, and moves updatedAt forward within one millisecond too', async () => {
    const store = await open();
    await store.insert(apiKeyRecord('a', { agents: ['echo'], expiresAtMs: T0 + 5 }));
    const changed = await store.update('a', { name: 'new', disabled: true }, T0);
    expect(changed).toEqual(
      apiKeyRecord('a', {
        name: 'new',
        disabled: true,
        agents: ['echo'],
        expiresAtMs: T0 + 5,
        updatedAtMs: T0 + 1,
      }),
    );
    const again = await store.update('a', { agents: null, expiresAtMs: null, scopes: ['tasks:read'] }, T0 + 50);
    expect(again).toEqual(
      apiKeyRecord('a', { name: 'new', disabled: true, scopes: ['tasks:read'], updatedAtMs: T0 + 50 }),
    );
    expect(await store.find('a')).toEqual(again);
    expect(await store.update('b', { name: 'x' }, T0)).toBeNull();
  });

  test('[I2] a rotation replaces the key, and keeps the old one only for its grace', async () => {
    const store = await open();
    await store.insert(apiKeyRecord('a'));
    const graced = await store.rotate(
      'a',
      'hash-a',
      { keyHash: 'h2', prefix: 'pk_two', previousExpiresAtMs: T0 + 10 },
      T0,
    );
    expect(graced).toMatchObject({
      keyHash: 'h2',
      prefix: 'pk_two',
      previousHash: 'hash-a',
      previousExpiresAtMs: T0 + 10,
    });
    expect(await store.findByHash('hash-a', T0)).toEqual(graced);
    const strict = await store.rotate('a', 'h2', { keyHash: 'h3', prefix: 'pk_three', previousExpiresAtMs: null }, T0);
    expect(strict).toMatchObject({ keyHash: 'h3', previousHash: null, previousExpiresAtMs: null });
    expect(await store.findByHash('hash-a', T0)).toBeNull();
    expect(await store.findByHash('h2', T0)).toBeNull();
  });

  test('of rotations at the same time exactly one happens', async () => {
    const store = await open();
    await store.insert(apiKeyRecord('a'));
    const rotations = ['x', 'y', 'z'].map((keyHash) =>
      store.rotate('a', 'hash-a', { keyHash, prefix: 'pk_', previousExpiresAtMs: null }, T0),
    );
    const done = (await Promise.all(rotations)).filter((record) => record !== null);
    expect(done).toHaveLength(1);
    expect(await store.find('a')).toEqual(done[0]);
  });

  test('[I2] a deleted key is gone, and a second delete says so', async () => {
    const store = await open();
    await store.insert(apiKeyRecord('a'));
    expect(await store.delete('a')).toBe(true);
    expect(await store.delete('a')).toBe(false);
    expect(await store.findByHash('hash-a', T0)).toBeNull();
  });

  test('an owner exists while a key belongs to it', async () => {
    const store = await open();
    await store.insert(apiKeyRecord('a'));
    expect(await store.ownerExists('key:a')).toBe(true);
    expect(await store.ownerExists('key:b')).toBe(false);
  });

  test('the last use moves forward only, for hundreds of keys at once, and is no change of the key', async () => {
    const store = await open();
    const ids = Array.from({ length: 450 }, (_, index) => `k${index}`);
    for (const id of ids) await store.insert(apiKeyRecord(id));
    await store.touchLastUsed([...ids, 'gone'].map((id) => ({ id, usedAtMs: T0 + 7 })));
    await store.touchLastUsed([
      { id: 'k0', usedAtMs: T0 + 6 },
      { id: 'k449', usedAtMs: T0 + 8 },
    ]);
    await store.touchLastUsed([]);
    expect(await store.find('k0')).toEqual(apiKeyRecord('k0', { lastUsedAtMs: T0 + 7 }));
    expect(await store.find('k200')).toEqual(apiKeyRecord('k200', { lastUsedAtMs: T0 + 7 }));
    expect(await store.find('k449')).toEqual(apiKeyRecord('k449', { lastUsedAtMs: T0 + 8 }));
  });
}
