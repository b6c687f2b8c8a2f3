/** Cards and keys that a command is given: from a file, standard input, or an address, within limits. */
import { readFileSync, statSync } from 'node:fs';
import { request } from 'undici';
import { AppError } from '../protocol/errors.ts';
import type { JsonObject } from '../protocol/json.ts';
import { isJsonObject } from '../protocol/scalars.ts';

const TIMEOUT_MS = 10_000;
const MAX_BYTES = 1024 * 1024;
const WELL_KNOWN = '/.well-known/agent-card.json';

export interface CardSource {
  readonly card: JsonObject;
  /** Where it came from; null: a file, of which nothing is known. */
  readonly origin: string | null;
  /** For people to read. */
  readonly name: string;
}

export const isUrl = (text: string): boolean => /^https?:\/\//i.test(text);

/** An address that names no JSON file is that of an agent, whose card lies below it. */
export async function readCard(where: string): Promise<CardSource> {
  if (!isUrl(where)) return { card: objectOf(readText(where), where), origin: null, name: where };
  const url = urlOf(where);
  if (!url.pathname.endsWith('.json')) url.pathname = `${url.pathname.replace(/\/+$/, '')}${WELL_KNOWN}`;
  return { card: await fetchJson(url), origin: url.origin, name: url.href };
}

/** A JSON object from a file or an address, such as a JWKS. */
export async function readJson(where: string): Promise<JsonObject> {
  return isUrl(where) ? fetchJson(urlOf(where)) : objectOf(readText(where), where);
}

/** `-` is standard input. */
export function readText(path: string): string {
  try {
    if (path !== '-' && statSync(path).size > MAX_BYTES) throw new Error(`it has more than ${MAX_BYTES} bytes`);
    return readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AppError('UNAVAILABLE', `cannot read ${path}: ${why}`, { cause });
  }
}

function urlOf(text: string): URL {
  if (!URL.canParse(text)) throw new AppError('INVALID_PARAMS', `not a URL: ${JSON.stringify(text)}`);
  return new URL(text);
}

/** No redirect is followed: who answers is part of what is checked. */
async function fetchJson(url: URL): Promise<JsonObject> {
  let status: number;
  let location: unknown;
  const chunks: Buffer[] = [];
  try {
    const answer = await request(url, {
      headers: { accept: 'application/json', 'a2a-version': '1.0' },
      signal: AbortSignal.timeout(TIMEOUT_MS),
      reset: true,
    });
    status = answer.statusCode;
    location = answer.headers['location'];
    let size = 0;
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_BYTES) throw new Error(`the answer has more than ${MAX_BYTES} bytes`);
      chunks.push(chunk);
    }
  } catch (cause) {
    const why = cause instanceof Error ? ('code' in cause ? String(cause.code) : cause.message) : String(cause);
    throw new AppError('UNAVAILABLE', `cannot get ${url.href}: ${why}`, { cause });
  }
  if (status >= 300 && status < 400 && typeof location === 'string') {
    throw new AppError('UNAVAILABLE', `${url.href} redirects to ${location}; name that address if you trust it`);
  }
  if (status !== 200) throw new AppError('UNAVAILABLE', `${url.href} answered with status ${status}`);
  return objectOf(Buffer.concat(chunks).toString(), url.href);
}

function objectOf(text: string, name: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Told below.
  }
  if (isJsonObject(value)) return value;
  throw new AppError('INVALID_PARAMS', `${name} holds no JSON object`);
}
