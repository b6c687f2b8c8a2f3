/** Decoding of one request by its schema: presence, validation, storability. Both protocol versions use it. */
import type { z } from 'zod';
import { dropAbsent } from './presence.ts';
import { findUnstorableText } from './storable.ts';
import { invalidParams, violationsOf } from './violations.ts';

/**
 * `raw` (parsed JSON) as a valid request that has only known fields, in the order of the schema, so that its JSON text
 * is canonical; what lies inside `metadata` and `data` is the caller's own and kept as it is.
 *
 * @throws AppError INVALID_PARAMS with a violation for each bad field.
 */
export function decodeWith<T>(schema: z.ZodType<T>, raw: unknown): T {
  const present = dropAbsent(raw);
  const result = schema.safeParse(present);
  if (!result.success) throw invalidParams(violationsOf(result.error.issues, present));
  const unstorable = findUnstorableText(result.data);
  if (unstorable.length > 0) throw invalidParams(unstorable);
  return result.data;
}
