/** The environment and .env as settings. `processEnvironment` is the only reader of process.env. */
import { postgresUrl } from './database-url.ts';
import type { KeyInfo } from './keys.ts';
import { listenHostProblem } from './network.ts';
import { type ConfigProblem, closest } from './problems.ts';
import { redisUrl } from './redis-url.ts';
import { KEYS } from './schema.ts';
import { readSecretFile } from './secrets.ts';
import { LAYER, type Setting } from './settings.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The environment of this process, for the command line to hand to `loadConfig`. */
export function processEnvironment(): Environment {
  return { ...process.env };
}

/** Names the configuration file. */
export const CONFIG_FILE_VARIABLE = 'PARLEY_CONFIG';

/** Variables that together make `database.url`; they count when `POSTGRES_HOST` is set and `DATABASE_URL` is not. */
export const POSTGRES_VARIABLES: Readonly<Record<string, string>> = {
  POSTGRES_HOST: 'PostgreSQL server: host, address, or the absolute path of the directory of its socket.',
  POSTGRES_PORT: 'Its port (5432).',
  POSTGRES_DB: 'Database (the name of the user).',
  POSTGRES_USER: 'User (postgres).',
  POSTGRES_PASSWORD: 'Password; or POSTGRES_PASSWORD_FILE, a file that holds it.',
};

/** Variables that together make `redis.url`; they count when `REDIS_HOST` is set and `REDIS_URL` is not. */
export const REDIS_VARIABLES: Readonly<Record<string, string>> = {
  REDIS_HOST: 'Redis server: host or address.',
  REDIS_PORT: 'Its port (6379).',
  REDIS_PASSWORD: 'Password; or REDIS_PASSWORD_FILE, a file that holds it.',
};

export interface Variable {
  readonly name: string;
  readonly value: string;
  readonly layer: typeof LAYER.dotenv | typeof LAYER.environment;
}

export type Variables = ReadonlyMap<string, Variable>;

/** Both sources as one; the real environment wins. Empty values count as not set. */
export function mergeVariables(env: Environment, dotenv: Environment): Variables {
  const variables = new Map<string, Variable>();
  for (const [source, layer] of [
    [dotenv, LAYER.dotenv],
    [env, LAYER.environment],
  ] as const) {
    for (const [name, value] of Object.entries(source)) {
      if (value === undefined || value.trim() === '' || isServiceLink(name, value)) continue;
      variables.set(name, { name, value, layer });
    }
  }
  return variables;
}

/**
 * Kubernetes puts variables for each service into each pod. A service named `postgres` makes
 * `POSTGRES_PORT=tcp://10.0.0.1:5432`, one named `parley` makes `PARLEY_SERVICE_HOST`: nobody's setting, so not ours.
 */
function isServiceLink(name: string, value: string): boolean {
  if (name.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(value)) return true;
  return /^PARLEY(_.*)?_(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/.test(name);
}

export function readVariables(variables: Variables): { settings: Setting[]; problems: ConfigProblem[] } {
  const settings: Setting[] = [];
  const problems: ConfigProblem[] = unknownVariables(variables);
  for (const key of KEYS) {
    const variable = key.env === undefined ? undefined : variables.get(key.env);
    if (variable === undefined) continue;
    settings.push({ key: key.path, value: coerce(key, variable.value), ...originOf(variable) });
  }
  const postgres = readPostgres(variables, problems);
  if (postgres !== undefined) settings.push(postgres);
  const redis = readRedis(variables, problems);
  if (redis !== undefined) settings.push(redis);
  return { settings, problems };
}

/** Text as the type of its key; what does not fit stays text, and the schema says what is wrong with it. */
export function coerce({ kind, secret }: KeyInfo, raw: string): unknown {
  if (secret === true && kind !== 'list') return raw;
  const value = raw.trim();
  if (kind === 'integer') return /^-?(0|[1-9]\d*)$/.test(value) ? Number(value) : value;
  if (kind === 'boolean') {
    if (/^(true|1|yes|on)$/i.test(value)) return true;
    return /^(false|0|no|off)$/i.test(value) ? false : value;
  }
  if (kind === 'list')
    return value
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '');
  return value;
}

