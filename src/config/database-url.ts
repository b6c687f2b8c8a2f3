/** The database URL: what is accepted, what it means, and how it is shown without its password. */
import { resolve } from 'node:path';

/** What a database URL names. */
export type DatabaseTarget =
  | { readonly kind: 'sqlite' /** Absolute path. */; readonly file: string }
  | { readonly kind: 'postgres' /** As given: the driver reads it. */; readonly url: string };

/** Answers the end of "must ...", never with the URL in it (it may hold a password), or undefined. */
export function databaseUrlProblem(url: string): string | undefined {
  if (/^sqlite:/i.test(url)) return sqliteProblem(url);
  if (/^postgres(ql)?:\/\//i.test(url)) {
    return parsePostgresUrl(url) === undefined
      ? 'must be a valid URL: percent-encode what is not a letter or digit in user name and password (`@` is `%40`, `#` is `%23`, `/` is `%2F`)'
      : undefined;
  }
  return 'must start with sqlite://, postgres:// or postgresql://';
}

function sqliteProblem(url: string): string | undefined {
  if (url.includes(':memory:') || /[?&]mode=memory/i.test(url)) {
    return 'must name a file: a database in memory loses every task when the process ends';
  }
  const path = /^sqlite:\/\/(\/.*|\.\.?\/.*)$/is.exec(url)?.[1];
  if (path === undefined) return 'must be sqlite:///absolute/path or sqlite://./relative/path';
  if (/[?#]/.test(path)) return 'must be a path without query and fragment (write %3F for ? and %23 for #)';
  if (path.endsWith('/')) return 'must name a file, not a directory';
  if (decodePath(path) === undefined) return 'must be a path in which % is written as %25';
  return undefined;
}

/**
 * What a URL that `databaseUrlProblem` accepts names. A relative SQLite path is taken from `cwd` (an absolute path).
 * Throws a plain Error for a URL that it does not accept.
 */
export function parseDatabaseUrl(url: string, cwd: string): DatabaseTarget {
  const problem = databaseUrlProblem(url);
  if (problem !== undefined) throw new Error(`database URL ${problem}`);
  if (!/^sqlite:/i.test(url)) return { kind: 'postgres', url };
  return { kind: 'sqlite', file: resolve(cwd, decodePath(url.slice('sqlite://'.length)) ?? '') };
}

/** The URL of the SQLite file at an absolute path. */
export function sqliteUrl(file: string): string {
  return `sqlite://${file.replace(/[%?#]/g, (character) => encodeURIComponent(character))}`;
}

export interface PostgresParts {
  /** Host name, address, or the absolute path of a socket's directory. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string | undefined;
}

export function postgresUrl({ host, port, database, user, password }: PostgresParts): string {
  const encode = encodeURIComponent;
  const login = `${encode(user)}${password === undefined ? '' : `:${encode(password)}`}@`;
  // A path in `host=` stays readable: pg accepts `/` there.
  if (host.startsWith('/')) return `postgres://${login}/${encode(database)}?host=${encodeURI(host)}&port=${port}`;
  return `postgres://${login}${host.includes(':') ? `[${host}]` : host}:${port}/${encode(database)}`;
}

/** The URL with `********` for each password in it. */
export function maskDatabaseUrl(url: string): string {
  return url
    .replace(/^([a-z]+:\/\/[^:@/?#]*):[^/?#]*@/i, '$1:********@')
    .replace(/([?&](?:password|sslpassword)=)[^&#]*/gi, '$1********');
}

/** The passwords in a URL, as written and decoded: what must not get into a log. */
export function databaseUrlSecrets(url: string): string[] {
  const parsed = parsePostgresUrl(url);
  if (parsed === undefined) return [];
  const written = [parsed.password, parsed.searchParams.get('password') ?? ''];
  return [...new Set(written.flatMap((value) => [value, decodePath(value) ?? value]))].filter((value) => value !== '');
}

function parsePostgresUrl(url: string): URL | undefined {
  // A login without a host means the socket; WHATWG URLs have no such form.
  const withHost = url.replace(/^(postgres(?:ql)?:\/\/[^/?#]*@)(?=[/?]|$)/i, '$1localhost');
  return /^postgres/i.test(url) && URL.canParse(withHost) ? new URL(withHost) : undefined;
}

function decodePath(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}
