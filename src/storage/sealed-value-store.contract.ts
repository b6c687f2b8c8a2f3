/** What rekeying must do on each database. */
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { silentLogger } from '../core/logger.ts';
import { AesGcmSealer } from '../core/secrets/aes-gcm-sealer.ts';
import { keyRing } from '../core/secrets/encryption-keys.ts';
import { Rekeying, type RekeyPosition } from '../core/secrets/rekeying.ts';
import { mayBePlaintext, type SealedColumn } from '../core/secrets/sealed-columns.ts';
import { SqlSealedValueStore } from './sealed-value-store.ts';
import type { Sql } from './sql.ts';

const TEXT_KEYED: SealedColumn = {
  table: 'notes',
  keyColumn: 'id',
  valueColumn: 'secret',
  keyIdColumn: 'secret_key_id',
};
const NUMBERED: SealedColumn = {
  table: 'numbered',
  keyColumn: 'num',
  valueColumn: 'secret',
  keyIdColumn: 'secret_key_id',
  mayBePlaintext: true,
};
const COLUMNS = [TEXT_KEYED, NUMBERED];
const OLD = randomBytes(32).toString('base64');
const NEW = randomBytes(32).toString('base64');
const LOST = randomBytes(32).toString('base64');

/** @param open gives an empty database. */
export function sealedValueStoreContract(open: () => Promise<Sql>): void {
  async function setUp() {
    const sql = await open();
    await sql.query('create table notes (id text primary key, secret text, secret_key_id text)');
    await sql.query('create table numbered (num bigint primary key, secret text, secret_key_id text)');
    const store = new SqlSealedValueStore(sql);
    const withKeys = (...keys: string[]) => {
      const sealer = new AesGcmSealer({ ring: keyRing(keys), randomBytes, mayBePlaintext: mayBePlaintext(COLUMNS) });
      return { sealer, rekeying: new Rekeying({ store, sealer, columns: COLUMNS, logger: silentLogger }) };
    };
    const put = async ({ table, keyColumn }: SealedColumn, row: string | number, key: string, secret: string) => {
      const sealed = withKeys(key).sealer.seal(secret, { table, column: 'secret', row: String(row) });
      await sql.query(`insert into ${table} (${keyColumn}, secret, secret_key_id) values ($1, $2, $3)`, [
        row,
        sealed.envelope,
        sealed.keyId,
      ]);
    };
    const read = async ({ table, keyColumn }: SealedColumn, row: string | number, ...keys: string[]) => {
      const [found] = await sql.query<{ envelope: string; keyId: string }>(
        `select secret as envelope, coalesce(secret_key_id, '') as "keyId" from ${table} where ${keyColumn} = $1`,
        [row],
      );
      if (found === undefined) throw new Error('no such row');
      return withKeys(...keys).sealer.open(found, { table, column: 'secret', row: String(row) });
    };
    return { sql, withKeys, put, read };
  }

  test('[A12] everything is sealed anew in batches, whatever the type of the key, and the old key may go', async () => {
    const { withKeys, put, read } = await setUp();
    for (const row of ['a', 'b', 'c', "d'; --", 'é']) await put(TEXT_KEYED, row, OLD, `secret of ${row}`);
    for (const row of [1, 9, 10, 2_000_000_000_000]) await put(NUMBERED, row, OLD, `secret of ${row}`);
    await put(TEXT_KEYED, 'n', NEW, 'new already');
    const { rekeying, sealer } = withKeys(NEW, OLD);
    const before = await rekeying.status();
    expect(before).toMatchObject({ currentKeyId: sealer.currentKeyId, remaining: 9, removable: [] });

    let rewritten = 0;
    let position: RekeyPosition | null = null;
    do {
      const batch = await rekeying.batch(position, 2);
      expect(batch.rewritten).toBeLessThanOrEqual(2);
      expect(batch).toMatchObject({ skipped: 0, failed: [] });
      rewritten += batch.rewritten;
      position = batch.next;
    } while (position !== null);
    expect(rewritten).toBe(9);
    const oldId = withKeys(OLD).sealer.currentKeyId;
    expect(await rekeying.status()).toMatchObject({ remaining: 0, removable: [oldId] });
    for (const row of ['a', 'b', 'c', "d'; --", 'é']) expect(await read(TEXT_KEYED, row, NEW)).toBe(`secret of ${row}`);
    for (const row of [1, 9, 10, 2_000_000_000_000]) expect(await read(NUMBERED, row, NEW)).toBe(`secret of ${row}`);
    expect(await rekeying.batch(null)).toMatchObject({ rewritten: 0 });
  });

  test('[A12] what was changed meanwhile is not overwritten', async () => {
    const { sql, withKeys, put, read } = await setUp();
    await put(TEXT_KEYED, 'a', OLD, 'before');
    await put(TEXT_KEYED, 'gone', OLD, 'before');
    await put(TEXT_KEYED, 'b', OLD, 'before');
    await put(TEXT_KEYED, 'z', OLD, 'stays');
    const store = new SqlSealedValueStore(sql);
    const { sealer } = withKeys(NEW, OLD);
    const values = await store.othersThan(TEXT_KEYED, sealer.currentKeyId, null, 10);
    expect(values.map(({ row }) => row)).toEqual(['a', 'b', 'gone', 'z']);
    await sql.query('delete from notes where id in ($1, $2, $3)', ['a', 'b', 'gone']);
    await put(TEXT_KEYED, 'a', NEW, 'after');
    // By a replica that does not have the new key yet.
    await put(TEXT_KEYED, 'b', OLD, 'after, too');
    const changes = values.map((from) => {
      const place = { table: 'notes', column: 'secret', row: String(from.row) };
      return { from, to: sealer.seal(sealer.open(from, place), place) };
    });
    expect(await store.replace(TEXT_KEYED, changes)).toBe(1);
    expect(await read(TEXT_KEYED, 'a', NEW)).toBe('after');
    expect(await read(TEXT_KEYED, 'b', OLD)).toBe('after, too');
    expect(await read(TEXT_KEYED, 'z', NEW)).toBe('stays');
  });

  test('[A12] two rekeyings at once do the work once', async () => {
    const { withKeys, put, read } = await setUp();
    for (let row = 0; row < 30; row++) await put(NUMBERED, row, OLD, `secret ${row}`);
    const { rekeying } = withKeys(NEW, OLD);
    const batches = await Promise.all([1, 2, 3].map(() => rekeying.batch({ column: 1, after: null }, 30)));
    expect(batches.reduce((sum, batch) => sum + batch.rewritten, 0)).toBe(30);
    for (let row = 0; row < 30; row++) expect(await read(NUMBERED, row, NEW)).toBe(`secret ${row}`);
  });

  test('[A12] a value that was tampered with is told, and the others are sealed anew all the same', async () => {
    const { sql, withKeys, put, read } = await setUp();
    for (const row of ['a', 'b', 'c']) await put(TEXT_KEYED, row, OLD, `secret of ${row}`);
    await put(TEXT_KEYED, 'lost', LOST, 'of a key that is not here');
    await sql.query("update notes set secret = (select secret from notes where id = 'a') where id = 'b'");
    const { rekeying } = withKeys(NEW, OLD);
    const batch = await rekeying.batch(null, 10);
    expect(batch).toMatchObject({ rewritten: 2, failed: [{ row: 'b' }, { row: 'lost' }] });
    await expect(read(TEXT_KEYED, 'b', NEW, OLD)).rejects.toMatchObject({ code: 'DECRYPTION_FAILED' });
    expect(await read(TEXT_KEYED, 'c', NEW)).toBe('secret of c');
    expect(await rekeying.status()).toMatchObject({ remaining: 2, removable: [] });
    // What cannot be opened is passed over, also where it fills a batch.
    const first = await rekeying.batch(null, 1);
    const second = await rekeying.batch(first.next, 1);
    const third = await rekeying.batch(second.next, 1);
    expect([first.failed, second.failed, third.failed]).toMatchObject([[{ row: 'b' }], [{ row: 'lost' }], []]);
    expect(third.next).toEqual({ column: 1, after: null });
  });

  test('[A12] plaintext from before opens, is sealed at the start, and is refused in columns that never had any', async () => {
    const { sql, withKeys, read } = await setUp();
    await sql.query(
      "insert into numbered (num, secret, secret_key_id) values (1, 'plain', null), (2, 'plain too', '')",
    );
    await sql.query('insert into numbered (num) values (3)');
    await sql.query("insert into notes (id, secret) values ('x', 'forged')");
    const { rekeying } = withKeys(NEW);
    expect(await read(NUMBERED, 1, NEW)).toBe('plain');
    expect(await rekeying.sealPlaintext()).toBe(2);
    const rows = await sql.query<{ secret: string | null }>('select secret from numbered order by num');
    expect(rows.map(({ secret }) => secret?.slice(0, 7) ?? null)).toEqual(['enc:v1:', 'enc:v1:', null]);
    expect([await read(NUMBERED, 1, NEW), await read(NUMBERED, 2, NEW)]).toEqual(['plain', 'plain too']);
    await expect(read(TEXT_KEYED, 'x', NEW)).rejects.toMatchObject({ code: 'DECRYPTION_FAILED' });
    expect(await rekeying.sealPlaintext()).toBe(0);
  });

  test('[A12] a key that is missing is a clear error at the start', async () => {
    const { sql, withKeys, put, read } = await setUp();
    await put(TEXT_KEYED, 'a', LOST, 'secret');
    await expect(withKeys(LOST).rekeying.requireKeys()).resolves.toBeUndefined();
    const error = await withKeys(NEW)
      .rekeying.requireKeys()
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('ENCRYPTION_KEYS_PREVIOUS') });
    expect(error).toMatchObject({ message: expect.stringContaining(withKeys(LOST).sealer.currentKeyId) });
    // One row that was tampered with is no missing key.
    await sql.query("update notes set secret_key_id = 'nonsense'");
    await expect(withKeys(NEW).rekeying.requireKeys()).resolves.toBeUndefined();
    await expect(read(TEXT_KEYED, 'a', NEW, LOST)).rejects.toMatchObject({ code: 'DECRYPTION_FAILED' });
  });
}
