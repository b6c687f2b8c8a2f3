/** Which addresses this server may call on behalf of others: those of the public internet, and what the operator allows. */
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Network = [Address, number];

/** All that is allotted to the public internet (RFC 4291 section 2.4); IPv4 in IPv6, in every form but 6to4, lies outside. */
const GLOBAL_V6: Network = ipaddr.parseCIDR('2000::/3');

/** Public by their numbers, and yet answered by the machine's own cloud: metadata and its secrets. */
const CLOUD_INTERNAL: readonly Network[] = ['168.63.129.16/32'].map((cidr) => ipaddr.parseCIDR(cidr));

/** The ranges of ipaddr.js are those of the IANA registries of special-purpose addresses; `unicast` is none of them. */
function isPublic(address: Address): boolean {
  if (address.range() !== 'unicast') return false;
  if (address.kind() === 'ipv6' && !isIn(address, GLOBAL_V6)) return false;
  return !CLOUD_INTERNAL.some((network) => isIn(address, network));
}

function isIn(address: Address, [base, bits]: Network): boolean {
  return address.kind() === base.kind() && address.match(base, bits);
}

/** An address as it is routed: IPv4 that is only written as IPv6 (`::ffff:a.b.c.d`) is IPv4. undefined: it is none. */
function parse(text: string): Address | undefined {
  const bare = text.replace(/^\[|\]$/g, '');
  return ipaddr.isValid(bare) ? ipaddr.process(bare) : undefined;
}

export interface AddressCheck {
  /** Whether the operator has named its network. */
  readonly isAllowed: (address: string) => boolean;
  /** Public, or allowed. Anything that is no address is refused. */
  readonly mayCall: (address: string) => boolean;
}

/** @param allowNetworks in CIDR notation, valid. */
export function createAddressCheck(allowNetworks: readonly string[]): AddressCheck {
  const allowed = allowNetworks.map((cidr) => ipaddr.parseCIDR(cidr) as Network);
  const isAllowed = (text: string): boolean => {
    const address = parse(text);
    return address !== undefined && allowed.some((network) => isIn(address, network));
  };
  return {
    isAllowed,
    mayCall(text) {
      const address = parse(text);
      return address !== undefined && (isPublic(address) || isAllowed(text));
    },
  };
}

/** The address that a URL's host is, without brackets; undefined where it is a name. */
export function literalAddress(hostname: string): string | undefined {
  const bare = hostname.replace(/^\[|\]$/g, '');
  return ipaddr.isValid(bare) ? bare : undefined;
}
