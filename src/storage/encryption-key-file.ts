/** The encryption keys in a file of the data directory: made at the first start where the configuration has none. */
import { join } from 'node:path';
import type { RandomBytes } from '../core/access/api-keys.ts';
import { ENCRYPTION_KEY_BYTES, encryptionKeysProblem } from '../core/secrets/encryption-keys.ts';
import { AppError } from '../protocol/errors.ts';
import { fileVersion, makeSecretFile, readSecretText } from './secret-file.ts';

export function defaultEncryptionKeyFile(dataDir: string): string {
  return join(dataDir, 'encryption.key');
}

/** The text of the file, made with a new key where there is none; the caller has seen to it that none is missing. */
export function openEncryptionKeyFile(path: string, randomBytes: RandomBytes): string {
  makeSecretFile(path, 'a new encryption key', randomBytes, () => {
    const key = Buffer.from(randomBytes(ENCRYPTION_KEY_BYTES)).toString('base64');
    return `# Opens the secrets in the database: keep it, and keep it apart from backups of the database.\n${key}\n`;
  });
  return readEncryptionKeyFile(path) ?? '';
}

/** null: there is no such file. Throws UNAVAILABLE, with the path and what is wrong, for one that cannot be used. */
export function readEncryptionKeyFile(path: string): string | null {
  if (fileVersion(path) === null) return null;
  const text = readSecretText(path, 'the encryption keys');
  const problem = encryptionKeysProblem(text);
  if (problem === undefined) return text;
  throw new AppError('UNAVAILABLE', `the encryption key in ${path} ${problem}`);
}
