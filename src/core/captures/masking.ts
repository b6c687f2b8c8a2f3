/** What of a frame nobody may see, not even who asked for the capture: credentials in headers, addresses and bodies. */

const SECRET_HEADER =
  /(authorization|^x-auth|cookie|api[-_]?key|token|secret|passw|credential|jwt|assertion|signature|client-cert)/i;
/** Whoever wrote another word there may have written the credential itself. */
const SCHEME = /^(basic|bearer|digest|dpop|hoba|mutual|negotiate|ntlm|token) \S/i;
const SECRET_PARAMETER = /(key|token|secret|passw|credential|auth|signature|jwt)/i;
/** The one parameter of A2A that is called a token and is none. */
const PAGE_TOKEN = /^page_?token$/i;
const PARAMETER = /(^|[?&])([^=&?#\s]+)=([^&#\s]+)/g;
const SECRET_MEMBER = /^(token|credentials)$/i;
/** What is left to be found where quotes do not pair up, because the body is no JSON. */
const LOOSE_MEMBER = /("(?:token|credentials)"\s*:\s*")(?:[^"\\]|\\[^])*("|\\?$)/gi;
const PUSH_WORDS = `${anySpelling('push')}(?:_|\\\\u005f)?${anySpelling('notification')}`;
const PUSH = new RegExp(PUSH_WORDS, 'i');
const PUSH_METHOD = new RegExp(`"${anySpelling('method')}"\\s*:\\s*"[^"]*${PUSH_WORDS}`, 'i');
const MASK = '***';

export type Headers = readonly (readonly [name: string, value: string])[];

/** The scheme of a credential stays: it says how the caller tried. */
export function maskHeaders(headers: Headers): Headers {
  return headers.map(([name, value]) => {
    if (!SECRET_HEADER.test(name)) return [name, maskParameters(value)];
    const scheme = /authorization/i.test(name) ? SCHEME.exec(value)?.[1] : undefined;
    return [name, scheme === undefined ? MASK : `${scheme} ${MASK}`];
  });
}

/** Parameters of an address, or of a form, that are called like credentials. */
export function maskParameters(text: string): string {
  if (!text.includes('=')) return text;
  return text.replace(PARAMETER, (all: string, before: string, name: string) => {
    const known = decoded(name);
    return SECRET_PARAMETER.test(known) && !PAGE_TOKEN.test(known) ? `${before}${name}=${MASK}` : all;
  });
}

/** Whether a call is one of the operations on push configurations: then its answer may hold one that does not say so. */
export function isAboutPush(line: string, body: string): boolean {
  return PUSH.test(decoded(line)) || PUSH_METHOD.test(body);
}

/**
 * Members named `token` and `credentials`, wherever they are and however they are written; where a push configuration
 * is in the text, or `isPush`, also all of an address but its host.
 */
export function maskBody(body: string, isPush = false): string {
  if (!/["{[]/.test(body)) return maskParameters(body);
  return maskMembers(body, isPush || PUSH.test(body)).replace(LOOSE_MEMBER, `$1${MASK}$2`);
}

function maskMembers(body: string, isPush: boolean): string {
  let masked = '';
  let kept = 0;
  for (let at = body.indexOf('"'); at !== -1; at = body.indexOf('"', at)) {
    const end = endOfString(body, at);
    const colon = skipSpace(body, end);
    if (body[colon] !== ':') {
      at = end;
      continue;
    }
    const name = textOf(body.slice(at, end));
    const from = skipSpace(body, colon + 1);
    const isAddress = isPush && /^url$/i.test(name) && body[from] === '"';
    if (!isAddress && !SECRET_MEMBER.test(name)) {
      at = colon;
      continue;
    }
    const to = endOfValue(body, from);
    const value = body.slice(from, to);
    masked += body.slice(kept, from) + (isAddress ? maskAddress(value) : maskValue(value));
    kept = to;
    at = to;
  }
  return masked + body.slice(kept);
}

/** A value that was cut off has no end, and keeps none. */
function maskValue(value: string): string {
  if (value === '' || value === 'null') return value;
  return value.startsWith('"') && !isWhole(value) ? `"${MASK}` : `"${MASK}"`;
}

function maskAddress(value: string): string {
  if (!isWhole(value)) return `"${MASK}`;
  const [, scheme, authority = ''] = /^\s*(https?:)[\\/]*([^\\/?#]*)/i.exec(textOf(value)) ?? [];
  if (scheme === undefined) return `"${MASK}"`;
  return JSON.stringify(`${scheme}//${authority.slice(authority.lastIndexOf('@') + 1)}/${MASK}`);
}

const isWhole = (text: string): boolean => text.length > 1 && endsQuoted(text);

/** Whether the last quote is one, and not escaped. */
function endsQuoted(text: string): boolean {
  return /(?:^|[^\\])(?:\\\\)*"$/.test(text.slice(1));
}

/** After the quote that ends the string which begins at `start`, or after the text. */
function endOfString(text: string, start: number): number {
  for (let index = start + 1; index < text.length; index++) {
    if (text[index] === '\\') index++;
    else if (text[index] === '"') return index + 1;
  }
  return text.length;
}

/** Of whatever begins at `start`: a string, an object or array with all that is in it, or a word. */
function endOfValue(text: string, start: number): number {
  let depth = 0;
  for (let index = start; index < text.length; index++) {
    const character = text[index] ?? '';
    if (character === '"') index = endOfString(text, index) - 1;
    else if (character === '{' || character === '[') depth++;
    else if (character === '}' || character === ']') {
      if (depth === 0) return index;
      depth--;
    } else if (depth > 0 || !/[\s,]/.test(character)) continue;
    else return index;
    if (depth === 0) return index + 1;
  }
  return text.length;
}

function skipSpace(text: string, from: number): number {
  let index = from;
  while (index < text.length && /\s/.test(text[index] ?? '')) index++;
  return index;
}

/** What a JSON string says; where it is none, as it is written. */
function textOf(string: string): string {
  if (!string.includes('\\')) return string.slice(1, string.endsWith('"') ? -1 : undefined);
  try {
    return String(JSON.parse(string));
  } catch {
    return unescaped(string.slice(1, -1));
  }
}

function unescaped(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replace(/\\u([0-9a-f]{4})/gi, (_all, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A pattern for this word in lower case, in which each letter may be written as JSON may escape it, in either case. */
function anySpelling(word: string): string {
  const codeOf = (letter: string): string => letter.charCodeAt(0).toString(16);
  return word.replace(/./g, (letter) => `(?:${letter}|\\\\u00(?:${codeOf(letter)}|${codeOf(letter.toUpperCase())}))`);
}
