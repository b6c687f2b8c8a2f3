/** The scalar forms that both protocol versions share: ids, base64, timestamps. */
import { z } from 'zod';
import type { JsonObject } from './json.ts';

/** The largest value of an int32 field. */
export const MAX_INT32 = 2_147_483_647;

const NO_CONTROL_CHARACTERS = /^\P{Cc}*$/u;
const NO_CONTROL_MESSAGE = 'must not contain control characters';
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

/**
 * A field that may be absent. It is zod's `optional`, which returns at once where the field is absent (`exactOptional`
 * first tries the inner schema, at ten times the cost), under the type of `exactOptional`: a parsed JSON value never
 * holds `undefined`.
 */
export function optionalField<T extends z.ZodType>(schema: T): z.ZodExactOptional<T> {
  return z.optional(schema) as unknown as z.ZodExactOptional<T>;
}

/** Task, context and configuration ids: 1 to 256 characters without control characters. */
export const idSchema = z.string().min(1).max(256).regex(NO_CONTROL_CHARACTERS, NO_CONTROL_MESSAGE);

/** `messageId`: 1 to 512 characters without control characters. */
export const messageIdSchema = z.string().min(1).max(512).regex(NO_CONTROL_CHARACTERS, NO_CONTROL_MESSAGE);

/** `tenant`, `pageToken` and other short opaque strings. */
export const shortTextSchema = z.string().max(2048);

/** A webhook's address: an absolute http or https URL of at most 2048 characters. Whether it may be called is decided elsewhere. */
export const webhookUrlSchema = z
  .string()
  .min(1)
  .max(2048)
  .check((context) => {
    if (isHttpUrl(context.value)) return;
    const message = 'must be an absolute http or https URL';
    context.issues.push({ code: 'custom', message, input: context.value });
  });

function isHttpUrl(text: string): boolean {
  return /^https?:\/\//i.test(text) && URL.canParse(text);
}

export const historyLengthSchema = z.int().min(0).max(MAX_INT32);

/** ListTasks and ListTaskPushNotificationConfigs: 1 to 100 (A2A 1.0 section 3.1.4). */
export const pageSizeSchema = z.int().min(1).max(100);

/** An object whose content belongs to the caller; it is passed on by reference, so that no key of it can do harm. */
export const jsonObjectSchema = z.custom<JsonObject>(isJsonObject, 'expected object');

/** Whether a value of parsed JSON is an object (not an array, not null). */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Base64 in the standard or the URL-safe alphabet, padded or not; the output is standard and padded. */
export const base64Schema = z
  .string()
  .check((context) => {
    if (isBase64(context.value)) return;
    context.issues.push({ code: 'custom', message: 'must be base64', input: context.value });
  })
  .overwrite(normalizeBase64);

function isBase64(text: string): boolean {
  if (!BASE64.test(text)) return false;
  return text.endsWith('=') ? text.length % 4 === 0 : text.length % 4 !== 1;
}

/** Base64 of any alphabet and padding in its standard, padded form. */
export function normalizeBase64(text: string): string {
  // An earlier check may have failed: zod still runs what follows, and the result is thrown away.
  const standard = text.includes('-') || text.includes('_') ? text.replaceAll('-', '+').replaceAll('_', '/') : text;
  const missing = (4 - (standard.length % 4)) % 4;
  return missing === 0 ? standard : standard + '='.repeat(missing);
}

/** An RFC 3339 timestamp; the output is UTC in milliseconds, rounded up, which keeps "at or after" true to the input. */
export const timestampSchema = z.iso
  .datetime({ offset: true, error: 'must be an RFC 3339 timestamp such as 2025-11-09T10:30:00Z' })
  .overwrite(normalizeTimestamp);

function normalizeTimestamp(text: string): string {
  const milliseconds = Date.parse(text);
  if (Number.isNaN(milliseconds)) return text;
  const fraction = /\.(\d+)/.exec(text)?.[1] ?? '';
  const hasFinerPart = /[1-9]/.test(fraction.slice(3));
  return new Date(hasFinerPart ? milliseconds + 1 : milliseconds).toISOString();
}
