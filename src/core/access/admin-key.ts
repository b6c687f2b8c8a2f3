/** The admin key as a source that may change while the process runs, and its comparison. */
import { timingSafeEqual } from 'node:crypto';
import { hashCredential } from './api-keys.ts';

export interface AdminKeySource {
  /** The key in force now. Cheap enough for every request: an implementation looks for a new one at most once a second. */
  current(): string;
}

/** A key that does not change: from the environment. */
export function fixedAdminKey(key: string): AdminKeySource {
  return { current: () => key };
}

/** Compares hashes of credentials; the time it takes says nothing about the admin key or its length. */
export class AdminKeyCheck {
  readonly #source: AdminKeySource;
  #key = '';
  #hash: Buffer = Buffer.alloc(0);

  constructor(source: AdminKeySource) {
    this.#source = source;
  }

  /** @param credentialHash of `hashCredential` */
  matches(credentialHash: string): boolean {
    const key = this.#source.current();
    if (key !== this.#key) {
      this.#hash = Buffer.from(hashCredential(key));
      this.#key = key;
    }
    const presented = Buffer.from(credentialHash);
    // An empty key would be a mistake of the composition; it opens nothing.
    return key !== '' && presented.length === this.#hash.length && timingSafeEqual(presented, this.#hash);
  }
}
