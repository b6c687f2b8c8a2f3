/** The one way to the management API: adds the CSRF token, gives each request a time limit, reads errors. */
import type { CSRF_HEADER as CsrfHeader } from '../../../src/http/admin/session-contract.ts';
import { createStore } from '../lib/store.ts';

/** `status` 0: there was no answer. `requestId` finds the request in the server's log. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly requestId: string | null;
  /** What is wrong with which field of the request. */
  readonly fields: ReadonlyMap<string, string>;

  constructor(status: number, message: string, requestId: string | null, fields = new Map<string, string>()) {
    super(message);
    this.status = status;
    this.requestId = requestId;
    this.fields = fields;
  }
}

/** Whether the same request may be answered in a moment: there was no answer, or only that of something in between. */
export function isPassing(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 0 || error.status >= 502);
}

/** For `refetchInterval`: until it is refused, which would not be another answer in a moment. */
export function every(ms: number) {
  return ({ state: { error } }: { readonly state: { readonly error: Error | null } }): number | false =>
    error instanceof ApiError && (error.status === 403 || error.status === 404) ? false : ms;
}

const CSRF_HEADER: typeof CsrfHeader = 'x-csrf-token';
const TIME_LIMIT_MS = 30_000;

/** From the session; null where none is needed. */
export const csrfToken = createStore<string | null>(null);
/** Called when the server may not know this browser (any more): it is asked. */
export const signedOut = { notify: (): void => undefined };
/** `false` after a request that got no answer, until one gets one. */
export const isReachable = createStore(true);

export interface RequestOptions {
  readonly method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  /** Default: 30 s. */
  readonly timeLimitMs?: number;
}

/**
 * @returns what the contract of the path says: both are built from the same sources, so it is not checked again here
 * @throws ApiError
 */
export async function request<T>(path: string, options: RequestOptions = {}): Promise<T> {
  const { method = 'GET', body, signal, timeLimitMs = TIME_LIMIT_MS } = options;
  const headers = new Headers({ accept: 'application/json' });
  const token = csrfToken.get();
  if (method !== 'GET' && token !== null) headers.set(CSRF_HEADER, token);
  if (body !== undefined) headers.set('content-type', 'application/json');
  const timeLimit = AbortSignal.timeout(timeLimitMs);
  let response: Response;
  let text: string;
  try {
    response = await fetch(path, {
      method,
      headers,
      credentials: 'same-origin',
      signal: signal === undefined ? timeLimit : AbortSignal.any([signal, timeLimit]),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    text = await response.text();
  } catch (error) {
    if (signal?.aborted === true) throw error;
    isReachable.set(false);
    throw new ApiError(
      0,
      timeLimit.aborted ? 'The server took too long to answer' : 'The server does not answer',
      null,
    );
  }
  isReachable.set(true);
  const answer = parse(text);
  if (response.ok) return answer as T;
  if (response.status === 401) signedOut.notify();
  throw toError(response, answer);
}

function parse(text: string): unknown {
  if (text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function toError(response: Response, answer: unknown): ApiError {
  const error = member(answer, 'error');
  const message = member(error, 'message');
  const details = member(error, 'details');
  const fields = new Map<string, string>();
  for (const detail of Array.isArray(details) ? details : []) {
    const violations = member(detail, 'fieldViolations');
    for (const violation of Array.isArray(violations) ? violations : []) {
      fields.set(String(member(violation, 'field')), String(member(violation, 'description')));
    }
  }
  const said = typeof message === 'string' ? message : `The server answered ${response.status} ${response.statusText}`;
  return new ApiError(response.status, said, response.headers.get('x-request-id'), fields);
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

/** `?a=1&b=2` of what is neither undefined nor empty. */
export function query(parameters: Readonly<Record<string, string | number | undefined>>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== '') search.set(name, String(value));
  }
  const text = search.toString();
  return text === '' ? '' : `?${text}`;
}
