/** The port through which API keys are kept. They are stored as hashes: nothing here can give a key back. */
import type { Scope } from './principal.ts';

export interface ApiKeyRecord {
  /** UUID version 7. */
  readonly id: string;
  readonly ownerId: string;
  readonly name: string;
  /** SHA-256 of the key in base64url; unique. */
  readonly keyHash: string;
  /** The first characters of the key, for people to tell keys apart. */
  readonly prefix: string;
  readonly scopes: readonly Scope[];
  /** The agents that it may use; null: all. */
  readonly agents: readonly string[] | null;
  readonly disabled: boolean;
  readonly createdAtMs: number;
  /** Grows with every change, also with two in one millisecond. Being used is no change. */
  readonly updatedAtMs: number;
  /** From this moment on the key is refused; null: never. */
  readonly expiresAtMs: number | null;
  /** Within about a minute; null: never used. */
  readonly lastUsedAtMs: number | null;
  /** The key before the last rotation, which works until `previousExpiresAtMs`; both are null, or neither. */
  readonly previousHash: string | null;
  readonly previousExpiresAtMs: number | null;
}

/** The columns that a change names; the others stay as they are. */
export interface ApiKeyChanges {
  readonly name?: string;
  readonly scopes?: readonly Scope[];
  readonly agents?: readonly string[] | null;
  readonly expiresAtMs?: number | null;
  readonly disabled?: boolean;
}

export interface ApiKeyRotation {
  readonly keyHash: string;
  readonly prefix: string;
  /** Until when the key that is replaced still works; null: it stops at once. */
  readonly previousExpiresAtMs: number | null;
}

export interface ApiKeyUse {
  readonly id: string;
  readonly usedAtMs: number;
}

/** Position in the list: what follows it is older. */
export interface ApiKeyCursor {
  readonly createdAtMs: number;
  readonly id: string;
}

/** Every method is one atomic statement. A database that cannot be reached is an error, never an empty answer. */
export interface ApiKeyStore {
  insert(record: ApiKeyRecord): Promise<void>;
  find(id: string): Promise<ApiKeyRecord | null>;
  /** The record whose current key has this hash, or whose previous one has it and still works at `nowMs`. */
  findByHash(keyHash: string, nowMs: number): Promise<ApiKeyRecord | null>;
  /** Newest first, at most `limit`. */
  list(limit: number, after: ApiKeyCursor | null): Promise<readonly ApiKeyRecord[]>;
  /** Whether a key or a task belongs to this principal. */
  ownerExists(ownerId: string): Promise<boolean>;
  /** The record after the change; null: there is none. Changes of different columns do not undo each other. */
  update(id: string, changes: ApiKeyChanges, nowMs: number): Promise<ApiKeyRecord | null>;
  /** Replaces the key whose hash is `fromHash`; null: there is no such record, or it has another key by now. */
  rotate(id: string, fromHash: string, rotation: ApiKeyRotation, nowMs: number): Promise<ApiKeyRecord | null>;
  /** `false`: there was none. */
  delete(id: string): Promise<boolean>;
  /** Moves `lastUsedAtMs` forward, never back; keys that are gone are skipped. Each id at most once. */
  touchLastUsed(uses: readonly ApiKeyUse[]): Promise<void>;
}
