/**
 * The one HTTP client for addresses that users supply. A name is resolved once; if any of its addresses is one that may
 * not be called, none is; and the connection goes to the addresses that were checked, whatever the name says meanwhile.
 * No redirects, no cookies, no proxies; every wait and every size has a bound.
 */
import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { Agent, buildConnector, errors } from 'undici';
import { type UrlRuleOptions, UrlRules } from './url-rules.ts';

export interface GuardOptions extends UrlRuleOptions {
  readonly connectTimeoutMs: number;
  /** Of a whole request. */
  readonly timeoutMs: number;
  /** Of an answer's body; what is beyond it is not read. */
  readonly maxResponseBytes: number;
  /** Default: that of the machine. */
  readonly lookup?: LookupFunction;
  /** More certificate authorities, in PEM. */
  readonly ca?: string;
}

export interface GuardedRequest {
  readonly method: 'POST' | 'GET';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  readonly signal: AbortSignal;
}

export interface GuardedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** Why a call was refused before anything was sent. */
export class RefusedAddress extends Error {
  readonly code = 'ERR_PARLEY_REFUSED_ADDRESS';
}

const MAX_HEADER_BYTES = 16 * 1024;
/** How long the rest of an answer may take once its status is known. */
const BODY_TIMEOUT_MS = 2000;
const KEEP_ALIVE_MS = 4000;

export class GuardedClient {
  readonly #options: GuardOptions;
  readonly #rules: UrlRules;
  readonly #agent: Agent;

  constructor(options: GuardOptions) {
    this.#options = options;
    this.#rules = new UrlRules(options);
    const { connectTimeoutMs, timeoutMs, ca } = options;
    const connectWith = (lookup: LookupFunction) =>
      buildConnector({
        timeout: connectTimeoutMs,
        lookup,
        autoSelectFamily: true,
        maxCachedSessions: 100,
        ...(ca === undefined ? {} : { ca }),
      });
    const overTls = connectWith(this.#lookup(false));
    const plain = connectWith(this.#lookup(!options.allowHttp));
    this.#agent = new Agent({
      connect: (target, callback) => {
        const problem = this.#rules.hostProblem(target.protocol, target.hostname);
        if (problem !== undefined) callback(new RefusedAddress(problem), null);
        else if (target.protocol === 'https:') overTls(target, callback);
        else plain(target, callback);
      },
      connections: 16,
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      maxRedirections: 0,
    } as ConstructorParameters<typeof Agent>[0]);
  }

  /** Resolves, then refuses unless every address may be called. @param onlyAllowed plain http, to allowed networks only. */
  #lookup(onlyAllowed: boolean): LookupFunction {
    const resolve = this.#options.lookup ?? systemLookup;
    const { addresses: check } = this.#rules;
    return (hostname, options, callback) => {
      resolve(hostname, { ...options, all: true }, (error, found) => {
        if (error !== null) {
          callback(error, '');
          return;
        }
        const addresses = typeof found === 'string' ? [{ address: found, family: found.includes(':') ? 6 : 4 }] : found;
        const mayCall = (address: string) => (onlyAllowed ? check.isAllowed(address) : check.mayCall(address));
        const [first] = addresses;
        if (first === undefined || !addresses.every(({ address }) => mayCall(address))) {
          callback(new RefusedAddress('the name leads to an address that may not be called'), '');
        } else if (options.all === true) callback(null, addresses);
        else callback(null, first.address, first.family);
      });
    };
  }

  /**
   * Resolves when the status is known and the body was read or dropped. Rejects with RefusedAddress, or with what went
   * wrong on the way; `errorName` says it in one word.
   */
  async request({ method, url, headers, body, signal }: GuardedRequest): Promise<GuardedAnswer> {
    const problem = this.#rules.problemOf(url);
    if (problem !== undefined) throw new RefusedAddress(problem);
    const { limited, release } = withTimeLimit(signal, this.#options.timeoutMs);
    try {
      const answer = await this.#agent.request({
        origin: new URL(url).origin,
        path: pathOf(url),
        method,
        headers: { 'user-agent': 'parley', ...headers },
        body,
        signal: limited,
      });
      await answer.body
        .dump({ limit: this.#options.maxResponseBytes, signal: AbortSignal.timeout(BODY_TIMEOUT_MS) })
        .catch(() => answer.body.destroy());
      return { status: answer.statusCode, headers: answer.headers };
    } finally {
      release();
    }
  }

  /** Ends all connections. May be called twice. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

/** Not AbortSignal.any: on a signal as old as the process, it leaves something behind with each request. */
function withTimeLimit(
  signal: AbortSignal,
  ms: number,
): { readonly limited: AbortSignal; readonly release: () => void } {
  const controller = new AbortController();
  const onAbort = (): void => controller.abort(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(() => controller.abort(new DOMException('The time is over', 'TimeoutError')), ms);
  return {
    limited: controller.signal,
    release() {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    },
  };
}

function pathOf(url: string): string {
  const { pathname, search } = new URL(url);
  return `${pathname}${search}`;
}

/** What went wrong, in one word that says nothing of the other side's network but what is needed. */
export function errorName(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof RefusedAddress) return 'address_refused';
    if (cause.name === 'TimeoutError') return 'timeout';
    if (cause instanceof errors.ConnectTimeoutError) return 'connect_timeout';
    if (cause instanceof errors.HeadersTimeoutError || cause instanceof errors.BodyTimeoutError) return 'timeout';
    if (cause instanceof errors.HeadersOverflowError || cause instanceof errors.HTTPParserError) return 'bad_answer';
    const code = 'code' in cause ? String(cause.code) : '';
    const name = NAMES.find(([pattern]) => pattern.test(code))?.[1];
    if (name !== undefined) return name;
    if (cause instanceof AggregateError && cause.errors.length > 0) return errorName(cause.errors[0]);
  }
  return 'connection_failed';
}

const NAMES: readonly (readonly [RegExp, string])[] = [
  [/^(ENOTFOUND|EAI_|ENODATA|ESERVFAIL|EREFUSED)/, 'name_not_found'],
  [/^ECONNREFUSED$/, 'connection_refused'],
  [/^(ECONNRESET|EPIPE|UND_ERR_SOCKET)$/, 'connection_lost'],
  [/^(EHOSTUNREACH|ENETUNREACH)$/, 'unreachable'],
  [/^ETIMEDOUT$/, 'connect_timeout'],
  [/^(CERT_|ERR_TLS|ERR_SSL|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|EPROTO|HOSTNAME_MISMATCH)/, 'tls_failed'],
];
