/** What signing keys must do on each database. */
import { randomBytes } from 'node:crypto';
import { createLocalJWKSet, flattenedVerify } from 'jose';
import { expect, test } from 'vitest';
import { turnedClock } from '../../test/support/turned-clock.ts';
import { silentLogger } from '../core/logger.ts';
import { AesGcmSealer } from '../core/secrets/aes-gcm-sealer.ts';
import { keyRing } from '../core/secrets/encryption-keys.ts';
import { REFRESH_MS, SigningKeys } from '../core/signing/signing-keys.ts';
import { SqlCardSignatureStore, SqlSigningKeyStore } from './signing-key-store.ts';
import type { Sql } from './sql.ts';

const PAYLOAD = new TextEncoder().encode('{"hello":"world"}');

/** @param open gives an empty, migrated database. */
export function signingKeyStoreContract(open: () => Promise<Sql>): void {
  async function setUp() {
    const sql = await open();
    const clock = turnedClock();
    const sealer = new AesGcmSealer({ ring: keyRing([randomBytes(32).toString('base64')]), randomBytes });
    const replica = () => new SigningKeys({ store: new SqlSigningKeyStore(sql), sealer, clock, logger: silentLogger });
    return { sql, clock, replica };
  }
  const verify = async (by: SigningKeys, kid: string) => {
    const jws = await by.sign(PAYLOAD, { typ: 'JOSE' }, kid);
    const keys = createLocalJWKSet(by.publicKeys());
    return (await flattenedVerify({ ...jws, payload: Buffer.from(PAYLOAD).toString('base64url') }, keys))
      .protectedHeader;
  };

  test('[A17] replicas that start at the same time agree on one key, whose private part is stored sealed', async () => {
    const { sql, replica } = await setUp();
    const replicas = [replica(), replica(), replica()];
    await Promise.all(replicas.map((keys) => keys.load()));
    expect(new Set(replicas.map((keys) => keys.currentKid())).size).toBe(1);
    const rows = await sql.query<{ private_key: string; public_key: string }>('select * from signing_keys');
    expect(rows).toHaveLength(1);
    expect(rows[0]?.private_key).toMatch(/^enc:v1:/);
    expect(rows[0]?.public_key).not.toContain('"d"');
  });

  test('[A17] what one replica signs, the published keys of another verify; no private part is published', async () => {
    const { replica } = await setUp();
    const [a, b] = [replica(), replica()];
    await a.load();
    await b.load();
    expect(await verify(b, a.currentKid())).toEqual({ alg: 'ES256', kid: a.currentKid(), typ: 'JOSE' });
    const [jwk] = a.publicKeys().keys;
    expect(Object.keys(jwk ?? {}).toSorted()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
  });

  test('[A17] a rotated key is published at once, signs after its time, and the one before it stays valid', async () => {
    const { clock, replica } = await setUp();
    const [a, b] = [replica(), replica()];
    await a.start();
    await b.start();
    const first = a.currentKid();
    const made = await a.rotate(60);
    expect(made.status).toBe('upcoming');
    await expect(b.rotate(60)).rejects.toMatchObject({ code: 'CONFLICT' });
    clock.turn(REFRESH_MS);
    // The refresh reads the database.
    await expect.poll(() => b.publicKeys().keys.length).toBe(2);
    expect([a.currentKid(), b.currentKid()]).toEqual([first, first]);
    clock.turn(60_000);
    expect([a.currentKid(), b.currentKid()]).toEqual([made.kid, made.kid]);
    expect(await verify(b, first)).toMatchObject({ kid: first });
    expect(a.list().map(({ kid, status }) => [kid, status])).toEqual([
      [made.kid, 'current'],
      [first, 'previous'],
    ]);
    a.stop();
    b.stop();
  });

  test('[A17] a retired key is not published, its private part and its signatures are gone; the current one stays', async () => {
    const { sql, clock, replica } = await setUp();
    const keys = replica();
    await keys.load();
    const first = keys.currentKid();
    const signatures = new SqlCardSignatureStore(sql);
    await signatures.keep(first, 'digest', { protected: 'p', signature: 's' }, clock.now());
    await expect(keys.retire(first)).rejects.toMatchObject({ code: 'CONFLICT' });
    await keys.rotate(0);
    expect(await keys.retire(first)).toMatchObject({ status: 'retired' });
    expect(keys.publicKeys().keys.map(({ kid }) => kid)).toEqual([keys.currentKid()]);
    await expect(keys.sign(PAYLOAD, {}, first)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(keys.retire(first)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const rows = await sql.query('select kid from signing_keys where private_key is not null');
    expect(rows).toEqual([{ kid: keys.currentKid() }]);
    expect(await signatures.find(first, 'digest')).toBeNull();
  });

  test('[A12, A17] a private key that was tampered with cannot sign; a new one can, and everything else goes on', async () => {
    const { sql, replica } = await setUp();
    await replica().load();
    await sql.query("update signing_keys set private_key = 'enc:v1:AAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAA:AAAA'");
    const keys = replica();
    await keys.load();
    await expect(keys.sign(PAYLOAD, {})).rejects.toMatchObject({ code: 'DECRYPTION_FAILED' });
    await keys.rotate(0);
    expect(await verify(keys, keys.currentKid())).toMatchObject({ kid: keys.currentKid() });
  });

  test('[A17] of signatures of one card by several replicas the first is kept, and all serve it', async () => {
    const { sql, clock } = await setUp();
    const store = new SqlCardSignatureStore(sql);
    const kept = await Promise.all(
      ['a', 'b', 'c'].map((signature) => store.keep('kid', 'digest', { protected: 'p', signature }, clock.now())),
    );
    expect(new Set(kept.map(({ signature }) => signature)).size).toBe(1);
    expect(await store.find('kid', 'digest')).toEqual(kept[0]);
    expect(await store.find('kid', 'other')).toBeNull();
  });
}
