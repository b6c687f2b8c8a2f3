/** What a SessionStore must do; each database runs it. */
import { expect, test } from 'vitest';
import type { SessionRecord } from '../core/access/session-store.ts';
import { SqlSessionStore } from './session-store.ts';
import type { Sql } from './sql.ts';

/** Late enough not to fit into 32 bits. */
const T0 = 1_800_000_000_000;

let made = 0;
function record(fields: Partial<SessionRecord> = {}): SessionRecord {
  made++;
  return {
    tokenHash: `hash-${made}`,
    id: `session-${String(made).padStart(6, '0')}`,
    kind: 'key',
    ownerId: 'owner-1',
    keyId: 'key-1',
    credential: 'credential',
    userAgent: "it's a browser; drop table sessions",
    createdAtMs: T0 + made,
    lastSeenAtMs: T0 + made,
    expiresAtMs: T0 + 1_000_000,
    ...fields,
  };
}

/** @param open gives an empty, migrated database. */
export function sessionStoreContract(open: () => Promise<Sql>): void {
  test('gives back what was stored, and nothing for another hash', async () => {
    const store = new SqlSessionStore(await open());
    const session = record();
    const admin = record({ kind: 'admin', keyId: null });
    await store.insert(session, 10);
    await store.insert(admin, 10);
    expect(await store.find(session.tokenHash)).toEqual(session);
    expect(await store.find(admin.tokenHash)).toEqual(admin);
    expect(await store.findById(session.id)).toEqual(session);
    expect(await store.find(session.id)).toBeNull();
    expect(await store.findById(session.tokenHash)).toBeNull();
  });

  test('lists newest first, of one owner or of all, and no more than asked for', async () => {
    const store = new SqlSessionStore(await open());
    const sessions = [record(), record({ ownerId: 'owner-2' }), record()];
    for (const session of sessions) await store.insert(session, 10);
    const [first, second, third] = sessions;
    expect(await store.list(null, 10)).toEqual([third, second, first]);
    expect(await store.list(null, 2)).toEqual([third, second]);
    expect(await store.list('owner-1', 10)).toEqual([third, first]);
    expect(await store.list('owner-3', 10)).toEqual([]);
  });

  test('the oldest sessions of an owner make room, those of others stay', async () => {
    const store = new SqlSessionStore(await open());
    const other = record({ ownerId: 'owner-2' });
    await store.insert(other, 2);
    const own = [record(), record(), record()];
    const ended = [];
    for (const session of own) ended.push(...(await store.insert(session, 2)));
    expect(ended).toEqual([{ id: own[0]?.id, tokenHash: own[0]?.tokenHash }]);
    expect(await store.list(null, 10)).toEqual([own[2], own[1], other]);
  });

  test('being seen moves forward only', async () => {
    const store = new SqlSessionStore(await open());
    const session = record();
    await store.insert(session, 10);
    await store.touch(session.tokenHash, T0 + 5000);
    await store.touch(session.tokenHash, T0 + 4000);
    expect((await store.find(session.tokenHash))?.lastSeenAtMs).toBe(T0 + 5000);
  });

  test('a deleted session is gone, once', async () => {
    const store = new SqlSessionStore(await open());
    const session = record();
    await store.insert(session, 10);
    expect(await store.delete(session.tokenHash)).toBe(false);
    expect(await store.delete(session.id)).toBe(true);
    expect(await store.delete(session.id)).toBe(false);
    expect(await store.find(session.tokenHash)).toBeNull();
  });

  test('pruning forgets what is past its time or was idle too long, and nothing else', async () => {
    const store = new SqlSessionStore(await open());
    const nowMs = T0 + 500_000;
    const idleBeforeMs = T0 + 400_000;
    const alive = record({ lastSeenAtMs: idleBeforeMs + 1, expiresAtMs: nowMs + 1 });
    const expired = record({ lastSeenAtMs: nowMs, expiresAtMs: nowMs });
    const idle = record({ lastSeenAtMs: idleBeforeMs, expiresAtMs: nowMs + 1000 });
    for (const session of [alive, expired, idle]) await store.insert(session, 10);
    await store.prune(nowMs, idleBeforeMs);
    expect(await store.list(null, 10)).toEqual([alive]);
  });
}
