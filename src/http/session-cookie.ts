/** The cookie of a session, and what a request with it must show besides: that one of this server's own pages sent it. */
import type { FastifyRequest } from 'fastify';
import { isSame, type OpenSession } from '../core/access/sessions.ts';
import { AppError } from '../protocol/errors.ts';
import { CSRF_HEADER } from './admin/session-contract.ts';

export interface CookieRules {
  /** Browsers reach this server by TLS. */
  readonly isSecure: boolean;
  /** `https://parley.example.com`, as browsers say it. */
  readonly publicOrigin: string;
}

/** Where the cookie opens anything; elsewhere it is not looked at. */
const PATH = '/api/v1/';
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

export class SessionCookie {
  readonly #isSecure: boolean;
  readonly #publicOrigin: string;
  readonly name: string;
  readonly #pattern: RegExp;

  constructor({ isSecure, publicOrigin }: CookieRules) {
    this.#isSecure = isSecure;
    this.#publicOrigin = publicOrigin.toLowerCase();
    // With this prefix browsers take it from this host by TLS only, and no other host can set it.
    this.name = isSecure ? '__Host-parley-session' : 'parley-session';
    this.#pattern = new RegExp(`(?:^|; ?)${this.name}=([^;]*)`);
  }

  /** What the cookie of this request holds; undefined: none was sent, it does not count here, or a foreign page sent it. */
  tokenOf(request: FastifyRequest): string | undefined {
    const { cookie } = request.headers;
    if (cookie === undefined || request.routeOptions.url?.startsWith(PATH) !== true) return undefined;
    const site = request.headers['sec-fetch-site'];
    if (site !== undefined && site !== 'same-origin' && site !== 'none') return undefined;
    return this.#pattern.exec(cookie)?.[1];
  }

  /** Throws PERMISSION_DENIED where a request that changes something may not come from a page of this server. */
  checkOrigin(request: FastifyRequest, session: OpenSession): void {
    if (SAFE_METHODS.has(request.method)) return;
    this.checkPage(request, true);
    const sent = request.headers[CSRF_HEADER];
    if (typeof sent === 'string' && isSame(sent, session.csrfToken)) return;
    throw new AppError('PERMISSION_DENIED', `Send the csrfToken of GET /api/v1/session in the header ${CSRF_HEADER}`, {
      metadata: { csrf: 'missing' },
    });
  }

  /** @param isNeeded whether a request without `Origin` is refused: browsers send it with all that changes something. */
  checkPage(request: FastifyRequest, isNeeded: boolean): void {
    const { origin, host } = request.headers;
    if (origin === undefined && !isNeeded) return;
    const isOwn =
      origin !== undefined &&
      ((URL.canParse(origin) && new URL(origin).host === host?.toLowerCase()) ||
        origin.toLowerCase() === this.#publicOrigin);
    if (isOwn) return;
    throw new AppError('PERMISSION_DENIED', 'Only pages of this server may use its sessions', {
      metadata: { csrf: 'origin' },
    });
  }

  /** `Set-Cookie` for a session that ends after so many seconds at the latest. */
  set(token: string, maxAgeSeconds: number): string {
    return `${this.name}=${token}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Strict${this.#secure()}`;
  }

  clear(): string {
    return `${this.name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict${this.#secure()}`;
  }

  #secure(): string {
    return this.#isSecure ? '; Secure' : '';
  }
}
