/** What a NonceStore must do; each database runs it. */
import { expect, test } from 'vitest';
import type { NonceStore } from '../core/limits/nonce-store.ts';

/** Late enough not to fit into 32 bits. */
const T0 = 1_800_000_000_000;

export interface NoncesUnderTest {
  readonly store: NonceStore;
  /** Another replica, or the same server after a restart: on the same data, with connections of its own. */
  readonly reopen: () => Promise<NonceStore>;
}

export function nonceStoreContract(open: () => Promise<NoncesUnderTest>): void {
  test('[I6] a nonce is accepted once, each scope by itself', async () => {
    const { store } = await open();
    expect(await store.accept('agent-1', 'n', T0)).toBe(true);
    expect(await store.accept('agent-1', 'n', T0)).toBe(false);
    expect(await store.accept('agent-1', 'n', T0 + 1000)).toBe(false);
    expect(await store.accept('agent-2', 'n', T0)).toBe(true);
    expect(await store.accept('agent-1', 'N', T0)).toBe(true);
    // No way of cutting scope and nonce makes two of them one.
    expect(await store.accept('a', 'b c', T0)).toBe(true);
    expect(await store.accept('a b', 'c', T0)).toBe(true);
  });

  test('[I6] whatever it holds: long, empty, with control characters', async () => {
    const { store } = await open();
    for (const nonce of ['x'.repeat(100_000), '', '\u0000', '\ud800', '\n', '😀']) {
      expect([await store.accept('s', nonce, T0), await store.accept('s', nonce, T0)]).toEqual([true, false]);
    }
  });

  test('[I6] of 100 at once, on two replicas, one is accepted', async () => {
    const { store, reopen } = await open();
    const other = await reopen();
    for (let round = 0; round < 5; round++) {
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, index) => (index % 2 === 0 ? store : other).accept('s', `n-${round}`, T0)),
      );
      expect(answers.filter((isAccepted) => isAccepted)).toHaveLength(1);
    }
  });

  test('[I6] a restart forgets none', async () => {
    const { store, reopen } = await open();
    await store.accept('s', 'n', T0);
    const restarted = await reopen();
    expect(await restarted.accept('s', 'n', T0)).toBe(false);
  });

  test('[I6] only what has expired is forgotten, so many at a time', async () => {
    const { store } = await open();
    for (let index = 0; index < 10; index++) await store.accept('s', `old-${index}`, T0 + index);
    await store.accept('s', 'new', T0 + 10);
    expect(await store.prune(T0 - 1, 100)).toBe(0);
    expect([await store.prune(T0 + 9, 6), await store.prune(T0 + 9, 6), await store.prune(T0 + 9, 6)]).toEqual([
      6, 4, 0,
    ]);
    expect(await store.accept('s', 'new', T0 + 10)).toBe(false);
    expect(await store.accept('s', 'old-0', T0 + 20)).toBe(true);
  });
}
