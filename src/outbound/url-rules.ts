/** Which URLs of users may be called, as far as it can be told before their names are resolved. */
import { type AddressCheck, createAddressCheck, literalAddress } from './address-check.ts';

export interface UrlRuleOptions {
  /** CIDRs that may be called though they are not public, and by plain http. */
  readonly allowNetworks: readonly string[];
  /** Plain http to any address that may be called. */
  readonly allowHttp: boolean;
}

export class UrlRules {
  readonly addresses: AddressCheck;
  readonly #options: UrlRuleOptions;

  constructor(options: UrlRuleOptions) {
    this.#options = options;
    this.addresses = createAddressCheck(options.allowNetworks);
  }

  /** Why a URL may not be called, as the end of "must ..."; undefined: it may, unless its name leads elsewhere. */
  problemOf(url: string): string | undefined {
    if (!URL.canParse(url)) return 'must be an absolute http or https URL';
    const { protocol, hostname, username, password, hash } = new URL(url);
    if (protocol !== 'https:' && protocol !== 'http:') return 'must be an http or https URL';
    if (username !== '' || password !== '') return 'must be a URL without user name and password';
    if (hash !== '') return 'must be a URL without a fragment';
    return this.hostProblem(protocol, hostname);
  }

  /** The same of scheme and host alone. */
  hostProblem(protocol: string, hostname: string): string | undefined {
    const { allowHttp, allowNetworks } = this.#options;
    const literal = literalAddress(hostname);
    if (literal !== undefined && !this.addresses.mayCall(literal)) {
      return 'must be an address of the public internet, or of a network in push.allowNetworks (parley.yaml, or PUSH_ALLOW_NETWORKS in the environment)';
    }
    if (protocol === 'https:' || allowHttp) return undefined;
    // Of a name it is known when it is resolved.
    const mayBeAllowed = literal === undefined ? allowNetworks.length > 0 : this.addresses.isAllowed(literal);
    return mayBeAllowed ? undefined : 'must be an https URL (push.allowHttp is false)';
  }
}
