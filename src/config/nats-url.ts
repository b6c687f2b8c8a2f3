/** The address of NATS: what is accepted, and which secrets are in it. */

/** Answers the end of "must ...", never with the address in it (it may hold a password), or undefined. */
export function natsUrlProblem(urls: string): string | undefined {
  for (const url of serversOf(urls)) {
    const problem = serverProblem(url);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function serverProblem(url: string): string | undefined {
  if (!/^(nats|tls):\/\//.test(url)) return 'must start with nats:// or tls://, also each of several after a comma';
  if (!URL.canParse(url) || new URL(url).hostname === '') {
    return 'must be a valid URL: percent-encode what is not a letter or digit in user name, password and token';
  }
  const { pathname, search, hash } = new URL(url);
  if (!['', '/'].includes(pathname) || search !== '' || hash !== '') return 'must end with host and port';
  return undefined;
}

/** The passwords and tokens in an address, as written and decoded: what must not get into a log. */
export function natsUrlSecrets(urls: string): string[] {
  const written = serversOf(urls).map((url) => {
    const { username, password } = new URL(url);
    return password === '' ? username : password;
  });
  return [...new Set(written.flatMap((secret) => [secret, decodeURIComponent(secret)]))].filter((text) => text !== '');
}

const serversOf = (urls: string): string[] => urls.split(',').map((url) => url.trim());
