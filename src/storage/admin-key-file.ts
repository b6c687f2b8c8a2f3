/** The admin key in a file: made at the first start, read again when the file changes. */
import { join } from 'node:path';
import { type AdminKeySource, fixedAdminKey } from '../core/access/admin-key.ts';
import type { RandomBytes } from '../core/access/api-keys.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import { AppError } from '../protocol/errors.ts';
import { fileVersion, makeSecretFile, readSecretText } from './secret-file.ts';

const KEY_BYTES = 32;
const CHECK_INTERVAL_MS = 1000;

/** Where the key is that the first start makes. */
export function defaultAdminKeyFile(dataDir: string): string {
  return join(dataDir, 'admin-key');
}

/** The file of an admin key that Parley made, and whether this start made it. */
export interface MadeAdminKey {
  readonly file: string;
  readonly isNew: boolean;
  readonly key: string;
}

/** From the configuration, or else from a file in the data directory, which the first start makes. */
export function openAdminKey(
  options: Omit<AdminKeyFileOptions, 'path' | 'create'> & {
    readonly adminKey?: string | undefined;
    readonly adminKeyFile?: string | undefined;
    readonly dataDir: string;
  },
): { readonly source: AdminKeySource; readonly made: MadeAdminKey | null } {
  const { adminKey, adminKeyFile, dataDir } = options;
  if (adminKeyFile !== undefined) {
    return { source: new AdminKeyFile({ ...options, path: adminKeyFile, create: false }), made: null };
  }
  if (adminKey !== undefined) return { source: fixedAdminKey(adminKey), made: null };
  const source = new AdminKeyFile({ ...options, path: defaultAdminKeyFile(dataDir), create: true });
  return { source, made: { file: source.path, isNew: source.isNew, key: source.current() } };
}

export interface AdminKeyFileOptions {
  readonly path: string;
  /** `true`: a missing file is made, with a new key. */
  readonly create: boolean;
  /** Why a key is not good enough, as the end of "must ...", never with the key in it; undefined: it is. */
  readonly problemOf: (key: string) => string | undefined;
  readonly randomBytes: RandomBytes;
  readonly clock: Clock;
  readonly log: Logger;
}

export class AdminKeyFile implements AdminKeySource {
  readonly path: string;
  /** This start made the key: it is to be shown once. */
  readonly isNew: boolean;
  readonly #problemOf: (key: string) => string | undefined;
  readonly #clock: Clock;
  readonly #log: Logger;
  #key: string;
  #version: string | null;
  #checkedAtMs: number;

  /** Throws UNAVAILABLE, with the path and what is wrong, for a file that is missing, unreadable or holds a weak key. */
  constructor({ path, create, problemOf, randomBytes, clock, log }: AdminKeyFileOptions) {
    this.path = path;
    this.#problemOf = problemOf;
    this.#clock = clock;
    this.#log = log;
    this.isNew = create && makeKeyFile(path, randomBytes);
    this.#checkedAtMs = clock.now();
    // Looked at before it is read: a change in between is then seen as one.
    this.#version = fileVersion(path);
    this.#key = readKey(path, problemOf);
  }

  /** A file that has become unreadable or weak changes nothing: the key before it stays, and the log says why. */
  current(): string {
    const nowMs = this.#clock.now();
    // The clock may have been set back.
    if (Math.abs(nowMs - this.#checkedAtMs) < CHECK_INTERVAL_MS) return this.#key;
    this.#checkedAtMs = nowMs;
    const version = fileVersion(this.path);
    if (version === this.#version) return this.#key;
    this.#version = version;
    try {
      const key = readKey(this.path, this.#problemOf);
      if (key !== this.#key)
        this.#log.info({ path: this.path }, 'the admin key was replaced; tokens got with the old one end');
      this.#key = key;
    } catch (err) {
      this.#log.error({ err }, 'the file of the admin key has changed and cannot be used; the key before it stays');
    }
    return this.#key;
  }
}

/** The key in a file as it is now, for a command that runs beside the server; null: there is no such file. */
export function readAdminKeyFile(path: string): string | null {
  return fileVersion(path) === null ? null : readKey(path, () => undefined);
}

function readKey(path: string, problemOf: (key: string) => string | undefined): string {
  const key = readSecretText(path, 'the admin key').replace(/[\r\n]+$/, '');
  const problem = key === '' ? 'must not be empty' : problemOf(key);
  if (problem === undefined) return key;
  throw new AppError('UNAVAILABLE', `the admin key in ${path} ${problem}`);
}

const makeKeyFile = (path: string, randomBytes: RandomBytes): boolean =>
  makeSecretFile(
    path,
    'a new admin key',
    randomBytes,
    () => `${Buffer.from(randomBytes(KEY_BYTES)).toString('base64url')}\n`,
  );
