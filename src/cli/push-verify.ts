/** `parley push verify`: whether a request that a receiver got is a push of this server, unchanged and recent. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { JSONWebKeySet } from 'jose';
import {
  DEFAULT_TOLERANCE_SECONDS,
  EVENT_ID_HEADER,
  pushProblem,
  SIGNATURE_HEADER,
  TIMESTAMP_HEADER,
} from '../core/push/signature.ts';
import { AppError } from '../protocol/errors.ts';
import type { AdminCommandOptions } from './admin-command.ts';

interface VerifyFlags {
  readonly url: string;
  readonly jwks: string;
  readonly headers?: string;
  readonly body?: string;
  readonly tolerance: string;
}

const STDIN = 0;
const TIMEOUT_MS = 10_000;
const MAX_JWKS_CHARS = 1024 * 1024;

/** Exit code 0: valid. 1: not, and why. 2: it could not be found out. */
export function registerPushVerify(push: Command, options: AdminCommandOptions): void {
  push
    .command('verify')
    .description('check the signature of a push that was received')
    .requiredOption('--url <url>', 'address of the receiver, exactly as it was configured')
    .requiredOption('--jwks <place>', 'public keys of the server: an http or https URL, or a file')
    .option('--headers <file>', 'headers of the request, one `Name: value` per line')
    .option('--body <file>', 'body of the request (default: both from standard input, with an empty line between)')
    .option('--tolerance <seconds>', 'how old it may be', String(DEFAULT_TOLERANCE_SECONDS))
    .action(async (flags: VerifyFlags, command: Command) => {
      const setExitCode = options.setExitCode ?? ((code) => void (process.exitCode = code));
      const output = command.configureOutput();
      try {
        const problem = await verify(flags, options.now ?? Date.now);
        output.writeOut?.(problem === null ? 'valid\n' : `not valid: ${problem}\n`);
        if (problem !== null) setExitCode(1);
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        output.writeErr?.(`error: ${error.message}\n`);
        setExitCode(2);
      }
    });
}

async function verify(flags: VerifyFlags, now: () => number): Promise<string | null> {
  if (!/^\d{1,9}$/.test(flags.tolerance)) {
    throw new AppError('INVALID_PARAMS', `--tolerance must be a number of seconds, not ${flags.tolerance}`);
  }
  const { headers, body } = readPush(flags);
  return pushProblem(
    {
      eventId: headers.get(EVENT_ID_HEADER),
      timestamp: headers.get(TIMESTAMP_HEADER),
      signature: headers.get(SIGNATURE_HEADER),
      url: flags.url,
      body,
    },
    await readJwks(flags.jwks),
    { nowMs: now(), toleranceSeconds: Number(flags.tolerance) },
  );
}

/** The body byte for byte: what is signed is its digest. */
function readPush({ headers, body }: VerifyFlags): {
  readonly headers: Map<string, string>;
  readonly body: Uint8Array;
} {
  if ((headers === undefined) !== (body === undefined)) {
    throw new AppError(
      'INVALID_PARAMS',
      'give both --headers and --body, or neither and the request on standard input',
    );
  }
  if (headers !== undefined && body !== undefined) {
    return { headers: parseHeaders(read(headers).toString('latin1')), body: read(body === '-' ? STDIN : body) };
  }
  const request = read(STDIN);
  const match = /\r?\n\r?\n/.exec(request.toString('latin1'));
  if (match === null) throw new AppError('INVALID_PARAMS', 'there is no empty line between headers and body');
  return {
    headers: parseHeaders(request.toString('latin1', 0, match.index)),
    body: request.subarray(match.index + match[0].length),
  };
}

/** A request line before them is passed over. */
function parseHeaders(text: string): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const [, name, value] = /^([\w-]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) headers.set(name.toLowerCase(), value);
  }
  return headers;
}

function read(file: string | number): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AppError('INVALID_PARAMS', `cannot read ${file === STDIN ? 'standard input' : file}: ${why}`, { cause });
  }
}

async function readJwks(place: string): Promise<JSONWebKeySet> {
  const text = /^https?:\/\//i.test(place) ? await fetchText(place) : read(place).toString('utf8');
  try {
    const jwks: unknown = JSON.parse(text);
    if (typeof jwks === 'object' && jwks !== null && 'keys' in jwks && Array.isArray(jwks.keys)) {
      return { keys: jwks.keys as JSONWebKeySet['keys'] };
    }
  } catch {
    // Said below.
  }
  throw new AppError('INVALID_PARAMS', `${place} holds no JSON Web Key Set`);
}

async function fetchText(url: string): Promise<string> {
  const { request } = await import('undici');
  try {
    const { statusCode, body } = await request(url, { reset: true, signal: AbortSignal.timeout(TIMEOUT_MS) });
    let text = '';
    body.setEncoding('utf8');
    for await (const chunk of body as AsyncIterable<string>) {
      text += chunk;
      if (text.length > MAX_JWKS_CHARS) throw new AppError('UNAVAILABLE', `${url} answers with more than a key set`);
    }
    if (statusCode !== 200) throw new AppError('UNAVAILABLE', `${url} answers with status ${statusCode}`);
    return text;
  } catch (error) {
    if (error instanceof AppError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new AppError('UNAVAILABLE', `${url} cannot be reached: ${why}`, { cause: error });
  }
}
