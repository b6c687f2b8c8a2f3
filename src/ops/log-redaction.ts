/** What keeps secrets and bodies out of the log, and how errors are written there. */
import { AppError } from '../protocol/errors.ts';

const CENSOR = '[redacted]';
const MAX_DEPTH = 8;
const MAX_ITEMS = 100;
const MAX_TEXT_LENGTH = 16_384;
const MAX_CAUSES = 5;
const MIN_SECRET_LENGTH = 6;
const MAX_REMEMBERED_NAMES = 2000;

/** Compared without case, `-` and `_`. */
const SENSITIVE_NAMES = new Set(['key', 'cookie', 'setcookie', 'credentials', 'body', 'rawbody', 'rawheaders', 'jwk']);
const SENSITIVE_ENDINGS = /(authorization|apikey|adminkey|privatekey|token|password|passwd|passphrase|secret)$/;
const SENSITIVE_QUERY = /([?&](?:[\w-]*(?:key|token|secret|password)|code|sig|signature)=)[^&#]*/gi;

const rememberedNames = new Map<string, boolean>();

function isSensitive(name: string): boolean {
  const known = rememberedNames.get(name);
  if (known !== undefined) return known;
  const folded = name.toLowerCase().replace(/[-_]/g, '');
  const answer = SENSITIVE_NAMES.has(folded) || SENSITIVE_ENDINGS.test(folded);
  if (rememberedNames.size < MAX_REMEMBERED_NAMES) rememberedNames.set(name, answer);
  return answer;
}

/**
 * The fields with secrets and bodies replaced, at any depth, and cut to a bounded size. The same object when nothing had
 * to be replaced; never changes the one that it is given.
 */
export function redact(fields: Record<string, unknown>): Record<string, unknown> {
  return redactObject(fields, 0);
}

/** Requests and replies go to their serializers as they are: what these need lies behind getters. */
function isForSerializer(value: object, name: string, depth: number): boolean {
  return depth === 1 && (name === 'req' || name === 'res') && !isPlain(value);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function redactValue(value: unknown, name: string, depth: number): unknown {
  if (value === null || value === undefined) return value;
  if (isSensitive(name)) return CENSOR;
  if (typeof value === 'string') return redactText(value, name);
  if (typeof value !== 'object' || value instanceof Error) return value;
  if (isForSerializer(value, name, depth)) return value;
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (depth >= MAX_DEPTH) return '[too deep]';
  if (Array.isArray(value)) return redactArray(value, depth);
  if ('toJSON' in value && typeof value.toJSON === 'function') return value;
  return redactObject(value as Record<string, unknown>, depth);
}

function redactText(text: string, name: string): string {
  if (text.length > MAX_TEXT_LENGTH) return cut(text);
  return name.toLowerCase().endsWith('url') && text.includes('?') ? text.replace(SENSITIVE_QUERY, `$1${CENSOR}`) : text;
}

function cut(text: string): string {
  return text.length > MAX_TEXT_LENGTH ? `${text.slice(0, MAX_TEXT_LENGTH)}... (${text.length} characters)` : text;
}

function redactArray(items: readonly unknown[], depth: number): unknown {
  const kept = items.slice(0, MAX_ITEMS);
  const redacted = kept.map((item) => redactValue(item, '', depth + 1));
  if (items.length > MAX_ITEMS) redacted.push(`... (${items.length} items)`);
  return items.length === redacted.length && redacted.every((item, index) => item === items[index]) ? items : redacted;
}

function redactObject(object: Record<string, unknown>, depth: number): Record<string, unknown> {
  let copy: Record<string, unknown> | undefined;
  for (const name of Object.keys(object)) {
    const value = object[name];
    const redacted = redactValue(value, name, depth + 1);
    if (redacted === value) continue;
    copy ??= { ...object };
    copy[name] = redacted;
  }
  return copy ?? object;
}

/** `text` with each secret of at least 6 characters replaced, also where it stands as JSON writes it. */
export function maskSecrets(text: string, secrets: readonly string[]): string {
  let masked = text;
  for (const secret of secrets) {
    if (secret.length < MIN_SECRET_LENGTH) continue;
    if (masked.includes(secret)) masked = masked.replaceAll(secret, CENSOR);
    const escaped = JSON.stringify(secret).slice(1, -1);
    if (escaped !== secret && masked.includes(escaped)) masked = masked.replaceAll(escaped, CENSOR);
  }
  return masked;
}

/** An error for the log: named fields only, as other fields of foreign errors may hold requests with their headers. */
export function serializeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error))
    return typeof error === 'object' && error !== null ? redactObject({ ...error }, 0) : error;
  const code =
    'code' in error && (typeof error.code === 'string' || typeof error.code === 'number') ? error.code : undefined;
  const errors = error instanceof AggregateError && depth < MAX_CAUSES ? error.errors.slice(0, MAX_CAUSES) : undefined;
  return {
    type: error.name,
    message: cut(error.message),
    code,
    detail: error instanceof AppError ? error.detail : undefined,
    metadata:
      error instanceof AppError && Object.keys(error.metadata).length > 0 ? redact({ ...error.metadata }) : undefined,
    stack: cut(error.stack ?? ''),
    errors: errors?.map((inner) => serializeError(inner, depth + 1)),
    cause: error.cause === undefined || depth >= MAX_CAUSES ? undefined : serializeError(error.cause, depth + 1),
  };
}

interface RequestFacts {
  readonly method?: string;
  readonly url?: string;
  readonly host?: string;
  readonly ip?: string;
}

/** A request of Fastify or of Node as its method, URL, host and address; a plain object was redacted already. */
export function serializeRequest(request: object): unknown {
  if (isPlain(request)) return request;
  const { method, url, host, ip } = request as RequestFacts;
  return { method, url: url === undefined ? undefined : redactText(url, 'url'), host, remoteAddress: ip };
}

/** A reply as its status. */
export function serializeReply(reply: object): unknown {
  return isPlain(reply) ? reply : { statusCode: (reply as { readonly statusCode?: number }).statusCode };
}
