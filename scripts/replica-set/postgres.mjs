// @ts-check
/** A PostgreSQL server of its own, from the binaries that are installed, on loopback and for everybody on it. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import pg from 'pg';
import { Child } from './child.mjs';

const START_TIMEOUT_MS = 60_000;
const DEBIAN_DIR = '/usr/lib/postgresql';

/** Newest first: Debian keeps the server's binaries out of the PATH. */
function binaryDirs() {
  const versions = existsSync(DEBIAN_DIR) ? readdirSync(DEBIAN_DIR).sort((a, b) => Number(b) - Number(a)) : [];
  return [
    ...versions.map((version) => join(DEBIAN_DIR, version, 'bin')),
    ...(process.env['PATH'] ?? '').split(delimiter),
  ];
}

/** The directory that holds both `initdb` and `postgres`, or undefined. @returns {string | undefined} */
export function findPostgresBinaries() {
  return binaryDirs().find((dir) => dir !== '' && existsSync(join(dir, 'initdb')) && existsSync(join(dir, 'postgres')));
}

/**
 * PostgreSQL refuses to run as root: then it runs as `postgres` where there is one, else as `nobody`.
 * @returns {{ uid: number, gid: number } | undefined}
 */
export function unprivilegedUser() {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map((flag) => spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout?.trim());
    if (uid && gid) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error('PostgreSQL cannot run as root, and this machine has neither a user `postgres` nor `nobody`');
}

/**
 * Where a PostgreSQL that belongs to `dir` keeps its files: in it, unless a user that is not root cannot go there. A
 * directory elsewhere has the path of `dir` in its name, so that two clones of the repository do not share a database.
 * @param {string} dir absolute
 * @returns {{ dir: string, note?: string }} `note`: why it is elsewhere
 */
export function postgresDirFor(dir) {
  const wanted = join(dir, 'postgres');
  if (unprivilegedUser() === undefined) return { dir: wanted };
  for (let parent = dir; parent !== dirname(parent); parent = dirname(parent)) {
    // One that is not there yet is made by this start, open to others.
    if (!existsSync(parent) || (statSync(parent).mode & 0o001) !== 0) continue;
    const hash = createHash('sha256').update(dir).digest('hex').slice(0, 8);
    const instead = join(tmpdir(), `parley-${basename(dir)}-${hash}-postgres`);
    const note = `PostgreSQL does not run as root, and ${parent} is closed to other users: its files are in ${instead}`;
    return { dir: instead, note };
  }
  return { dir: wanted };
}

/**
 * @typedef {object} PostgresOptions
 * @property {string} binaries as `findPostgresBinaries` gives it
 * @property {string} dir of its own; what lies there already is used again
 * @property {number} port
 * @property {boolean} [hasSocket] a Unix socket in `dir`, too
 * @property {boolean} isDurable false: nothing is synced to the disk, so that only a crash of the machine loses anything
 */

export class Postgres {
  /** @type {PostgresOptions} */
  #options;
  #user = unprivilegedUser();
  /** @type {Child | undefined} */
  #child;

  /** @param {PostgresOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** Of its database `parley`, as superuser. */
  get url() {
    return this.#urlOf('parley');
  }

  /** @param {string} name */
  #urlOf(name) {
    return `postgres://postgres@127.0.0.1:${this.#options.port}/${name}`;
  }

  get pid() {
    return this.#child?.pid;
  }

  /** Resolves when it answers. @throws Error with its own output when it does not */
  async start() {
    const { binaries, dir, port, hasSocket = false, isDurable } = this.#options;
    const dataDir = join(dir, 'data');
    mkdirSync(dir, { recursive: true });
    if (this.#user) chownSync(dir, this.#user.uid, this.#user.gid);
    if (!existsSync(join(dataDir, 'PG_VERSION'))) this.#initialize(dataDir);
    const settings = [`listen_addresses=127.0.0.1`, `port=${port}`, 'max_connections=300'];
    if (!isDurable) settings.push('fsync=off');
    this.#child = new Child({
      name: 'PostgreSQL',
      command: join(binaries, 'postgres'),
      args: ['-D', dataDir, '-k', hasSocket ? dir : '', ...settings.flatMap((setting) => ['-c', setting])],
      logFile: join(dir, 'postgres.log'),
      cwd: dir,
      ...(this.#user ? { user: this.#user } : {}),
    });
    const probe = ['-h', '127.0.0.1', '-p', String(port), '-q'];
    const isReady = async () => spawnSync(join(binaries, 'pg_isready'), probe).status === 0;
    await this.#child.untilReady(isReady, START_TIMEOUT_MS);
    await this.#createDatabase();
  }

  async #createDatabase() {
    const client = new pg.Client({ connectionString: this.#urlOf('postgres') });
    await client.connect();
    try {
      const { rowCount } = await client.query("select from pg_database where datname = 'parley'");
      if (rowCount === 0) await client.query('create database parley');
    } finally {
      await client.end();
    }
  }

  /** @param {string} dataDir */
  #initialize(dataDir) {
    const { binaries, dir, isDurable } = this.#options;
    const args = ['-D', dataDir, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8'];
    if (!isDurable) args.push('--no-sync');
    const { status, stderr, error } = spawnSync(join(binaries, 'initdb'), args, {
      ...this.#user,
      cwd: dir,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`initdb failed: ${stderr ?? error?.message}`);
  }

  /**
   * May be called twice.
   * @param {'fast' | 'immediate'} [how] fast: ends what is open in order. immediate: as after a crash.
   */
  async stop(how = 'fast') {
    await this.#child?.end(how === 'fast' ? 'SIGINT' : 'SIGQUIT');
  }
}
