/** The Redis URL: what is accepted, how it is made of its parts, and which secret it holds. */
import { isIP } from 'node:net';

/** Answers the end of "must ...", never with the URL in it (it may hold a password), or undefined. */
export function redisUrlProblem(url: string): string | undefined {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^rediss?:$/.test(parsed.protocol) || parsed.hostname === '') {
    return 'must be redis://host:6379, redis://:password@host:6379/0, or rediss:// for TLS; percent-encode what is not a letter or digit in the password';
  }
  return /^\/?\d*$/.test(parsed.pathname)
    ? undefined
    : 'must end in the number of a database, such as /0, or in nothing';
}

export interface RedisParts {
  readonly host: string;
  readonly port: number;
  readonly password: string | undefined;
}

export function redisUrl({ host, port, password }: RedisParts): string {
  const login = password === undefined ? '' : `:${encodeURIComponent(password)}@`;
  return `redis://${login}${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}

/** The password in a URL, as written and decoded: what must not get into a log. */
export function redisUrlSecrets(url: string): string[] {
  if (!URL.canParse(url)) return [];
  const { password } = new URL(url);
  if (password === '') return [];
  return [...new Set([password, decoded(password)])];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
