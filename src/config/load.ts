/** Loads the configuration: defaults, then parley.yaml, then .env, then the environment, then arguments; checked as a whole. */
import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import type * as Dotenv from 'dotenv';
import type { z } from 'zod';
import { parseDatabaseUrl, sqliteUrl } from './database-url.ts';
import {
  CONFIG_FILE_VARIABLE,
  coerce,
  type Environment,
  mergeVariables,
  readVariables,
  type Variables,
} from './environment.ts';
import type { KeyInfo } from './keys.ts';
import { listenUrl } from './network.ts';
import { ConfigError, type ConfigProblem } from './problems.ts';
import { checkRules } from './rules.ts';
import { configSchema, KEYS, type Settings } from './schema.ts';
import { readErrorText, readSecretFile } from './secrets.ts';
import { LAYER, type Setting } from './settings.ts';
import { readYaml, type YamlResult } from './yaml-file.ts';

const DEFAULT_FILE = 'parley.yaml';

type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T;

/** The effective configuration, deeply frozen. Paths are absolute, and what is worked out from other keys is filled in. */
export type Config = DeepReadonly<
  Settings & {
    server: { publicUrl: string; allowedHosts: string[] };
    ops: { metricsHost: string };
    grpc: { host: string; publicAddress: string };
    database: { url: string };
  }
> & {
  /** Key path -> `default`, `parley.yaml:3`, `env PORT`, `.env PORT` or `argument server.port`. Has every key. */
  readonly sources: Readonly<Record<string, string>>;
  /** The configuration file that was read, as an absolute path. */
  readonly configFile: string | undefined;
};

export interface LoadOptions {
  readonly env: Environment;
  /** Absolute path of the directory that `.env`, `parley.yaml` and relative paths are taken from. */
  readonly cwd: string;
  /** From the command line: key path -> value, as text or already typed. */
  readonly overrides?: Readonly<Record<string, string | number | boolean>>;
}

/** Throws a ConfigError that lists all problems. Reads files, listens on nothing, writes nothing. */
export function loadConfig({ env, cwd, overrides = {} }: LoadOptions): Config {
  const problems: ConfigProblem[] = [];
  const variables = mergeVariables(env, readDotenv(cwd, problems));
  const file = findFile(variables, cwd);
  const layers = [
    file === undefined ? { settings: [], problems: [] } : readFile(file),
    readVariables(variables),
    readOverrides(overrides),
  ];
  problems.push(...layers.flatMap((layer) => layer.problems));

  const settings = merge(layers.flatMap((layer) => layer.settings));
  resolvePaths(settings, cwd);
  readSecretFiles(settings, problems);
  const parsed = parseSettings(settings, problems);
  const configuration = withDerivedDefaults(parsed, cwd);
  const broken = new Set(problems.map(({ key }) => key));
  for (const { keys, message } of checkRules(configuration)) {
    if (!keys.some((key) => broken.has(key))) problems.push(problemAt(keys[0], settings.get(keys[0]), message));
  }
  if (problems.length > 0) throw new ConfigError(problems);

  const sources = Object.fromEntries(KEYS.map(({ path }) => [path, settings.get(path)?.source ?? 'default']));
  return deepFreeze({ ...configuration, sources, configFile: file?.path });
}

interface ConfigFile {
  readonly path: string;
  /** As the user named it. */
  readonly name: string;
  /** By PARLEY_CONFIG. */
  readonly isNamed: boolean;
}

function readDotenv(cwd: string, problems: ConfigProblem[]): Environment {
  const path = resolve(cwd, '.env');
  try {
    // A directory of that name is a Python environment.
    if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return {};
    // Loaded when there is a file only, as yaml is.
    const dotenv = createRequire(import.meta.url)('dotenv') as typeof Dotenv;
    return dotenv.parse(readFileSync(path));
  } catch (error) {
    problems.push({ file: '.env', message: `cannot be read: ${readErrorText(error)}` });
    return {};
  }
}

function findFile(variables: Variables, cwd: string): ConfigFile | undefined {
  const named = variables.get(CONFIG_FILE_VARIABLE)?.value.trim();
  if (named !== undefined) return { path: resolve(cwd, named), name: named, isNamed: true };
  const path = resolve(cwd, DEFAULT_FILE);
  return statSync(path, { throwIfNoEntry: false }) === undefined
    ? undefined
    : { path, name: DEFAULT_FILE, isNamed: false };
}

function readFile({ path, name, isNamed }: ConfigFile): YamlResult {
  try {
    return readYaml(readFileSync(path, 'utf8'), name);
  } catch (error) {
    const reason = readErrorText(error);
    const problem = isNamed
      ? { env: CONFIG_FILE_VARIABLE, message: `names ${path}, which cannot be read: ${reason}` }
      : { file: name, message: `cannot be read: ${reason}` };
    return { settings: [], problems: [problem] };
  }
}

function readOverrides(overrides: Readonly<Record<string, string | number | boolean>>): YamlResult {
  const result: YamlResult = { settings: [], problems: [] };
  for (const [path, value] of Object.entries(overrides)) {
    const key = KEYS.find((candidate) => candidate.path === path);
    if (key === undefined) result.problems.push({ key: path, message: 'is no known key' });
    else {
      const typed = typeof value === 'string' ? coerce(key, value) : value;
      result.settings.push({ key: path, value: typed, layer: LAYER.argument, source: `argument ${path}` });
    }
  }
  return result;
}

function merge(settings: readonly Setting[]): Map<string, Setting> {
  const merged = new Map<string, Setting>();
  for (const setting of settings) {
    if ((merged.get(setting.key)?.layer ?? 0) <= setting.layer) merged.set(setting.key, setting);
  }
  return merged;
}

