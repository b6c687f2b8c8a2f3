/** Rules for hosts, origins and public addresses. A `...Problem` answers the end of "must ...", or undefined. */
import { isIP } from 'node:net';

const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/i;

const quote = (value: string) => JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}...` : value);

export function isLoopbackHost(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '').toLowerCase();
  return bare === 'localhost' || bare === '::1' || (isIP(bare) === 4 && bare.startsWith('127.'));
}

/** `true` for addresses that stand for all interfaces. */
export function isWildcardHost(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

/** The URL at which a listener on `host` and `port` is reached from this machine. */
export function listenUrl(scheme: 'http' | 'https', host: string, port: number): string {
  const isDefaultPort = port === (scheme === 'https' ? 443 : 80);
  return `${scheme}://${isDefaultPort ? reachableName(host) : listenAddress(host, port)}`;
}

/** `host:port` at which a listener on `host` and `port` is reached from this machine. */
export function listenAddress(host: string, port: number): string {
  return `${reachableName(host)}:${port}`;
}

function reachableName(host: string): string {
  if (isWildcardHost(host)) return 'localhost';
  return isIP(host) === 6 ? `[${host}]` : host;
}

export function addressProblem(address: string): string | undefined {
  const [, host = '', port = ''] = /^(.+):(\d{1,5})$/.exec(address) ?? [];
  const isAddress = hostProblem(host) === undefined && Number(port) > 0 && Number(port) <= 65_535;
  return isAddress ? undefined : `must be a host and a port, such as agents.example.com:443, not ${quote(address)}`;
}

export function listenHostProblem(host: string): string | undefined {
  if (isIP(host) !== 0) return undefined;
  if (/^\[.*\]$/.test(host) && isIP(host.slice(1, -1)) === 6) return 'must be an IPv6 address without the brackets';
  if (/^[\d.]+$/.test(host)) return `must be an IP address or a host name, not ${quote(host)}`;
  return HOST_NAME.test(host) ? undefined : `must be an IP address or a host name, not ${quote(host)}`;
}

export function hostProblem(host: string): string | undefined {
  if (/^\[.*\]$/.test(host) && isIP(host.slice(1, -1)) === 6) return undefined;
  if (isIP(host) === 6) return `must have IPv6 addresses in brackets, such as [${host}]`;
  if (host.includes('*')) return `must name each host: wildcards such as ${quote(host)} are not supported`;
  return HOST_NAME.test(host) ? undefined : `must be a host name without scheme, port and path, not ${quote(host)}`;
}

export function cidrProblem(network: string): string | undefined {
  const [, address = '', bits = ''] = /^([^/]+)\/(\d{1,3})$/.exec(network) ?? [];
  const family = isIP(address);
  if (family !== 0 && Number(bits) <= (family === 4 ? 32 : 128)) return undefined;
  return `must be a network in CIDR notation, such as 10.1.0.0/16 or fd00::/8, not ${quote(network)}`;
}

export function originProblem(origin: string): string | undefined {
  if (origin === '*') return 'must name each origin: "*" would let every web page call this server';
  const url = parseHttpUrl(origin);
  if (url?.origin === origin.toLowerCase()) return undefined;
  const hint = url === undefined || url.username !== '' ? '' : ` (did you mean ${quote(url.origin)}?)`;
  return `must be an origin, scheme and host only, such as https://app.example.com, not ${quote(origin)}${hint}`;
}

export function publicUrlProblem(value: string): string | undefined {
  const url = parseHttpUrl(value);
  if (url === undefined) return `must be an http or https URL, such as https://agents.example.com, not ${quote(value)}`;
  if (url.username !== '' || url.password !== '') return 'must be a URL without user name and password';
  if (url.search !== '' || url.hash !== '') return `must be a URL without query and fragment, not ${quote(value)}`;
  return undefined;
}

function parseHttpUrl(value: string): URL | undefined {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  return url?.protocol === 'http:' || url?.protocol === 'https:' ? url : undefined;
}