function originOf({ name, layer }: Variable) {
  return { layer, env: name, source: `${layer === LAYER.dotenv ? '.env' : 'env'} ${name}` };
}

function unknownVariables(variables: Variables): ConfigProblem[] {
  const known = [CONFIG_FILE_VARIABLE, ...KEYS.flatMap(({ env }) => env ?? [])];
  return [...variables.keys()]
    .filter((name) => name.startsWith('PARLEY_') && !known.includes(name))
    .map((name) => {
      const unprefixed = name.slice('PARLEY_'.length);
      const suggestion = known.includes(unprefixed) ? unprefixed : closest(name, known);
      const hint = suggestion === undefined ? '' : `; did you mean ${suggestion}?`;
      return { env: name, message: `is no known variable${hint}` };
    });
}

function readPostgres(variables: Variables, problems: ConfigProblem[]): Setting | undefined {
  if (variables.has('DATABASE_URL') || variables.has('DATABASE_URL_FILE')) return undefined;
  const get = (name: string) => variables.get(name)?.value.trim();
  const host = variables.get('POSTGRES_HOST');
  if (host === undefined) {
    for (const name of ['POSTGRES_DB', 'POSTGRES_USER']) {
      if (variables.has(name))
        problems.push({ env: name, message: 'does nothing without POSTGRES_HOST; set that, or DATABASE_URL' });
    }
    return undefined;
  }
  const before = problems.length;
  const report: Report = (env, message) => problems.push({ key: 'database.url', env, message });

  const hostName = host.value.trim();
  const hostProblem = hostName.startsWith('/') ? undefined : listenHostProblem(hostName);
  if (hostProblem !== undefined) report('POSTGRES_HOST', hostProblem);
  const port = readPort(variables, 'POSTGRES_PORT', 5432, report);
  const password = readPassword(variables, 'POSTGRES_PASSWORD', report);
  if (problems.length > before) return undefined;

  const user = get('POSTGRES_USER') ?? 'postgres';
  const database = get('POSTGRES_DB') ?? user;
  return {
    key: 'database.url',
    value: postgresUrl({ host: hostName, port, database, user, password }),
    ...originOf(host),
  };
}

type Report = (env: string, message: string) => void;

function readRedis(variables: Variables, problems: ConfigProblem[]): Setting | undefined {
  const host = variables.get('REDIS_HOST');
  if (host === undefined || variables.has('REDIS_URL') || variables.has('REDIS_URL_FILE')) return undefined;
  const before = problems.length;
  const report: Report = (env, message) => problems.push({ key: 'redis.url', env, message });
  const hostName = host.value.trim();
  const hostProblem = listenHostProblem(hostName);
  if (hostProblem !== undefined) report('REDIS_HOST', hostProblem);
  const port = readPort(variables, 'REDIS_PORT', 6379, report);
  const password = readPassword(variables, 'REDIS_PASSWORD', report);
  if (problems.length > before) return undefined;
  return { key: 'redis.url', value: redisUrl({ host: hostName, port, password }), ...originOf(host) };
}

function readPort(variables: Variables, name: string, usual: number, report: Report): number {
  const port = variables.get(name)?.value.trim() ?? String(usual);
  if (!/^[1-9]\d{0,4}$/.test(port) || Number(port) > 65535) {
    report(name, `must be an integer from 1 to 65535, not ${JSON.stringify(port)}`);
  }
  return Number(port);
}

/** From the variable, or from the file that `<name>_FILE` names. */
function readPassword(variables: Variables, name: string, report: Report): string | undefined {
  const password = variables.get(name);
  const file = variables.get(`${name}_FILE`);
  if (file === undefined || (password !== undefined && password.layer > file.layer)) return password?.value;
  if (password?.layer === file.layer) {
    report(name, `and ${name}_FILE are both set; set one of them`);
    return undefined;
  }
  const read = readSecretFile(file.value);
  if ('value' in read) return read.value;
  report(`${name}_FILE`, `names a file that cannot be used: ${read.problem}`);
  return undefined;
}
