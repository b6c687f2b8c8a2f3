/** The management API as a browser with the console uses it: a cookie, a CSRF token, an Origin. */
import { request } from 'undici';
import type { WhoAmI } from '../../src/http/admin/session-contract.ts';
import type { ParleyProcess } from './server.ts';

export interface ConsoleAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** undefined where the answer is not JSON. */
  readonly json: unknown;
}

export interface ConsoleRequest {
  readonly body?: object | string;
  /** Over what a page of this server sends; undefined takes a header away. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

export class ConsoleClient {
  readonly #parley: ParleyProcess;
  /** `name=value`; empty: not signed in. */
  cookie = '';
  csrfToken = '';
  sessionId = '';

  constructor(parley: ParleyProcess) {
    this.#parley = parley;
  }

  /** Headers that the browser and the console's own code send with each request. */
  headers(method: Method): Record<string, string | undefined> {
    return {
      ...(this.cookie === '' ? {} : { cookie: this.cookie }),
      'sec-fetch-site': 'same-origin',
      ...(method === 'GET' ? {} : { origin: this.#parley.url, 'x-csrf-token': this.csrfToken }),
    };
  }

  async send(method: Method, path: string, { body, headers = {} }: ConsoleRequest = {}): Promise<ConsoleAnswer> {
    const all = Object.entries({
      ...this.headers(method),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    }).filter((pair): pair is [string, string] => pair[1] !== undefined);
    const response = await request(`${this.#parley.url}${path}`, {
      method,
      headers: Object.fromEntries(all),
      body: typeof body === 'object' ? JSON.stringify(body) : (body ?? null),
    });
    const text = await response.body.text();
    return { status: response.statusCode, headers: response.headers, text, json: parsed(text) };
  }

  /** Throws where the key opens nothing. */
  async signIn(key: string): Promise<WhoAmI> {
    const answer = await this.send('POST', '/api/v1/session', { body: { key } });
    if (answer.status !== 201) throw new Error(`Not signed in: ${answer.status} ${answer.text}`);
    const who = answer.json as WhoAmI;
    this.cookie = String(answer.headers['set-cookie']).split(';')[0] ?? '';
    this.csrfToken = who.csrfToken ?? '';
    this.sessionId = who.session?.id ?? '';
    return who;
  }
}

export async function signedIn(parley: ParleyProcess, key: string = parley.adminKey): Promise<ConsoleClient> {
  const client = new ConsoleClient(parley);
  await client.signIn(key);
  return client;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