function resolvePaths(settings: Map<string, Setting>, cwd: string): void {
  for (const { path, isPath } of KEYS) {
    const setting = settings.get(path);
    if (isPath !== true || typeof setting?.value !== 'string' || setting.value === '') continue;
    settings.set(path, { ...setting, value: resolve(cwd, setting.value) });
  }
}

/** A secret and the file of a secret override each other as one key would; in the same layer they are a conflict. */
function readSecretFiles(settings: Map<string, Setting>, problems: ConfigProblem[]): void {
  for (const { path, fileOf } of KEYS) {
    const file = settings.get(path);
    if (fileOf === undefined || typeof file?.value !== 'string' || file.value === '') continue;
    const value = settings.get(fileOf);
    if (value !== undefined && value.layer === file.layer) {
      problems.push(problemAt(fileOf, value, `and ${file.env ?? path} are both set; set one of them`));
    } else if (value !== undefined && value.layer > file.layer) {
      settings.delete(path);
    } else {
      const read = readSecretFile(file.value);
      if ('value' in read) settings.set(fileOf, { ...file, key: fileOf, value: read.value });
      else {
        problems.push(problemAt(path, file, `names a file that cannot be used: ${read.problem}`));
        // Keeps the rules from adding that the secret is missing.
        settings.delete(fileOf);
      }
    }
  }
}

/** What does not fit is reported and left out, so that the rest can still be checked. */
function parseSettings(settings: ReadonlyMap<string, Setting>, problems: ConfigProblem[]): Settings {
  const values = new Map([...settings].map(([key, { value }]) => [key, value]));
  // Read once: to write code for it and compile that takes longer than to walk through it.
  const first = configSchema.safeParse(nest(values), { jitless: true });
  if (first.success) return first.data;
  const reported = new Set<string>();
  for (const issue of first.error.issues) {
    const key = KEYS.find(({ path }) => isPrefix(path.split('.'), issue.path));
    if (key === undefined) throw new Error(`unexpected issue at ${issue.path.join('.')}: ${issue.message}`);
    values.delete(key.path);
    const place = issue.path.join('.');
    if (reported.has(place)) continue;
    reported.add(place);
    const item = issue.path[key.path.split('.').length];
    problems.push(
      problemAt(key.path, settings.get(key.path), issueMessage(key, issue, settings.get(key.path)?.value), item),
    );
  }
  return configSchema.parse(nest(values));
}

const isPrefix = (prefix: readonly string[], path: readonly PropertyKey[]) =>
  prefix.every((name, index) => name === path[index]);

function issueMessage(key: KeyInfo, issue: z.core.$ZodIssue, value: unknown): string {
  if (issue.code === 'custom') return issue.message;
  const item = issue.path[key.path.split('.').length];
  const shown: unknown = typeof item === 'number' && Array.isArray(value) ? value[item] : value;
  if (key.secret === true) return `must be ${key.allowed} (in YAML, a text in quotes)`;
  return `must be ${key.allowed}, not ${describeValue(shown)}`;
}

function describeValue(value: unknown): string {
  if (Array.isArray(value)) return value.length > 100 ? `a list of ${value.length} items` : 'a list';
  if (typeof value === 'object' && value !== null) return 'a mapping';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 80)}...` : text;
}

function problemAt(key: string, setting: Setting | undefined, message: string, item?: PropertyKey): ConfigProblem {
  const position = (typeof item === 'number' ? setting?.itemPositions?.[item] : undefined) ?? setting?.position;
  return {
    key: typeof item === 'number' ? `${key}[${item}]` : key,
    ...(setting?.env === undefined ? {} : { env: setting.env }),
    ...(setting?.file === undefined ? {} : { file: setting.file }),
    ...position,
    message,
  };
}

function nest(values: ReadonlyMap<string, unknown>): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const [path, value] of values) {
    const names = path.split('.');
    let section = root;
    for (const name of names.slice(0, -1)) section = (section[name] ??= {}) as Record<string, unknown>;
    section[names.at(-1) ?? path] = value;
  }
  return root;
}

function withDerivedDefaults(settings: Settings, cwd: string) {
  const { server, ops, grpc, database } = settings;
  const dataDir = resolve(cwd, settings.dataDir);
  const scheme = server.tls.certFile === undefined ? 'http' : 'https';
  const publicUrl = (server.publicUrl ?? listenUrl(scheme, server.host, server.port)).replace(/\/+$/, '');
  const allowedHosts = server.allowedHosts ?? ['localhost', '127.0.0.1', '[::1]', new URL(publicUrl).hostname];
  const target = parseDatabaseUrl(database.url ?? sqliteUrl(resolve(dataDir, 'parley.sqlite')), cwd);
  return {
    ...settings,
    dataDir,
    server: { ...server, publicUrl, allowedHosts: [...new Set(allowedHosts.map((host) => host.toLowerCase()))] },
    ops: { ...ops, metricsHost: ops.metricsHost ?? server.host },
    grpc: {
      ...grpc,
      host: grpc.host ?? server.host,
      publicAddress: grpc.publicAddress ?? `${new URL(publicUrl).hostname}:${grpc.port}`,
      // Both or neither: a certificate of its own with the other's key would fit nothing.
      tls: grpc.tls.certFile === undefined && grpc.tls.keyFile === undefined ? server.tls : grpc.tls,
    },
    database: { ...database, url: target.kind === 'sqlite' ? sqliteUrl(target.file) : target.url },
  };
}

function deepFreeze<T extends object>(value: T): T {
  for (const child of Object.values(value)) if (typeof child === 'object' && child !== null) deepFreeze(child);
  return Object.freeze(value);
}
