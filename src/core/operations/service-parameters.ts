/**
 * The parameters of a call that travel beside its body (A2A 1.0 section 3.2.6): HTTP headers or gRPC metadata, read the
 * same. A value that came several times is joined by commas before.
 */
import type { AppError } from '../../protocol/errors.ts';
import { invalidParams } from '../../protocol/violations.ts';

const MAX_IDEMPOTENCY_KEY = 255;

/** What a caller may choose as request id; anything else is replaced. */
const REQUEST_ID = /^[\w.:-]{1,128}$/;

export function isRequestId(text: string | undefined): text is string {
  return text !== undefined && REQUEST_ID.test(text);
}

/** `Idempotency-Key`. Throws INVALID_PARAMS. */
export function idempotencyKeyOf(key: string | undefined): string | undefined {
  if (key === undefined || (key.length > 0 && key.length <= MAX_IDEMPOTENCY_KEY)) return key;
  throw invalidParameter('Idempotency-Key', `must have 1 to ${MAX_IDEMPOTENCY_KEY} characters`);
}

/** The URIs in `A2A-Extensions`. */
export function extensionsOf(header: string | undefined): readonly string[] {
  if (header === undefined) return [];
  return header.split(',').flatMap((uri) => (uri.trim() === '' ? [] : [uri.trim()]));
}

/** `Last-Event-ID`. Throws INVALID_PARAMS. */
export function lastEventIdOf(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw invalidParameter('Last-Event-ID', 'must be the id of an event, a whole number');
}

function invalidParameter(field: string, description: string): AppError {
  return invalidParams([{ field, description }]);
}
