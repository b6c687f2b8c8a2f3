/** The Sealer: AES-256-GCM, each value bound to its key, table, column and row. */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { AppError } from '../../protocol/errors.ts';
import type { RandomBytes } from '../access/api-keys.ts';
import type { KeyRing } from './encryption-keys.ts';
import type { SealedSecret, Sealer, SecretPlace } from './sealer.ts';

const CIPHER = 'aes-256-gcm';
const PREFIX = 'enc:v1:';
const IV_BYTES = 12;
const TAG_BYTES = 16;
/** Lengths are those of 12 and 16 bytes in base64url. */
const ENVELOPE = /^enc:v1:([\w-]{16}):([\w-]{22}):([\w-]*)$/;

/** Whether a stored value says of itself that it is sealed; anything else is plaintext from before. */
export function isSealed(value: string): boolean {
  return value.startsWith('enc:');
}

export interface SealerOptions {
  readonly ring: KeyRing;
  readonly randomBytes: RandomBytes;
  /**
   * Whether a place may hold plaintext from before, which then opens as it is, until the start's rekeying has sealed it.
   * Elsewhere plaintext is as wrong as a broken envelope: whoever writes to the database must not choose the value.
   */
  readonly mayBePlaintext?: (place: SecretPlace) => boolean;
}

export class AesGcmSealer implements Sealer {
  readonly #ring: KeyRing;
  readonly #randomBytes: RandomBytes;
  readonly #mayBePlaintext: (place: SecretPlace) => boolean;

  constructor({ ring, randomBytes, mayBePlaintext = () => false }: SealerOptions) {
    this.#ring = ring;
    this.#randomBytes = randomBytes;
    this.#mayBePlaintext = mayBePlaintext;
  }

  /** Of the key that seals. */
  get currentKeyId(): string {
    return this.#ring.current.id;
  }

  /** Of all keys that open. */
  get keyIds(): readonly string[] {
    return [...this.#ring.keys.keys()];
  }

  seal(plaintext: string, place: SecretPlace): SealedSecret {
    const { id, bytes } = this.#ring.current;
    const iv = Buffer.from(this.#randomBytes(IV_BYTES));
    const cipher = createCipheriv(CIPHER, bytes, iv, { authTagLength: TAG_BYTES }).setAAD(associatedData(id, place));
    const text = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
    const parts = [iv, cipher.getAuthTag(), text].map((part) => part.toString('base64url'));
    return { keyId: id, envelope: `${PREFIX}${parts.join(':')}` };
  }

  open({ keyId, envelope }: SealedSecret, place: SecretPlace): string {
    if (!isSealed(envelope) && keyId === '' && this.#mayBePlaintext(place)) return envelope;
    const [, iv, tag, text] = ENVELOPE.exec(envelope) ?? [];
    if (iv === undefined || tag === undefined || text === undefined) throw failed('is no envelope', keyId, place);
    const key = this.#ring.keys.get(keyId);
    if (key === undefined) throw failed('was sealed with a key that is not here', keyId, place);
    try {
      const decipher = createDecipheriv(CIPHER, key.bytes, Buffer.from(iv, 'base64url'), { authTagLength: TAG_BYTES })
        .setAAD(associatedData(keyId, place))
        .setAuthTag(Buffer.from(tag, 'base64url'));
      return `${decipher.update(text, 'base64url', 'utf8')}${decipher.final('utf8')}`;
    } catch (cause) {
      throw failed('was changed, or belongs elsewhere', keyId, place, cause);
    }
  }
}

/** Each part with its length before it: no two places have the same bytes. */
function associatedData(keyId: string, { table, column, row }: SecretPlace): Buffer {
  const parts = [PREFIX, keyId, table, column, row].flatMap((part) => {
    const bytes = Buffer.from(part, 'utf8');
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return [length, bytes];
  });
  return Buffer.concat(parts);
}

function failed(why: string, keyId: string, { table, column, row }: SecretPlace, cause?: unknown): AppError {
  return new AppError('DECRYPTION_FAILED', 'A stored secret cannot be opened', {
    cause,
    detail: `${table}.${column} of the row ${row}, key ${keyId === '' ? 'none' : keyId}: it ${why}`,
  });
}
