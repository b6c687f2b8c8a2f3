// A private PostgreSQL on 127.0.0.1 with its data in the temp directory, for the arms that store there.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, stopChild } from './children.mjs';

const DEBIAN_VERSIONS = '/usr/lib/postgresql';

/** The full path of `initdb` or `postgres`: from the PATH, else the newest that Debian has; undefined when there is none. */
export function findPostgresBinary(name) {
  const debian = fs.existsSync(DEBIAN_VERSIONS)
    ? fs
        .readdirSync(DEBIAN_VERSIONS)
        .sort((a, b) => Number(b) - Number(a))
        .map((version) => path.join(DEBIAN_VERSIONS, version, 'bin'))
    : [];
  const folders = [...(process.env.PATH ?? '').split(path.delimiter), ...debian];
  return folders.map((folder) => path.join(folder, name)).find((file) => fs.existsSync(file));
}

/** Why no PostgreSQL can be started here, undefined when one can. */
export function whyNoPostgres() {
  const isComplete = findPostgresBinary('initdb') && findPostgresBinary('postgres');
  return isComplete ? undefined : 'initdb and postgres are neither on the PATH nor where Debian puts them';
}

/** The version of the server binary, such as "15.18", or undefined. */
export function postgresVersion() {
  const binary = findPostgresBinary('postgres');
  if (!binary) return undefined;
  return /(\d[\d.]*)/.exec(execFileSync(binary, ['--version'], { encoding: 'utf8' }))?.[1];
}

/** PostgreSQL refuses to run as root: then it runs as BENCH_PG_USER (default `nobody`). */
function unprivileged() {
  if (process.getuid?.() !== 0) return {};
  const user = process.env.BENCH_PG_USER ?? 'nobody';
  const id = (flag) => Number(execFileSync('id', [flag, user], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

async function waitForConnection(url, child) {
  const { default: pg } = await import('pg');
  for (let attempt = 0; ; attempt++) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 });
    client.on('error', () => {}); // reported by connect()
    try {
      await client.connect();
      await client.end();
      return;
    } catch (cause) {
      if (attempt > 150 || child.exitCode !== null) throw new Error('the private PostgreSQL did not start', { cause });
    }
    await sleep(100);
  }
}

/**
 * Starts a PostgreSQL with its default settings, fsync and synchronous_commit on. `defer` gets each clean-up as soon as
 * there is something to clean, so that a failed or interrupted start leaves nothing behind. Returns `{ url, pid }`.
 */
export async function startPostgres(defer) {
  const user = unprivileged();
  const base = fs.mkdtempSync(path.join(os.tmpdir(), 'bench-pg-'));
  defer(() => fs.rmSync(base, { recursive: true, force: true }));
  if (user.uid !== undefined) fs.chownSync(base, user.uid, user.gid);
  const data = path.join(base, 'data');
  const env = { PATH: process.env.PATH, HOME: base, LC_ALL: 'C' };
  const initArgs = ['-D', data, '-U', 'bench', '-A', 'trust', '-E', 'UTF8'];
  execFileSync(findPostgresBinary('initdb'), initArgs, { cwd: base, env, stdio: 'pipe', ...user });
  const port = await freePort();
  const settings = [
    'listen_addresses=127.0.0.1',
    `unix_socket_directories=${base}`,
    'fsync=on',
    'synchronous_commit=on',
  ].flatMap((setting) => ['-c', setting]);
  const child = spawn(findPostgresBinary('postgres'), ['-D', data, '-p', String(port), ...settings], {
    cwd: base,
    env,
    stdio: 'ignore',
    ...user,
  });
  defer(() => stopChild(child, 'SIGINT')); // a fast shutdown: it does not wait for clients
  const url = `postgresql://bench@127.0.0.1:${port}/postgres`;
  await waitForConnection(url, child);
  return { url, pid: child.pid };
}
