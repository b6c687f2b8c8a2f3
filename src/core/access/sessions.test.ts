/** How long sessions last, by a clock that the test turns; and that the database is asked no more than it must be. */
import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { sqliteSqlForTests } from '../../../test/support/sql.ts';
import { type TurnedClock, turnedClock } from '../../../test/support/turned-clock.ts';
import { systemIds } from '../../ops/runtime.ts';
import { SqlSessionStore } from '../../storage/session-store.ts';
import { silentLogger } from '../logger.ts';
import { AdminTokens } from './admin-tokens.ts';
import type { ApiKeyStore } from './api-key-store.ts';
import { Authenticator } from './authenticator.ts';
import { NO_ACCESS_METRICS } from './metrics.ts';
import type { SessionStore } from './session-store.ts';
import { Sessions } from './sessions.ts';

const ADMIN_KEY = 'Vx3kPq9sTz7wLm2nRb5c';
const MINUTE_MS = 60_000;
const IDLE_MS = 60 * MINUTE_MS;
const MAX_AGE_MS = 5 * IDLE_MS;

let clock: TurnedClock;
let adminKey: { key: string; current(): string };
let calls: string[];
let ended: string[];
let failing: ReadonlySet<keyof SessionStore>;
let replica: () => Sessions;

beforeEach(async () => {
  clock = turnedClock();
  adminKey = { key: ADMIN_KEY, current: () => adminKey.key };
  calls = [];
  ended = [];
  failing = new Set();
  const real = new SqlSessionStore(await sqliteSqlForTests());
  const store = new Proxy<SessionStore>(real, {
    get: (target, name: keyof SessionStore) => {
      calls.push(name);
      if (failing.has(name)) return () => Promise.reject(new Error('database or disk is full'));
      return target[name].bind(target);
    },
  });
  const adminTokens = new AdminTokens({ adminKey, clock, ids: systemIds });
  const none = {} as ApiKeyStore;
  const access = { mode: 'key', store: none, adminKey, adminTokens, clock } as const;
  const authenticator = new Authenticator({ ...access, metrics: NO_ACCESS_METRICS, log: silentLogger });
  const limits = { idleMs: IDLE_MS, maxAgeMs: MAX_AGE_MS, maxPerOwner: 10 };
  const onEnded = (id: string) => void ended.push(id);
  const options = { store, authenticator, adminKey, clock, ids: systemIds, randomBytes, limits, onEnded };
  replica = () => new Sessions({ ...options, log: silentLogger });
});

const refused = { code: 'UNAUTHENTICATED', metadata: { session: 'ended' } };

describe('a session', () => {
  test.each(['insert', 'prune'] as const)(
    '[I12] signing in on a full disk says so, ends nobody, and works once there is room (%s)',
    async (name) => {
      const sessions = replica();
      const { token } = await sessions.signIn(ADMIN_KEY, 'browser');
      failing = new Set([name]);
      const full = { code: 'UNAVAILABLE', message: expect.stringContaining('try again later'), retryAfterSeconds: 5 };
      await expect(sessions.signIn(ADMIN_KEY, 'browser')).rejects.toMatchObject(full);
      await expect(sessions.signIn('not-the-admin-key-of-it', 'browser')).rejects.toMatchObject({
        code: 'UNAUTHENTICATED',
      });
      await sessions.open(token);
      expect(ended).toEqual([]);
      failing = new Set();
      await sessions.signIn(ADMIN_KEY, 'browser');
    },
  );

  test('[I12] ends when it is not used for the idle time, and not before', async () => {
    const sessions = replica();
    const { token, session } = await sessions.signIn(ADMIN_KEY, 'browser');
    expect(sessions.endOf(session.record)).toBe(clock.now() + IDLE_MS);
    clock.turn(IDLE_MS - 1);
    expect((await sessions.open(token)).id).toBe(session.id);
    clock.turn(IDLE_MS - 1);
    await sessions.open(token);
    clock.turn(IDLE_MS);
    await expect(sessions.open(token)).rejects.toMatchObject(refused);
    expect(await sessions.list(null)).toEqual([]);
  });

  test('[I12] ends after its longest time however much it is used', async () => {
    const sessions = replica();
    const { token } = await sessions.signIn(ADMIN_KEY, 'browser');
    for (let passedMs = 0; passedMs < MAX_AGE_MS - MINUTE_MS; passedMs += MINUTE_MS) {
      clock.turn(MINUTE_MS);
      await sessions.open(token);
    }
    clock.turn(MINUTE_MS);
    await expect(sessions.open(token)).rejects.toMatchObject(refused);
  });

  test('[I12] looked at again is not used again', async () => {
    const sessions = replica();
    const { token } = await sessions.signIn(ADMIN_KEY, 'browser');
    clock.turn(IDLE_MS - 1);
    await sessions.recheck(token);
    clock.turn(1);
    await expect(sessions.recheck(token)).rejects.toMatchObject(refused);
  });

  test('[I12] used on one replica lives on the other, and ends there soon after it was ended here', async () => {
    const [here, there] = [replica(), replica()];
    const { token, session } = await here.signIn(ADMIN_KEY, 'browser');
    clock.turn(IDLE_MS - MINUTE_MS);
    await there.open(token);
    clock.turn(2 * MINUTE_MS);
    expect((await here.open(token)).principal.kind).toBe('admin');
    await here.end(session.id, 'admin');
    expect(ended).toEqual([session.id]);
    await expect(here.open(token)).rejects.toMatchObject(refused);
    clock.turn(5000);
    await expect(there.open(token)).rejects.toMatchObject(refused);
  });

  test('[I12] of the admin ends with the admin key, and a key that comes back brings it back', async () => {
    const sessions = replica();
    const { token } = await sessions.signIn(ADMIN_KEY, 'browser');
    adminKey.key = 'Wn8cYt4vHg6xJd1mQs0z';
    await expect(sessions.open(token)).rejects.toMatchObject(refused);
    await expect(sessions.signIn(ADMIN_KEY, 'browser')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    adminKey.key = ADMIN_KEY;
    await sessions.open(token);
  });

  test('costs the database nothing for some seconds, and a write a minute', async () => {
    const sessions = replica();
    const { token } = await sessions.signIn(ADMIN_KEY, 'browser');
    calls.length = 0;
    for (let count = 0; count < 100; count++) await sessions.open(token);
    expect(calls).toEqual([]);
    for (let second = 0; second < 120; second++) {
      clock.turn(1000);
      await sessions.open(token);
    }
    expect(calls.filter((call) => call === 'touch')).toHaveLength(2);
    expect(calls.filter((call) => call === 'find').length).toBeLessThanOrEqual(24);
  });

  test('[I12] that never was, or is no text of ours, is refused without a trace', async () => {
    const sessions = replica();
    for (const token of ['', 'x', 'A'.repeat(43), 'A'.repeat(10_000), '../../etc/passwd']) {
      await expect(sessions.open(token)).rejects.toMatchObject(refused);
      expect(sessions.isKnown(token)).toBe(false);
    }
    expect(calls.filter((call) => call === 'find')).toHaveLength(1);
  });
});
