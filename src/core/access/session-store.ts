/** The port through which sessions are kept. They are stored by a hash: nothing here can give a cookie back. */

export interface SessionRecord {
  /** SHA-256 of what the cookie holds, in base64url; unique. */
  readonly tokenHash: string;
  /** Names the session for people; it opens nothing. */
  readonly id: string;
  readonly kind: 'admin' | 'key';
  readonly ownerId: string;
  readonly keyId: string | null;
  /** What the session was opened with must still be this: see Sessions. */
  readonly credential: string;
  readonly userAgent: string;
  readonly createdAtMs: number;
  /** Within about a minute. */
  readonly lastSeenAtMs: number;
  /** Its end, however much it is used. */
  readonly expiresAtMs: number;
}

/** Every method is one atomic statement, or one transaction. */
export interface SessionStore {
  /** Ends the oldest sessions of the owner beyond `maxPerOwner`, this one included in the count; answers which. */
  insert(record: SessionRecord, maxPerOwner: number): Promise<readonly Pick<SessionRecord, 'id' | 'tokenHash'>[]>;
  find(tokenHash: string): Promise<SessionRecord | null>;
  /** Newest first, at most `limit`; ownerId null: of everybody. */
  list(ownerId: string | null, limit: number): Promise<readonly SessionRecord[]>;
  findById(id: string): Promise<SessionRecord | null>;
  /** Moves `lastSeenAtMs` forward, never back. */
  touch(tokenHash: string, nowMs: number): Promise<void>;
  /** `false`: there was none. */
  delete(id: string): Promise<boolean>;
  /** Forgets what has ended: past its time, or last seen before `idleBeforeMs`. */
  prune(nowMs: number, idleBeforeMs: number): Promise<void>;
}
