/** Secrets: which admin keys are too weak, how secret files are read, and what is shown instead of a secret. */
import { readFileSync, statSync } from 'node:fs';

export const MASK = '********';
export const MIN_ADMIN_KEY_LENGTH = 16;
const MAX_SECRET_FILE_BYTES = 64 * 1024;

const HOW_TO_MAKE = '`openssl rand -base64 32` makes a good one';
const PLACEHOLDER = /change[-_ ]?(me|this)|replace[-_ ]?(with|me|this)|your[-_ ]|placeholder|example|^\*+$|^<.*>$/i;
const COMMON_WORDS =
  /administrator|admin|password|passwd|secret|default|letmein|welcome|qwerty|master|token|super|strong|parley|agent|test|root|user|key|api|dev|pass/gi;
const SEQUENCES = ['0123456789012345678901234567890123456789', 'abcdefghijklmnopqrstuvwxyz', '0123456789abcdef'];

/** Why a key cannot be the admin key, as the end of "must ...", never with the key in it; undefined: it can. */
export function adminKeyProblem(key: string): string | undefined {
  if (!/^[\x21-\x7e]+$/.test(key)) {
    return `must be printable ASCII without spaces and line breaks, as it travels in a header; ${HOW_TO_MAKE}`;
  }
  if (key.length > 512) return `must have at most 512 characters; ${HOW_TO_MAKE}`;
  if (PLACEHOLDER.test(key) || isMadeOfCommonWords(key)) {
    return `must not be a default or a placeholder that others can guess; ${HOW_TO_MAKE}`;
  }
  if (key.length < MIN_ADMIN_KEY_LENGTH) {
    return `must have at least ${MIN_ADMIN_KEY_LENGTH} characters, not ${key.length}; ${HOW_TO_MAKE}`;
  }
  if (isRepetition(key) || new Set(key).size < 6 || isSequence(key)) {
    return `must not be a repetition or a sequence; ${HOW_TO_MAKE}`;
  }
  return undefined;
}

function isMadeOfCommonWords(key: string): boolean {
  const rest = key.replace(COMMON_WORDS, '').replace(/[^a-z0-9]/gi, '');
  return rest.length < key.length && rest.replace(/\d{1,4}$/, '').length < 6;
}

function isRepetition(key: string): boolean {
  for (let period = 1; period <= key.length / 2; period++) {
    if (key.split('').every((character, index) => index < period || character === key[index - period])) return true;
  }
  return false;
}

function isSequence(key: string): boolean {
  const reversed = key.split('').reverse().join('');
  return [key, reversed].some((text) => SEQUENCES.some((run) => `${run}${run}`.includes(text.toLowerCase())));
}

/** Reads a file that holds one secret; the line break at its end is no part of it. */
export function readSecretFile(path: string): { readonly value: string } | { readonly problem: string } {
  try {
    const { size } = statSync(path);
    if (size > MAX_SECRET_FILE_BYTES) return { problem: `${path} has ${size} bytes; a secret has at most 65536` };
    const value = readFileSync(path, 'utf8').replace(/[\r\n]+$/, '');
    return value === '' ? { problem: `${path} is empty` } : { value };
  } catch (error) {
    return { problem: `cannot read ${path}: ${readErrorText(error)}` };
  }
}

/** A file-system error in words. */
export function readErrorText(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied';
  if (code === 'EISDIR') return 'it is a directory';
  return error instanceof Error ? error.message : String(error);
}
