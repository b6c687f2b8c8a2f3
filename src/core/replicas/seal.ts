/**
 * Seals what goes over the bus: whoever can read or write there, and does not have the replicas' encryption key, learns
 * nothing and makes them do nothing. Each process derives a key of its own from the shared one and a random salt, so that
 * a counter is enough to make every nonce new. The salt comes with a mark that only holders of the shared key can make: a flood
 * of letters with salts that were made up costs a short hash each, and no key is derived for them.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { RandomBytes } from '../access/api-keys.ts';
import type { EncryptionKey, KeyRing } from '../secrets/encryption-keys.ts';

const CIPHER = 'aes-256-gcm';
const FORM = 2;
const KEY_ID_BYTES = 8;
const SALT_BYTES = 16;
const MARK_BYTES = 16;
const COUNTER_BYTES = 6;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Form, key id, salt, its mark and counter stand before the text, and are sealed with it; the tag comes after it. */
const SALT_AT = 1 + KEY_ID_BYTES;
const MARK_AT = SALT_AT + SALT_BYTES;
const HEAD_BYTES = MARK_AT + MARK_BYTES + COUNTER_BYTES;
/** What a derived key is for. */
const LETTERS = 'parley replica bus v2';
const MARKS = 'parley replica bus v2 marks';
/** Keys of other processes that are remembered; each is derived again when it is needed. */
const MAX_KEYS = 256;

/** By so much a sealed text is longer than its UTF-8 bytes. */
export const SEAL_BYTES = HEAD_BYTES + TAG_BYTES;

export interface LetterSeal {
  seal(text: string): Uint8Array;
  /** null: not sealed by a replica with one of our keys, or changed since. */
  open(payload: Uint8Array): string | null;
}

export class AesGcmLetterSeal implements LetterSeal {
  readonly #ring: KeyRing;
  readonly #head: Buffer;
  readonly #key: Uint8Array;
  readonly #keys = new Map<string, Uint8Array>();
  /** By the id of the shared key. */
  readonly #markKeys = new Map<string, Uint8Array>();
  #counter = 0;

  constructor(ring: KeyRing, randomBytes: RandomBytes) {
    this.#ring = ring;
    const salt = randomBytes(SALT_BYTES);
    const mark = this.#markOf(ring.current, salt);
    this.#head = Buffer.concat([Buffer.from([FORM]), Buffer.from(ring.current.id, 'hex'), salt, mark]);
    this.#key = derive(ring.current.bytes, salt, LETTERS);
  }

  seal(text: string): Uint8Array {
    const counter = Buffer.alloc(COUNTER_BYTES);
    counter.writeUIntBE(++this.#counter, 0, COUNTER_BYTES);
    const head = Buffer.concat([this.#head, counter]);
    const cipher = createCipheriv(CIPHER, this.#key, nonceOf(counter), { authTagLength: TAG_BYTES }).setAAD(head);
    const sealed = cipher.update(text, 'utf8');
    return Buffer.concat([head, sealed, cipher.final(), cipher.getAuthTag()]);
  }

  open(payload: Uint8Array): string | null {
    if (payload.length < SEAL_BYTES || payload[0] !== FORM) return null;
    const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.length);
    const head = bytes.subarray(0, HEAD_BYTES);
    const key = this.#keyOf(head);
    if (key === null) return null;
    const counter = head.subarray(HEAD_BYTES - COUNTER_BYTES);
    const decipher = createDecipheriv(CIPHER, key, nonceOf(counter), { authTagLength: TAG_BYTES })
      .setAAD(head)
      .setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
    try {
      const text = decipher.update(bytes.subarray(HEAD_BYTES, bytes.length - TAG_BYTES), undefined, 'utf8');
      return `${text}${decipher.final('utf8')}`;
    } catch {
      return null;
    }
  }

  #keyOf(head: Buffer): Uint8Array | null {
    const name = nameOf(head);
    const known = this.#keys.get(name);
    if (known !== undefined) return known;
    const shared = this.#ring.keys.get(name.slice(0, 2 * KEY_ID_BYTES));
    if (shared === undefined) return null;
    const salt = head.subarray(SALT_AT, MARK_AT);
    if (!timingSafeEqual(this.#markOf(shared, salt), head.subarray(MARK_AT, MARK_AT + MARK_BYTES))) return null;
    const key = derive(shared.bytes, salt, LETTERS);
    // Only now: whoever makes salts up would have the keys of the others forgotten.
    this.#remember(name, key);
    return key;
  }

  #markOf(shared: EncryptionKey, salt: Uint8Array): Uint8Array {
    let key = this.#markKeys.get(shared.id);
    if (key === undefined) {
      key = derive(shared.bytes, new Uint8Array(), MARKS);
      this.#markKeys.set(shared.id, key);
    }
    return createHmac('sha256', key).update(salt).digest().subarray(0, MARK_BYTES);
  }

  #remember(name: string, key: Uint8Array): void {
    const oldest = this.#keys.size >= MAX_KEYS ? this.#keys.keys().next().value : undefined;
    if (oldest !== undefined) this.#keys.delete(oldest);
    this.#keys.set(name, key);
  }
}

const nameOf = (head: Buffer): string => head.toString('hex', 1, MARK_AT);

function derive(shared: Uint8Array, salt: Uint8Array, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', shared, salt, purpose, 32));
}

function nonceOf(counter: Uint8Array): Uint8Array {
  const nonce = Buffer.alloc(NONCE_BYTES);
  nonce.set(counter, NONCE_BYTES - COUNTER_BYTES);
  return nonce;
}
