/** Who is calling. Every row that a principal causes carries its `ownerId`. */

/** What an API key may be given. `admin` contains all others and opens the management API. */
export const SCOPES = ['tasks:read', 'tasks:write', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

export const DEFAULT_SCOPES: readonly Scope[] = ['tasks:read', 'tasks:write'];

export interface Principal {
  /** `anonymous` exists only with authentication switched off. */
  readonly kind: 'admin' | 'key' | 'anonymous';
  /** Whose tasks it sees. A rotated key keeps it; keys made for one owner share it. */
  readonly ownerId: string;
  /** For logs and audit: never secret. */
  readonly name: string;
  readonly keyId: string | null;
  readonly scopes: ReadonlySet<Scope>;
  /** The agents that it may use; null: all. */
  readonly agents: ReadonlySet<string> | null;
}

export const ADMIN: Principal = {
  kind: 'admin',
  ownerId: 'admin',
  name: 'admin',
  keyId: null,
  scopes: new Set(SCOPES),
  agents: null,
};

/** Everyone, where `auth.mode` is `none`. */
export const ANONYMOUS: Principal = { ...ADMIN, kind: 'anonymous', ownerId: 'anonymous', name: 'anonymous' };

/** Who is not signed in, where that is no error. */
export const NOBODY: Principal = { ...ANONYMOUS, ownerId: 'nobody', name: 'nobody', scopes: new Set() };
