/** The port by which a nonce is accepted once. In the database always: a cache that is flushed would let replays in. */

export interface NonceStore {
  /**
   * `true` for the first who brings this nonce of this scope, on whichever replica, once it is on the disk; `false` for
   * everybody after, at least until `expiresAtMs`, by when the sender's own clock window must have ended.
   */
  accept(scope: string, nonce: string, expiresAtMs: number): Promise<boolean>;
  /** Forgets at most `limit` nonces that expired by `nowMs`; returns how many. */
  prune(nowMs: number, limit: number): Promise<number>;
}
