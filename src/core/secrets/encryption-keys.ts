/** Encryption keys as operators give them: read from text, judged, and named by an id that says nothing of the key. */
import { createHash } from 'node:crypto';
import { AppError } from '../../protocol/errors.ts';

export const ENCRYPTION_KEY_BYTES = 32;
/** Of 32 random bytes about 30 differ; fewer than this means that nobody threw dice. */
const MIN_DISTINCT_BYTES = 16;
const HOW_TO_MAKE = '`openssl rand -base64 32` makes a good one';

export interface EncryptionKey {
  /** 16 hexadecimal digits, derived from the key: it stands beside each value that was sealed with it. */
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** The key that seals, and all that open. */
export interface KeyRing {
  readonly current: EncryptionKey;
  /** By id; the current one is among them. */
  readonly keys: ReadonlyMap<string, EncryptionKey>;
}

/** One key to a line; empty lines and lines that begin with `#` do not count. */
export function encryptionKeyLines(text: string): readonly string[] {
  return text.split(/\r?\n/).flatMap((line) => (/^\s*(#|$)/.test(line) ? [] : [line.trim()]));
}

/** Why a text cannot be the encryption keys, as the end of "must ...", never with a key in it; undefined: it can. */
export function encryptionKeysProblem(text: string): string | undefined {
  const lines = encryptionKeyLines(text);
  if (lines.length === 0) return `must hold a key; ${HOW_TO_MAKE}`;
  for (const line of lines) {
    const problem = keyProblem(line);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function keyProblem(line: string): string | undefined {
  const bytes = decode(line);
  if (bytes === null) {
    return `must be ${ENCRYPTION_KEY_BYTES} bytes in base64 (44 characters) or hexadecimal (64 digits), one key to a line; ${HOW_TO_MAKE}`;
  }
  if (new Set(bytes).size < MIN_DISTINCT_BYTES || isSequence(bytes)) {
    return `must not be a repetition or a sequence; ${HOW_TO_MAKE}`;
  }
  if (bytes.every((byte) => byte >= 0x20 && byte < 0x7f)) {
    return `must be random bytes, not text in another form; ${HOW_TO_MAKE}`;
  }
  return undefined;
}

function decode(line: string): Uint8Array | null {
  if (/^[0-9a-f]{64}$/i.test(line)) return Buffer.from(line, 'hex');
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(line)) return null;
  const bytes = Buffer.from(line, 'base64');
  return bytes.length === ENCRYPTION_KEY_BYTES ? bytes : null;
}

function isSequence(bytes: Uint8Array): boolean {
  const step = (((bytes[1] ?? 0) - (bytes[0] ?? 0)) & 0xff) >>> 0;
  return bytes.every((byte, index) => index === 0 || ((byte - (bytes[index - 1] ?? 0)) & 0xff) === step);
}

/** Whether a text can be the id of a key. */
export const isKeyId = (text: string): boolean => /^[0-9a-f]{16}$/.test(text);

function encryptionKey(bytes: Uint8Array): EncryptionKey {
  const id = createHash('sha256').update('parley encryption key id v1\0').update(bytes).digest('hex').slice(0, 16);
  return { id, bytes };
}

/**
 * The first key of the first text seals; the others open what was sealed before. A key that is named twice counts once.
 * Throws INVALID_REQUEST for a text with a problem.
 */
export function keyRing(texts: readonly string[]): KeyRing {
  const all = texts.flatMap((text) => {
    const problem = encryptionKeysProblem(text);
    if (problem !== undefined) throw new AppError('INVALID_REQUEST', `an encryption key ${problem}`);
    return encryptionKeyLines(text).map((line) => encryptionKey(decode(line) ?? new Uint8Array()));
  });
  const [current] = all;
  if (current === undefined) throw new AppError('INVALID_REQUEST', 'there is no encryption key');
  return { current, keys: new Map(all.map((key) => [key.id, key])) };
}
