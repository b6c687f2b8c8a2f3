/** Matching REST paths, in which a colon separates the verb (`/tasks/{id}:cancel`): a router would take it for its own. */
import type { Codec, ProtocolVersion, RestRoute } from '../../protocol/codec.ts';
import { AppError } from '../../protocol/errors.ts';
import { codecFor, SUPPORTED_VERSIONS } from '../../protocol/version.ts';

export type RouteMatch =
  | { readonly status: 'found'; readonly route: RestRoute; readonly params: Record<string, string> }
  /** The path is there, with other methods. */
  | { readonly status: 'method'; readonly allowed: readonly string[] }
  | { readonly status: 'none' };

interface CompiledRoute {
  readonly route: RestRoute;
  readonly pattern: RegExp;
  readonly names: readonly string[];
}

function compile(route: RestRoute): CompiledRoute {
  const names: string[] = [];
  const pattern = route.path.replace(/^\//, '').replace(/\{(\w+)\}|[.*+?^$()|[\]\\]/g, (match, name?: string) => {
    if (name === undefined) return `\\${match}`;
    names.push(name);
    // No verb follows the id of a configuration, so a colon is one of its own.
    return name === 'configId' ? '([^/]+)' : '([^/:]+)';
  });
  return { route, pattern: new RegExp(`^${pattern}$`), names };
}

const COMPILED: ReadonlyMap<ProtocolVersion, readonly CompiledRoute[]> = new Map(
  SUPPORTED_VERSIONS.map((version) => [version, codecFor(version, 'HTTP+JSON').restRoutes.map(compile)]),
);

/** What begins a path of its own here, so that it cannot be a tenant. */
const NO_TENANTS: ReadonlySet<string> = new Set(['agents', 'v1', 'tasks']);

/**
 * 1.0 has each path a second time below `/{tenant}` (the annotations of its proto definition); the tenant comes back as a
 * parameter.
 * @param path below the agent's address, without a leading slash, percent-encoded. The parameters come back decoded.
 */
export function matchRoute(codec: Codec, method: string, path: string): RouteMatch {
  const plain = matchPlain(codec, method, path);
  if (plain.status !== 'none' || codec.version !== '1.0') return plain;
  const [, segment = '', rest = ''] = /^([^/:]+)\/(.+)$/.exec(path) ?? [];
  const tenant = decoded(segment);
  if (tenant === '' || NO_TENANTS.has(tenant)) return plain;
  const below = matchPlain(codec, method, rest);
  return below.status === 'found' ? { ...below, params: { ...below.params, tenant } } : below;
}

function matchPlain(codec: Codec, method: string, path: string): RouteMatch {
  const allowed: string[] = [];
  for (const { route, pattern, names } of COMPILED.get(codec.version) ?? []) {
    const match = pattern.exec(path);
    if (match === null) continue;
    if (route.method === method) {
      const params = Object.fromEntries(names.map((name, index) => [name, decoded(match[index + 1] ?? '')]));
      return { status: 'found', route, params };
    }
    allowed.push(route.method);
  }
  return allowed.length > 0 ? { status: 'method', allowed } : { status: 'none' };
}

/** The other version, where it has this path. */
export function otherVersionOf(codec: Codec, method: string, path: string): ProtocolVersion | null {
  const other = codecFor(codec.version === '1.0' ? '0.3' : '1.0', 'HTTP+JSON');
  return matchRoute(other, method, path).status === 'none' ? null : other.version;
}

/** The router has refused what is not valid; this only keeps a fault of ours from being told as one of the server. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    throw new AppError('INVALID_REQUEST', 'The URL is not valid', { cause });
  }
}
