/** The management API of encryption keys: what its requests and answers hold. */
import { z } from 'zod';
import { REKEY_BATCH } from '../../core/secrets/rekeying.ts';

/** POST /api/v1/encryption/rekey */
export const rekeyRequestSchema = z.strictObject({
  position: z
    .string()
    .max(1024)
    .default('')
    .meta({ description: 'The `nextPosition` of the batch before. Empty: from the beginning.' }),
  batchSize: z.int().min(1).max(1000).default(REKEY_BATCH).meta({ description: 'Values in this batch at most.' }),
});

export const rekeyBatchSchema = z.object({
  rewritten: z.int(),
  skipped: z.int().meta({ description: 'Changed by others meanwhile.' }),
  failed: z
    .array(z.object({ table: z.string(), row: z.string() }))
    .meta({ description: 'Values that cannot be opened; they stay as they are.' }),
  nextPosition: z.string().meta({ description: 'Empty: that was the last batch.' }),
});

export const encryptionStatusSchema = z.object({
  currentKeyId: z.string(),
  keys: z.array(
    z.object({
      keyId: z.string().meta({ description: 'Empty: plaintext from before.' }),
      isCurrent: z.boolean(),
      isHere: z.boolean().meta({ description: 'Whether this server has the key.' }),
      count: z.int().meta({ description: 'Values that it has sealed.' }),
    }),
  ),
  remaining: z.int().meta({ description: 'Values that the current key has not sealed yet.' }),
  removable: z.array(z.string()).meta({ description: 'Keys that may be taken out of the configuration.' }),
});

export type RekeyBatchAnswer = z.output<typeof rekeyBatchSchema>;
export type EncryptionStatus = z.output<typeof encryptionStatusSchema>;
