/** The sealer of a database: its keys from the configuration, or else from a file that the first start makes. */
import type { RandomBytes } from '../core/access/api-keys.ts';
import type { Logger } from '../core/logger.ts';
import { AesGcmSealer } from '../core/secrets/aes-gcm-sealer.ts';
import { isKeyId, type KeyRing, keyRing } from '../core/secrets/encryption-keys.ts';
import { Rekeying } from '../core/secrets/rekeying.ts';
import { mayBePlaintext, type SealedColumn } from '../core/secrets/sealed-columns.ts';
import type { SealedValueStore } from '../core/secrets/sealed-value-store.ts';
import { AppError } from '../protocol/errors.ts';
import { defaultEncryptionKeyFile, openEncryptionKeyFile, readEncryptionKeyFile } from './encryption-key-file.ts';

export interface OpenSealerOptions {
  /** As configured: one or more keys, one to a line; undefined: they are in a file of `dataDir`. */
  readonly encryptionKey: string | undefined;
  readonly previousKeys: readonly string[];
  /** Go on although keys are missing. */
  readonly startWithoutKeys: boolean;
  /** `false`: keys other than the present one may be missing, for the command that tells so. */
  readonly needsAllKeys: boolean;
  readonly dataDir: string;
  readonly store: SealedValueStore;
  readonly columns: readonly SealedColumn[];
  readonly randomBytes: RandomBytes;
  readonly logger: Logger;
}

export interface OpenedSealer {
  readonly ring: KeyRing;
  readonly sealer: AesGcmSealer;
  readonly rekeying: Rekeying;
}

/** Throws UNAVAILABLE where the database holds secrets whose key is not here, before a new key is made beside them. */
export async function openSealer(options: OpenSealerOptions): Promise<OpenedSealer> {
  const { encryptionKey, previousKeys, store, columns, logger } = options;
  const keys = encryptionKey ?? (await keysOfFile(options));
  const ring = keyRing([keys, ...previousKeys]);
  const sealer = new AesGcmSealer({ ring, randomBytes: options.randomBytes, mayBePlaintext: mayBePlaintext(columns) });
  const rekeying = new Rekeying({ store, sealer, columns, logger });
  try {
    if (options.needsAllKeys) await rekeying.requireKeys();
  } catch (error) {
    if (!options.startWithoutKeys || !(error instanceof AppError)) throw error;
    logger.error({ err: error }, 'secrets in the database cannot be opened; starting all the same, as configured');
  }
  return { ring, sealer, rekeying };
}

async function keysOfFile(options: OpenSealerOptions): Promise<string> {
  const path = defaultEncryptionKeyFile(options.dataDir);
  const text = readEncryptionKeyFile(path);
  if (text !== null) return text;
  if (!options.startWithoutKeys && options.previousKeys.length === 0 && (await holdsSealedValues(options))) {
    throw new AppError(
      'UNAVAILABLE',
      `the database holds encrypted secrets, and there is no encryption key: ENCRYPTION_KEY is not set and ${path} is not ` +
        'there. Restore that file or set ENCRYPTION_KEY; replicas on one database need the same key, so that a further one ' +
        'gets that of the first (encryption.key in its data directory, where the first made it). If it is lost, set ' +
        'secrets.startWithoutKeys: true: those secrets stay unreadable, and everything else works',
    );
  }
  return openEncryptionKeyFile(path, options.randomBytes);
}

async function holdsSealedValues({ store, columns }: OpenSealerOptions): Promise<boolean> {
  for (const column of columns) {
    if ((await store.counts(column)).some(({ keyId }) => isKeyId(keyId))) return true;
  }
  return false;
}
