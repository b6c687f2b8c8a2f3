/** Rekeying on PostgreSQL. */
import { describe, expect, test } from 'vitest';
import { postgresSkipped, postgresSqlForTests } from '../../../test/support/sql.ts';
import { sealedValueStoreContract } from '../sealed-value-store.contract.ts';
import { SqlSealedValueStore } from '../sealed-value-store.ts';

describe.skipIf(postgresSkipped !== undefined)('sealed values on PostgreSQL', () => {
  sealedValueStoreContract(postgresSqlForTests);

  test('[A12] a batch waits for nobody, so that it and a commit cannot wait for each other', async () => {
    const sql = await postgresSqlForTests();
    await sql.query('create table notes (id text primary key, secret text, secret_key_id text, pending integer)');
    await sql.query("insert into notes values ('a', 'old', 'k', 0), ('b', 'old', 'k', 0)");
    const store = new SqlSealedValueStore(sql);
    const column = { table: 'notes', keyColumn: 'id', valueColumn: 'secret', keyIdColumn: 'secret_key_id' };
    const changes = ['a', 'b'].map((row) => ({
      from: { row, envelope: 'old', keyId: 'k' },
      to: { envelope: 'new', keyId: 'l' },
    }));
    await sql.transaction(async (commit) => {
      await commit.query("update notes set pending = 1 where id = 'b'");
      expect(await store.replace(column, changes)).toBe(1);
      await commit.query("update notes set pending = 1 where id = 'a'");
    });
    expect(await store.replace(column, changes)).toBe(1);
    const rows = await sql.query('select id, secret, pending from notes order by id');
    expect(rows).toEqual(['a', 'b'].map((id) => ({ id, secret: 'new', pending: 1 })));
  });
});
